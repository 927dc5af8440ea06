"""Snapshots: columns, states, relations, actions."""

from __future__ import annotations

import re
from typing import Any

from app.aws import snapshots
from app.aws.listing import Description
from app.resources.forms import link
from app.resources.removing import DeleteSnapshotForm
from app.resources.snapshot_forms import CreateSnapshotForm
from app.resources.spec import (
    Action,
    Awaited,
    Column,
    Outcome,
    Relation,
    Resource,
    Row,
    State,
    late,
    referred,
    refers,
    vanished,
)
from app.resources.tagging import TagsForm
from app.resources.watching import WatchForm, refuse_watch

STATES = (
    State("completed", "ok"),
    State("pending", "changing"),
    State("recovering", "changing"),
    State("recoverable", "off"),
    State("error", "failed"),
)
OUTCOMES = (
    Outcome("completed", "Snapshot done", "is completed", ("completed",)),
    Outcome(
        "failed",
        "Snapshot failed",
        "has failed",
        ("error",),
        state_class="failed",
    ),
    vanished(
        "Snapshot vanished",
        "is no longer to be found in AWS. Perhaps it was deleted before it was completed",
    ),
    late("Snapshot late"),
)
# docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SnapshotTierStatus.html
RESTORE_OUTCOMES = (
    Outcome(
        "completed",
        "Snapshot restored",
        "has been restored from the archive",
        ("temporary-restore-completed", "permanent-restore-completed"),
    ),
    Outcome(
        "failed",
        "Restore of snapshot failed",
        "could not be restored from the archive",
        ("temporary-restore-failed", "permanent-restore-failed"),
        state_class="failed",
    ),
    vanished(
        "Snapshot vanished",
        "is no longer to be found in AWS. Perhaps it was deleted before it was restored",
    ),
    late("Restore of snapshot late"),
)


# What copying, of a snapshot or of an image, writes into the description of what it makes.
_COPIED = re.compile(
    r"Copied (snap-[0-9a-f]{8,17}) from |for SourceSnapshot (snap-[0-9a-f]{8,17})\b"
)
_NO_VOLUME = "vol-ffffffff"  # stands in copies


def _volume(description: Description) -> str | None:
    volume_id = description.get("VolumeId")
    return None if volume_id == _NO_VOLUME else volume_id


def _source(description: Description) -> str | None:
    told = _COPIED.search(description.get("Description") or "")
    return (told[1] or told[2]) if told else None


def _facts(description: Description) -> dict[str, Any]:
    return {
        "resource_id": description.get("SnapshotId"),
        "source_id": description.get("VolumeId"),
        "description": description.get("Description"),
        "aws_state": description.get("State"),
        "progress": description.get("Progress"),
        "state_message": description.get("StateMessage"),
        "started_at": description.get("StartTime"),
        "completed_at": description.get("CompletionTime"),
        "size_gib": description.get("VolumeSize"),
    }


AWAITED = Awaited(
    kind="snapshot",
    resource="snapshot",
    one="snapshot",
    listing=snapshots.LISTING,
    facts=_facts,
    outcomes=OUTCOMES,
    find=lambda requests: snapshots.find_by_request(*requests),
)


def _restore_facts(description: Description) -> dict[str, Any]:
    # RestoreSnapshotTier's answer tells the id and the start, and nothing else.
    progress = description.get("LastTieringProgress")
    return {
        "resource_id": description.get("SnapshotId"),
        "source_id": description.get("VolumeId"),
        "aws_state": description.get("LastTieringOperationStatus"),
        "progress": None if progress is None else f"{progress}%",
        "state_message": description.get("LastTieringOperationStatusDetail"),
        "started_at": description.get("LastTieringStartTime")
        or description.get("RestoreStartTime"),
    }


RESTORE = Awaited(
    kind="restore",
    resource="snapshot",
    one="archived snapshot",
    listing=snapshots.TIERS,
    facts=_restore_facts,
    outcomes=RESTORE_OUTCOMES,
    repeats=True,
    dated=True,
)


def _refuse_unless_completed(row: Row) -> str | None:
    return None if row.state == "completed" else f"{row.id} is {row.state}, not completed."


SNAPSHOT = Resource(
    kind="snapshot",
    slug="snapshots",
    title="Snapshots",
    one="snapshot",
    group="Storage",
    icon="snapshot",
    prefix="snap-",
    id_key="SnapshotId",
    listing=snapshots.LISTING,
    states=STATES,
    state=lambda d: d.get("State", ""),
    columns=(
        Column("state", "State", lambda d: d.get("State"), "state", facet=True, tracked=True),
        Column("progress", "Progress", lambda d: d.get("Progress"), "percent"),
        Column("volume_id", "Volume", _volume, "id", of="volume"),
        Column("size", "Size", lambda d: d.get("VolumeSize"), "size"),
        Column("description", "Description", lambda d: d.get("Description"), tracked=True),
        Column("started", "Started", lambda d: d.get("StartTime"), "time"),
        Column("completed", "Completed", lambda d: d.get("CompletionTime"), "time", shown=False),
        Column("encrypted", "Encrypted", lambda d: d.get("Encrypted"), "flag", facet=True),
        Column(
            "tier",
            "Storage tier",
            lambda d: d.get("StorageTier"),
            facet=True,
            shown=False,
            tracked=True,
        ),
        Column(
            "state_message",
            "State message",
            lambda d: d.get("StateMessage"),
            shown=False,
            tracked=True,
        ),
        Column("source_snapshot_id", "Copied from", _source, "id", of="snapshot", shown=False),
        Column("owner", "Owner", lambda d: d.get("OwnerId"), "code", shown=False),
    ),
    relations=(
        refers("Volume", "volume", "volume_id"),
        Relation(
            "Instance with this volume",
            "instance",
            "volume_ids",
            lambda row: [row.cells.get("volume_id") or ""],
            "from",
        ),
        refers("Snapshot it was copied from", "snapshot", "source_snapshot_id"),
        referred("Images that use it", "image", "snapshot_ids"),
        referred("Volumes made from it", "volume", "snapshot_id"),
        referred("Copies of it", "snapshot", "source_snapshot_id"),
    ),
    actions=(
        Action("new", "Create snapshot", CreateSnapshotForm, on="none"),
        Action("watch", "Notify me", WatchForm, refuse_watch),
        Action(
            "volume",
            "Create volume",
            refusal=_refuse_unless_completed,
            link=lambda row: link("/volumes/new", snapshot_id=row.id),
        ),
        Action(
            "image",
            "Register image",
            refusal=_refuse_unless_completed,
            link=lambda row: link("/images/register", snapshot_id=row.id),
        ),
        Action("tags", "Edit tags", TagsForm),
        Action("delete", "Delete", DeleteSnapshotForm, on="many"),
    ),
    empty="A snapshot is a copy of a volume at one moment. Make one from the volume's page.",
    sort="-started",
    awaited=(AWAITED, RESTORE),
)
