"""The operations that are the sandbox's own: importing their modules registers them."""

from __future__ import annotations

import importlib

MODULES = (
    "attachments",
    "image_making",
    "image_registering",
    "images",
    "instance_actions",
    "instance_attributes",
    "instance_status",
    "instance_types",
    "instances",
    "key_pairs",
    "launching",
    "network",
    "snapshot_making",
    "snapshot_tiers",
    "snapshots",
    "tags",
    "volume_changes",
    "volumes",
)


def load() -> None:
    """Register all operations. moto has been imported with the sandbox's settings before."""
    for name in MODULES:
        importlib.import_module(f"app.sandbox.ec2.{name}")
