"""How moto is imported: with our settings, and without loading what the sandbox does not use.

moto reads its settings from the environment when it is imported, so this module sets them first;
everything in the sandbox that needs moto gets it after importing this module.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

MOTO_VERSION = "5.2.5"

_ENVIRONMENT = {
    # Unknown images, key pairs and instance types get AWS's errors instead of being made up.
    "MOTO_ENABLE_AMI_VALIDATION": "1",
    "MOTO_ENABLE_KEYPAIR_VALIDATION": "1",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "1",
    # The images come from our own catalogue, not from moto's 1,301.
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    # No Access-Control-Allow-Origin: a web page has no business here.
    "MOTO_DISABLE_GLOBAL_CORS": "1",
    # A queue may be purged as often as a demonstration needs it.
    "MOTO_SQS_ENFORCE_STRICT_QUEUE_PURGE_BEHAVIOUR": "false",
}
os.environ.update(_ENVIRONMENT)
for _name in ("MOTO_AMIS_PATH", "MOTO_ACCOUNT_ID", "TEST_SERVER_MODE"):
    os.environ.pop(_name, None)


def backends(service: str) -> Any:
    """moto's BackendDict of the service, e.g. `moto.ec2.models.ec2_backends`."""
    return getattr(_models(service), f"{service}_backends")


@cache
def _models(service: str) -> Any:
    with _quick_import():
        return importlib.import_module(f"moto.{service}.models")


def regions() -> frozenset[str]:
    """The names of the regions that moto's EC2 has."""
    _models("ec2")
    zones: Any = importlib.import_module("moto.ec2.models.availability_zones_and_regions")
    return frozenset(region.name for region in zones.RegionsAndZonesBackend.regions)


def regions_with_instance_types() -> frozenset[str]:
    """Those regions for which moto ships what instance types there are: not the newest."""
    types: Any = importlib.import_module("moto.ec2.models.instance_types")
    return frozenset(types.INSTANCE_TYPE_OFFERINGS["region"])


def flask_app(service: str) -> Any:
    """moto's Flask application for one service: a WSGI function."""
    server: Any = importlib.import_module("moto.moto_server.werkzeug_app")
    return server.create_backend_app(service)


@contextmanager
def _quick_import() -> Iterator[None]:
    """Let moto's three boto3 sessions share one: each would parse botocore's endpoints anew."""
    import boto3

    original = boto3.Session
    boto3.Session = cache(original)  # type: ignore[assignment,misc]
    try:
        yield
    finally:
        boto3.Session = original  # type: ignore[misc]
