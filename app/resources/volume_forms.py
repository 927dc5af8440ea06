"""The forms that make a volume and attach one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from wtforms import BooleanField, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, NumberRange, Optional

from app.aws import volumes
from app.aws.call import Plan
from app.aws.tags import marked_with
from app.aws.volumes import VOLUME_TYPES
from app.resources.fields import MAX_TAGS, Id, OneLine, PickerField, TagsField, options, strip
from app.resources.forms import ActionForm, Answers, CreateForm, Desk, Done, Section, page_of
from app.resources.listed import ListedField, read_for
from app.resources.notify import NOTIFICATION, ONE_TAG_LESS, NotifyForm
from app.resources.spec import Row

_DEVICE = re.compile(r"^(/dev/(sd[a-z]\d{0,2}|xvd[a-z]{1,2}\d{0,2})|xvd[a-z]{1,2}|sd[a-z]\d{0,2})$")
_FREE_DEVICES = [f"/dev/sd{letter}" for letter in "fghijklmnop"]


class CreateVolumeForm(NotifyForm, CreateForm):
    """Make a volume, empty or from a snapshot."""

    title = "Create volume"
    submit_label = "Create volume"
    sections = (
        Section("Source and place", ("account", "region", "snapshot_id", "availability_zone")),
        Section("Size and speed", ("volume_type", "size", "iops", "throughput")),
        Section("Encryption", ("encrypted",)),
        Section("Tags", ("tags",)),
        Section("Notification", NOTIFICATION, collapsed=True),
    )
    awaits = "volume"
    when: ClassVar[Mapping[str, str]] = {
        **NotifyForm.when,
        "iops": "volume_type=gp3 io1 io2",
        "throughput": "volume_type=gp3",
    }

    snapshot_id = PickerField(
        "Snapshot",
        "/pick/snapshots",
        filters=[strip],
        validators=[Id("snap-", "a snapshot")],
        description="Empty: an empty volume.",
    )
    availability_zone = ListedField(
        "Availability zone",
        filters=[strip],
        validate_choice=False,
        validators=[OneLine(64)],
        description="A volume can only be attached to instances of its own zone.",
    )
    volume_type = SelectField(
        "Volume type",
        choices=options(
            (kind.name, f"{kind.name}: {kind.title}") for kind in VOLUME_TYPES.values()
        ),
    )
    size = IntegerField(
        "Size (GiB)", validators=[Optional()], description="Empty: the size of the snapshot."
    )
    iops = IntegerField(
        "IOPS",
        validators=[Optional(), NumberRange(100, 256000)],
        description="io1 and io2 need it; gp3 has 3,000 unless given; not for other types.",
    )
    throughput = IntegerField(
        "Throughput (MiB/s)",
        validators=[Optional(), NumberRange(125, 2000)],
        description="Only for gp3; 125 unless given.",
    )
    encrypted = BooleanField("Encrypt", description="With the account's default key for EBS.")
    tags = TagsField("Tags")

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        snapshot = self._snapshot(desk)
        if snapshot and not self.is_submitted():
            self.region.data = snapshot.region
            self.size.data = self.size.data or snapshot.description.get("VolumeSize")
        self._zones = read_for(
            self.availability_zone,
            f"The zones of {self.place}",
            f"Type one, such as {self.place}a.",
            lambda: desk.reference.zones(self.place),
        )
        if self._zones is not None:
            self.availability_zone.choices = options((zone, zone) for zone in self._zones)
        self.offer_notification(desk, self.place)

    def account_of(self, desk: Desk) -> str:
        snapshot = self._snapshot(desk)
        if snapshot and not self.is_submitted():
            return snapshot.account
        return super().account_of(desk)

    def _snapshot(self, desk: Desk) -> Row | None:
        if not self.snapshot_id.data:
            return None
        return desk.known.get("snapshot", self.snapshot_id.data)

    def examine(self, desk: Desk) -> None:
        zone = self.availability_zone.data
        if not zone:
            self.complain("availability_zone", "A volume needs a zone.")
        elif self._zones is not None and zone not in self._zones:
            self.complain("availability_zone", f"{self.place} has no zone {zone!r}.")
        self._examine_snapshot(desk)
        self._examine_limits()
        self.examine_notification(desk)
        if len(self.tags.data) > MAX_TAGS - self.asked:
            self.complain("tags", ONE_TAG_LESS)

    def _examine_snapshot(self, desk: Desk) -> None:
        if not self.snapshot_id.data:
            if self.size.data is None:
                self.complain("size", "An empty volume needs a size.")
            return
        row = self._snapshot(desk)
        if row is None or row.gone:
            self.complain("snapshot_id", f"There is no snapshot {self.snapshot_id.data}.")
        elif row.account != desk.account:
            self.complain("snapshot_id", f"It is in the account {row.account}.")
        elif row.region != self.place:
            self.complain("snapshot_id", f"It is in {row.region}, not in {self.place}.")
        elif row.state != "completed":
            self.complain("snapshot_id", f"It is {row.state}; wait until it is completed.")
        elif self.size.data is not None and self.size.data < (row.cells.get("size") or 1):
            self.complain("size", f"At least the snapshot's {row.cells['size']} GiB.")

    def _examine_limits(self) -> None:
        kind = VOLUME_TYPES.get(self.volume_type.data or "")
        if kind is None:
            return
        least, most = kind.size
        if self.size.data is not None and not least <= self.size.data <= most:
            self.complain("size", f"{kind.name}: {least:,} to {most:,} GiB.")
        for name, limits in (("iops", kind.iops), ("throughput", kind.throughput)):
            value = self._fields[name].data
            if value is None:
                continue
            if limits is None:
                self.complain(name, f"Cannot be set for {kind.name}; leave it empty.")
            elif not limits[0] <= value <= limits[1]:
                self.complain(name, f"{kind.name}: {limits[0]:,} to {limits[1]:,}.")
        if kind.iops_required and self.iops.data is None:
            self.complain("iops", f"{kind.name} needs a number of IOPS.")

    def plan(self, desk: Desk) -> Plan:
        volume = volumes.NewVolume(
            availability_zone=self.availability_zone.data or "",
            volume_type=self.volume_type.data or "",
            client_token=self.client_token.data or "",
            size=self.size.data,
            snapshot_id=self.snapshot_id.data or "",
            iops=self.iops.data,
            throughput=self.throughput.data,
            encrypted=bool(self.encrypted.data),
            tags=marked_with(self.tags.data, self.request),
        )
        create = volumes.create_volume(self.place, volume)
        return Plan(self.title, (*self.topic_calls(self.place), create))

    def warnings(self, desk: Desk) -> list[str]:
        return self.notification_warnings(desk)

    def begin(self, desk: Desk) -> None:
        self.intend(desk, self.place, [self.request], source_id=self.snapshot_id.data or "")

    def finish(self, desk: Desk, answers: Answers) -> Done:
        volume_id = answers[-1]["VolumeId"]
        told = self.bind(desk, {self.request: dict(answers[-1])})
        return Done(f"Volume {volume_id} is being made.{told}", page_of("volumes", volume_id))


class AttachForm(ActionForm):
    """Attach a volume to an instance."""

    title = "Attach volume"
    submit_label = "Attach"
    sections = (Section("Where to", ("instance_id", "device")),)

    instance_id = SelectField(
        "Instance",
        validate_choice=False,
        description="Running and stopped instances in the volume's availability zone.",
    )
    device = StringField(
        "Device",
        default=_FREE_DEVICES[0],
        filters=[strip],
        validators=[InputRequired(), OneLine(32)],
        description="/dev/sdf to /dev/sdp are free for use; Linux may show it under another name.",
    )

    def prepare(self, desk: Desk) -> None:
        fit = self._fitting(desk)
        self.instance_id.choices = options(
            [(row.id, f"{row.label}, {row.state}") for row in fit]
            or [("", f"No running or stopped instance in {desk.row.cells.get('zone')}")]
        )
        if fit and not self.is_submitted():
            chosen = next((row for row in fit if row.id == self.instance_id.data), fit[0])
            self.device.data = next(
                (name for name in _FREE_DEVICES if name not in _devices(chosen)), _FREE_DEVICES[0]
            )

    def _fitting(self, desk: Desk) -> list[Row]:
        here = desk.known.find(
            "instance", "zone", [str(desk.row.cells.get("zone"))], desk.row.region
        )
        return [row for row in here if row.state in {"running", "stopped"}]

    def examine(self, desk: Desk) -> None:
        row = desk.known.get("instance", self.instance_id.data or "")
        if row is None or row.gone:
            self.complain("instance_id", "Choose an instance that exists.")
            return
        zone = desk.row.cells.get("zone")
        if row.cells.get("zone") != zone:
            self.complain(
                "instance_id",
                f"{row.id} is in {row.cells.get('zone')}, the volume in {zone}; both must be in "
                "one availability zone.",
            )
        elif row.state not in {"running", "stopped"}:
            self.complain("instance_id", f"{row.id} is {row.state}.")
        if not _DEVICE.match(self.device.data or ""):
            self.complain("device", "A device name such as /dev/sdf or xvdf.")
        elif self.device.data in _devices(row):
            self.complain("device", f"{row.id} has a volume at {self.device.data} already.")

    def plan(self, desk: Desk) -> Plan:
        call = volumes.attach_volume(
            desk.row.region, desk.row.id, self.instance_id.data or "", self.device.data or ""
        )
        return Plan(self.title, (call,))

    def finish(self, desk: Desk, answers: Answers) -> Done:
        told = f"{desk.row.id} is being attached to {self.instance_id.data}."
        return Done(told, page_of("volumes", desk.row.id))


def _devices(instance: Row) -> set[str]:
    mappings = instance.description.get("BlockDeviceMappings") or []
    return {mapping.get("DeviceName", "") for mapping in mappings}
