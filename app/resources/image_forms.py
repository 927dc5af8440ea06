"""The forms that make an image: of an instance, or of a snapshot."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from wtforms import BooleanField, IntegerField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, NumberRange, Optional, ValidationError

from app.aws import images
from app.aws.call import Plan
from app.aws.listing import Description
from app.aws.volumes import VOLUME_TYPES
from app.resources.fields import (
    MAX_TAGS,
    Ascii,
    Id,
    OneLine,
    PickerField,
    TagsField,
    options,
    strip,
)
from app.resources.forms import ActionForm, Answers, Desk, Done, Section, page_of
from app.resources.notify import NOTIFICATION, ONE_TAG_LESS, NotifyForm
from app.resources.spec import Row

_NAME = re.compile(r"^[A-Za-z0-9()\[\] ./\-'@_]{3,128}$")


class ImageName:
    """A name that AWS takes for an image."""

    def __call__(self, form: Any, field: Any) -> None:
        value = field.data or ""
        if not 3 <= len(value) <= 128:
            raise ValidationError(f"3 to 128 characters; this has {len(value)}.")
        if not _NAME.match(value):
            wrong = next(mark for mark in value if not _NAME.match(mark * 3))
            raise ValidationError(
                f"{wrong!r} is not possible in the name of an image: letters without accents, "
                "digits, spaces and ( ) [ ] . / - ' @ _ only."
            )


def _name_is_free(form: ActionForm, desk: Desk, region: str, name: str) -> None:
    for row in desk.known.find("image", "image_name", [name], region):
        form.complain("name", f"{row.id} has this name already; choose another.")


class CreateImageForm(NotifyForm):
    """Make an image of an instance."""

    title = "Create image"
    submit_label = "Create image"
    sections = (
        Section("Image", ("instance_id", "name", "description")),
        Section("How", ("no_reboot",)),
        Section("Tags", ("tags",), "Given to the image and to its snapshots."),
        Section("Notification", NOTIFICATION, collapsed=True),
    )
    awaits = "image"

    instance_id = PickerField(
        "Instance",
        "/pick/instances",
        filters=[strip],
        validators=[InputRequired(), Id("i-", "an instance")],
    )
    name = StringField(
        "Image name",
        filters=[strip],
        validators=[InputRequired(), ImageName()],
        description="Unique in its account and region.",
    )
    description = StringField("Description", filters=[strip], validators=[OneLine(255), Ascii()])
    no_reboot = RadioField(
        "Reboot",
        choices=options(
            [
                (
                    "reboot",
                    "Reboot the instance: it is down for a minute, and all its disks are in "
                    "the image as at one moment",
                ),
                (
                    "no-reboot",
                    "Do not reboot: it goes on running, and what was not yet written to disk "
                    "may be missing or half-written in the image",
                ),
            ]
        ),
        default="reboot",
    )
    tags = TagsField("Tags")

    def prepare(self, desk: Desk) -> None:
        self.offer_notification(desk, self._region(desk))

    def _instance(self, desk: Desk) -> Row | None:
        return desk.known.get("instance", self.instance_id.data or "")

    def _region(self, desk: Desk) -> str:
        row = self._instance(desk)
        return row.region if row else desk.regions[0]

    def account_of(self, desk: Desk) -> str:
        row = self._instance(desk)
        return row.account if row else desk.account

    def examine(self, desk: Desk) -> None:
        self.examine_notification(desk)
        if len(self.tags.data) > MAX_TAGS - self.asked:
            self.complain("tags", ONE_TAG_LESS)
        row = self._instance(desk)
        if row is None or row.gone:
            self.complain("instance_id", f"There is no instance {self.instance_id.data}.")
            return
        if row.state not in {"running", "stopped"}:
            self.complain(
                "instance_id", f"It is {row.state}; it must be running or stopped for an image."
            )
        if row.description.get("RootDeviceType") == "instance-store":
            self.complain(
                "instance_id",
                "Its root device is an instance store; AWS makes images only of EBS-backed ones.",
            )
        _name_is_free(self, desk, row.region, self.name.data or "")

    def plan(self, desk: Desk) -> Plan:
        region = self._region(desk)
        call = images.create_image(
            region,
            self.instance_id.data or "",
            self.name.data or "",
            self.description.data or "",
            self.no_reboot.data == "no-reboot",
            self.tags.data,
            self.request,
        )
        return Plan(self.title, (*self.topic_calls(region), call))

    def warnings(self, desk: Desk) -> list[str]:
        told = self.notification_warnings(desk)
        row = self._instance(desk)
        if row and row.state == "running" and self.no_reboot.data == "reboot":
            told.append(f"{row.label} will be rebooted.")
        return told

    def begin(self, desk: Desk) -> None:
        self.intend(
            desk,
            self._region(desk),
            [self.request],
            source_id=self.instance_id.data or "",
            description=self.description.data or self.name.data or "",
        )

    def finish(self, desk: Desk, answers: Answers) -> Done:
        done = _made_image(answers)
        told = self.bind(desk, {self.request: _found_image(answers)})
        return replace(done, message=done.message + told)


def _found_image(answers: Answers) -> Description:
    answer = answers[-1]
    return dict((answer.get("Found") or [answer])[0])


def _made_image(answers: Answers) -> Done:
    image_id = _found_image(answers)["ImageId"]
    return Done(f"Image {image_id} is being made.", page_of("images", image_id))


class RegisterImageForm(ActionForm):
    """Make an image from a snapshot of a root volume."""

    title = "Register image from a snapshot"
    submit_label = "Register image"
    sections = (
        Section("Image", ("snapshot_id", "name", "description")),
        Section("System", ("architecture", "root_device_name", "boot_mode")),
        Section("Root volume", ("volume_size", "volume_type", "delete_on_termination")),
        Section("Tags", ("tags",)),
    )

    snapshot_id = PickerField(
        "Snapshot of the root volume",
        "/pick/snapshots",
        filters=[strip],
        validators=[InputRequired(), Id("snap-", "a snapshot")],
    )
    name = StringField("Image name", filters=[strip], validators=[InputRequired(), ImageName()])
    description = StringField("Description", filters=[strip], validators=[OneLine(255), Ascii()])
    architecture = SelectField(
        "Architecture",
        choices=options(
            [
                ("x86_64", "x86_64 (Intel, AMD)"),
                ("arm64", "arm64 (Graviton)"),
                ("i386", "i386"),
            ]
        ),
    )
    root_device_name = StringField(
        "Root device name",
        default="/dev/sda1",
        filters=[strip],
        validators=[InputRequired(), OneLine(64)],
    )
    boot_mode = SelectField(
        "Boot mode",
        choices=options(
            [
                ("", "Left to the instance type"),
                ("uefi-preferred", "UEFI preferred"),
                ("uefi", "UEFI"),
                ("legacy-bios", "Legacy BIOS"),
            ]
        ),
    )
    volume_size = IntegerField(
        "Size (GiB)",
        validators=[Optional(), NumberRange(1, 65536)],
        description="Empty: the snapshot's.",
    )
    volume_type = SelectField(
        "Type",
        choices=options(
            [
                (kind.name, f"{kind.name}: {kind.title}")
                for kind in VOLUME_TYPES.values()
                if kind.name in {"gp3", "gp2", "standard"}
            ]
        ),
    )
    delete_on_termination = BooleanField("Delete the volume with its instance", default=True)
    tags = TagsField("Tags")

    def _snapshot(self, desk: Desk) -> Row | None:
        return desk.known.get("snapshot", self.snapshot_id.data or "")

    def account_of(self, desk: Desk) -> str:
        row = self._snapshot(desk)
        return row.account if row else desk.account

    def examine(self, desk: Desk) -> None:
        row = self._snapshot(desk)
        if row is None or row.gone:
            self.complain("snapshot_id", f"There is no snapshot {self.snapshot_id.data}.")
            return
        if row.state != "completed":
            self.complain("snapshot_id", f"It is {row.state}; wait until it is completed.")
        least = row.description.get("VolumeSize") or 1
        if self.volume_size.data and self.volume_size.data < least:
            self.complain("volume_size", f"At least the snapshot's {least} GiB.")
        if not (self.root_device_name.data or "").startswith(("/dev/", "xvd")):
            self.complain("root_device_name", "A device such as /dev/sda1 or /dev/xvda.")
        _name_is_free(self, desk, row.region, self.name.data or "")

    def plan(self, desk: Desk) -> Plan:
        row = self._snapshot(desk)
        volume = {
            "SnapshotId": self.snapshot_id.data or "",
            "VolumeSize": self.volume_size.data,
            "VolumeType": self.volume_type.data,
            "DeleteOnTermination": bool(self.delete_on_termination.data),
        }
        call = images.register_image(
            row.region if row else desk.regions[0],
            self.name.data or "",
            self.description.data or "",
            self.architecture.data,
            self.root_device_name.data or "",
            {key: value for key, value in volume.items() if value not in (None, "")},
            self.boot_mode.data,
            self.tags.data,
        )
        return Plan(self.title, (call,))

    def finish(self, desk: Desk, answers: Answers) -> Done:
        return _made_image(answers)
