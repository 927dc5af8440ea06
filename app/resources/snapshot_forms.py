"""The form that makes a snapshot."""

from __future__ import annotations

from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired

from app.aws import snapshots
from app.aws.call import Plan
from app.resources.fields import Id, OneLine, PickerField, TagsField, strip
from app.resources.forms import Answers, Desk, Done, Section, listed, page_of
from app.resources.notify import NOTIFICATION, NotifyForm
from app.resources.spec import Row
from app.resources.tagging import own_tags


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
