"""Volumes: columns, states, relations, actions."""

from __future__ import annotations

from typing import Any

from app.aws import volumes
from app.aws.listing import Description
from app.aws.volumes import attached_to
from app.resources.forms import link, listed
from app.resources.removing import DeleteVolumeForm, DetachForm
from app.resources.spec import (
    Action,
    Awaited,
    Column,
    Outcome,
    Resource,
    Row,
    State,
    late,
    referred,
    refers,
    vanished,
)
from app.resources.tagging import TagsForm
from app.resources.volume_forms import AttachForm, CreateVolumeForm
from app.resources.watching import WatchForm, refuse_watch

STATES = (
    State("available", "ok"),
    State("in-use", "ok"),
    State("creating", "changing"),
    State("attaching", "changing"),
    State("detaching", "changing"),
    State("deleting", "changing"),
    State("deleted", "gone"),
    State("error", "failed"),
)
OUTCOMES = (
    Outcome(
        "available",
        "Volume available",
        "is available",
        ("available",),
        between=(("creating", "in-use"),),  # it was attached before anybody looked
    ),
    Outcome("failed", "Volume failed", "has failed", ("error",), state_class="failed"),
    vanished(
        "Volume vanished",
        "is no longer to be found in AWS. Perhaps it was deleted before it was available",
        ("deleted",),
    ),
    late("Volume late"),
)
MODIFICATION_OUTCOMES = (
    Outcome(
        "optimizing",
        "Volume optimizing",
        "has its new size and type, and is optimizing for its new performance",
        ("optimizing",),
        ends=False,
        between=(("modifying", "completed"),),  # the only way, says AWS
    ),
    Outcome("completed", "Volume modified", "has been modified", ("completed",)),
    Outcome(
        "failed",
        "Modification of volume failed",
        "could not be modified",
        ("failed",),
        state_class="failed",
    ),
    vanished(
        "Modification of volume vanished",
        "was being modified, and AWS tells no more of that. Perhaps the volume was deleted, or "
        "modified again since",
    ),
    late("Modification of volume late"),
)


def _state(description: Description) -> str:
    # AWS says in-use while an attachment comes or goes; the attachment knows better
    for attachment in volumes.attachments(description):
        if attachment.get("State") in {"attaching", "detaching"}:
            return str(attachment["State"])
    return str(description.get("State", ""))


def _facts(description: Description) -> dict[str, Any]:
    return {
        "resource_id": description.get("VolumeId"),
        "source_id": description.get("SnapshotId"),
        "aws_state": description.get("State"),
        "started_at": description.get("CreateTime"),
        "size_gib": description.get("Size"),
    }


def _modification_facts(description: Description) -> dict[str, Any]:
    progress = description.get("Progress")
    return {
        "resource_id": description.get("VolumeId"),
        "description": _modified(description),
        "aws_state": description.get("ModificationState"),
        "progress": None if progress is None else f"{progress}%",
        "state_message": description.get("StatusMessage"),
        "started_at": description.get("StartTime"),
        "completed_at": description.get("EndTime"),
        "size_gib": description.get("TargetSize"),
    }


def _modified(description: Description) -> str:
    """What a modification does, in words: 8 GiB gp2 → 16 GiB gp3."""
    sides = (
        f"{description.get(f'{side}Size', '?')} GiB {description.get(f'{side}VolumeType', '')}"
        for side in ("Original", "Target")
    )
    return " → ".join(side.strip() for side in sides)


AWAITED = Awaited(
    kind="volume",
    resource="volume",
    one="volume",
    listing=volumes.LISTING,
    facts=_facts,
    outcomes=OUTCOMES,
    find=volumes.find_by_request,
)
MODIFICATION = Awaited(
    kind="modification",
    resource="volume",
    one="volume",
    listing=volumes.MODIFICATIONS,
    facts=_modification_facts,
    outcomes=MODIFICATION_OUTCOMES,
    repeats=True,
    dated=True,
)


def _refuse_attach(row: Row) -> str | None:
    return None if row.state == "available" else f"{row.id} is {row.state}, not available."


def _refuse_detach(row: Row) -> str | None:
    return None if row.state == "in-use" else f"{row.id} is {row.state}; nothing to detach from."


def _refuse_delete(row: Row) -> str | None:
    if row.state in {"available", "error"}:
        return None
    users = attached_to(row.description)
    where = f", attached to {listed(users)}. Detach it first" if users else ""
    return f"{row.id} is {row.state}{where}."


def _refuse_snapshot(row: Row) -> str | None:
    if row.state in {"available", "in-use", "attaching", "detaching"}:
        return None
    return f"{row.id} is {row.state}."


VOLUME = Resource(
    kind="volume",
    slug="volumes",
    title="Volumes",
    one="volume",
    group="Storage",
    icon="volume",
    prefix="vol-",
    id_key="VolumeId",
    listing=volumes.LISTING,
    states=STATES,
    state=_state,
    columns=(
        Column("state", "State", _state, "state", facet=True, tracked=True),
        Column("size", "Size", lambda d: d.get("Size"), "size", tracked=True),
        Column("volume_type", "Type", lambda d: d.get("VolumeType"), facet=True, tracked=True),
        Column("zone", "Zone", lambda d: d.get("AvailabilityZone"), facet=True),
        Column("instance_ids", "Attached to", attached_to, "ids", of="instance", tracked=True),
        Column(
            "snapshot_id",
            "From snapshot",
            lambda d: d.get("SnapshotId") or None,
            "id",
            of="snapshot",
        ),
        Column("created", "Created", lambda d: d.get("CreateTime"), "time"),
        Column("encrypted", "Encrypted", lambda d: d.get("Encrypted"), "flag", facet=True),
        Column("iops", "IOPS", lambda d: d.get("Iops"), "number", shown=False, tracked=True),
        Column(
            "throughput",
            "Throughput (MiB/s)",
            lambda d: d.get("Throughput"),
            "number",
            shown=False,
            tracked=True,
        ),
        Column(
            "devices",
            "Devices",
            lambda d: [entry.get("Device", "") for entry in volumes.attachments(d)],
            "ids",
            shown=False,
            tracked=True,
        ),
        Column(
            "delete_on_termination",
            "Deleted with its instance",
            lambda d: next((e.get("DeleteOnTermination") for e in volumes.attachments(d)), None),
            "flag",
            shown=False,
            tracked=True,
        ),
        Column("kms_key", "KMS key", lambda d: d.get("KmsKeyId"), "code", shown=False),
    ),
    relations=(
        refers("Made from", "snapshot", "snapshot_id"),
        referred("Attached to", "instance", "volume_ids"),
        referred("Snapshots of it", "snapshot", "volume_id"),
    ),
    actions=(
        Action("new", "Create volume", CreateVolumeForm, on="none"),
        Action(
            "snapshot",
            "Create snapshot",
            refusal=_refuse_snapshot,
            link=lambda row: link("/snapshots/new", volume_id=row.id),
        ),
        Action("attach", "Attach", AttachForm, _refuse_attach),
        Action("detach", "Detach", DetachForm, _refuse_detach),
        Action("watch", "Notify me", WatchForm, refuse_watch),
        Action("tags", "Edit tags", TagsForm),
        Action("delete", "Delete", DeleteVolumeForm, _refuse_delete, on="many"),
    ),
    empty="A volume is a disk that can be attached to an instance.",
    sort="-created",
    awaited=(AWAITED, MODIFICATION),
)
