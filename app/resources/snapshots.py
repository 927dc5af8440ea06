"""Snapshots: columns, states, relations, forms, actions."""

from __future__ import annotations

import re
from typing import Any

from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired

from app.aws import snapshots
from app.aws.call import Plan
from app.aws.listing import Description
from app.resources.fields import Id, OneLine, PickerField, TagsField, strip
from app.resources.forms import (
    Answers,
    Desk,
    Done,
    Section,
    link,
    listed,
    page_of,
)
from app.resources.notify import NOTIFICATION, NotifyForm
from app.resources.removing import DeleteSnapshotForm
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
from app.resources.tagging import TagsForm, own_tags
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


class CreateSnapshotForm(NotifyForm):
    """Make a snapshot of a volume, with a watch on request."""

    title = "Create snapshot"
    submit_label = "Create snapshot"
    sections = (
        Section("Snapshot", ("volume_id", "description")),
        Section("Tags", ("copy_tags", "tags")),
        Section("Notification", NOTIFICATION),
    )
    awaits = "snapshot"

    volume_id = PickerField(
        "Volume",
        "/pick/volumes",
        filters=[strip],
        validators=[InputRequired(), Id("vol-", "a volume")],
    )
    description = StringField("Description", filters=[strip], validators=[OneLine(255)])
    copy_tags = BooleanField("Copy the volume's tags")
    tags = TagsField("Further tags")

    def prepare(self, desk: Desk) -> None:
        volume = self._volume(desk)
        self.offer_notification(desk, self._region(desk))
        if volume and not self.is_submitted() and not self.description.data:
            self.description.data = f"{volume.name or volume.id}Snap"

    def _volume(self, desk: Desk) -> Row | None:
        return desk.known.get("volume", self.volume_id.data or "")

    def account_of(self, desk: Desk) -> str:
        volume = self._volume(desk)
        return volume.account if volume else desk.account

    def _region(self, desk: Desk) -> str:
        volume = self._volume(desk)
        return volume.region if volume else desk.regions[0]

    def examine(self, desk: Desk) -> None:
        volume = self._volume(desk)
        if volume is None or volume.gone:
            self.complain("volume_id", f"There is no volume {self.volume_id.data}.")
        elif volume.state not in {"available", "in-use", "attaching", "detaching"}:
            self.complain("volume_id", f"It is {volume.state}.")
        if len(self._all_tags(desk)) > 49:
            self.complain("tags", "49 tags at most: one more is Encante's own mark.")
        self.examine_notification(desk)

    def _all_tags(self, desk: Desk) -> dict[str, str]:
        volume = self._volume(desk)
        copied = own_tags(volume) if volume and self.copy_tags.data else {}
        return {**copied, **self.tags.data}

    def plan(self, desk: Desk) -> Plan:
        region = self._region(desk)
        call = snapshots.create_snapshot(
            region,
            self.volume_id.data or "",
            self.description.data or "",
            self._all_tags(desk),
            self.client_token.data or "",
        )
        return Plan(self.title, (*self.topic_calls(region), call))

    def warnings(self, desk: Desk) -> list[str]:
        told = self.notification_warnings(desk, self.volume_id.data or "")
        volume = self._volume(desk)
        if volume:
            running = desk.known.find("snapshot", "volume_id", [volume.id], volume.region)
            pending = [row.id for row in running if row.state == "pending"]
            if pending:
                told.append(
                    f"{listed(pending)} of this volume is still pending; AWS allows five at once."
                )
        return told

    def begin(self, desk: Desk) -> None:
        self.intend(
            desk,
            self._region(desk),
            [self.client_token.data or ""],
            source_id=self.volume_id.data or "",
            description=self.description.data or "",
        )

    def finish(self, desk: Desk, answers: Answers) -> Done:
        answer = answers[-1]
        snapshot = (answer.get("Found") or [answer])[0]
        told = self.bind(desk, {self.client_token.data or "": snapshot})
        return Done(
            f"Snapshot {snapshot['SnapshotId']} is being made.{told}",
            page_of("snapshots", snapshot["SnapshotId"]),
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
