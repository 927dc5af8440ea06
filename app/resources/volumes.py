"""Volumes: columns, states, relations, forms, actions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from wtforms import BooleanField, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, NumberRange, Optional

from app.aws import volumes
from app.aws.call import Plan
from app.aws.listing import Description
from app.aws.tags import marked_with
from app.aws.volumes import VOLUME_TYPES, attached_to
from app.resources.fields import MAX_TAGS, Id, OneLine, PickerField, TagsField, options, strip
from app.resources.forms import (
    ActionForm,
    Answers,
    CreateForm,
    Desk,
    Done,
    Section,
    link,
    listed,
    page_of,
)
from app.resources.notify import NOTIFICATION, ONE_TAG_LESS, NotifyForm
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
_DEVICE = re.compile(r"^(/dev/(sd[a-z]\d{0,2}|xvd[a-z]{1,2}\d{0,2})|xvd[a-z]{1,2}|sd[a-z]\d{0,2})$")
_FREE_DEVICES = [f"/dev/sd{letter}" for letter in "fghijklmnop"]


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
    availability_zone = SelectField(
        "Availability zone",
        validate_choice=False,
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
        zones = desk.reference.zones(self.place)
        self.availability_zone.choices = options((zone, zone) for zone in zones)
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
        if self.availability_zone.data not in desk.reference.zones(self.place):
            self.complain(
                "availability_zone", f"{self.place} has no zone {self.availability_zone.data!r}."
            )
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
