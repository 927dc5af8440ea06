"""Snapshots: columns, states, relations, forms, actions."""

from __future__ import annotations

from app.aws import snapshots
from app.resources.spec import Column, Relation, Resource, State

STATES = (
    State("completed", "ok"),
    State("pending", "changing"),
    State("recovering", "changing"),
    State("recoverable", "off"),
    State("error", "failed"),
)

SNAPSHOT = Resource(
    kind="snapshot",
    slug="snapshots",
    title="Snapshots",
    one="snapshot",
    prefix="snap-",
    id_key="SnapshotId",
    listing=snapshots.LISTING,
    states=STATES,
    state=lambda d: d.get("State", ""),
    columns=(
        Column("state", "State", lambda d: d.get("State"), "state", facet=True),
        Column("progress", "Progress", lambda d: d.get("Progress"), "percent"),
        Column("volume_id", "Volume", lambda d: d.get("VolumeId"), "id", of="volume"),
        Column("size", "Size (GiB)", lambda d: d.get("VolumeSize"), "size"),
        Column("description", "Description", lambda d: d.get("Description")),
        Column("started", "Started", lambda d: d.get("StartTime"), "time"),
        Column("completed", "Completed", lambda d: d.get("CompletionTime"), "time", shown=False),
        Column("encrypted", "Encrypted", lambda d: d.get("Encrypted"), "flag", facet=True),
        Column("tier", "Storage tier", lambda d: d.get("StorageTier"), facet=True, shown=False),
        Column("state_message", "State message", lambda d: d.get("StateMessage"), shown=False),
        Column("owner", "Owner", lambda d: d.get("OwnerId"), "code", shown=False),
    ),
    relations=(
        Relation("Volume", "volume", "id", lambda row: [row.cells.get("volume_id") or ""]),
        Relation("Images that use it", "image", "snapshot_ids", lambda row: [row.id]),
        Relation("Volumes made from it", "volume", "snapshot_id", lambda row: [row.id]),
    ),
    empty="A snapshot is a copy of a volume at one moment. Make one from the volume's page.",
    sort="-started",
)
