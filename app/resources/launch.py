"""The form that launches instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from wtforms import (
    BooleanField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, NumberRange, Optional

from app.aws import instances
from app.aws.call import Call, Plan
from app.aws.key_pairs import create_key_pair
from app.aws.tags import part_of
from app.aws.volumes import VOLUME_TYPES
from app.resources.fields import MAX_TAGS, OneLine, TagsField, options, strip
from app.resources.forms import Answers, Desk, Done, Section, link, page_of
from app.resources.launch_choices import LaunchChoices, root_mapping
from app.resources.notify import NOTIFICATION, ONE_TAG_LESS, NotifyForm

MAX_INSTANCES = 1000  # RunInstances' own bucket
MOST_WATCHED = 100  # each is a promise that is written down before the launch
USER_DATA_BYTES = 16 * 1024
NEW_KEY, NO_KEY, OLD_KEY = "new", "none", "existing"


class LaunchForm(NotifyForm, LaunchChoices):
    """Launch instances from an image."""

    title = "Launch instances"
    submit_label = "Launch"
    sections = (
        Section("Image and type", ("account", "region", "image_id", "instance_type", "name")),
        Section("How many", ("min_count", "max_count"), "AWS launches as many as it can."),
        Section("Key pair", ("key_choice", "key_name", "new_key_name", "new_key_type")),
        Section("Network and placement", ("availability_zone", "security_group_ids")),
        Section("Root volume", ("volume_size", "volume_type")),
        Section("Protection", ("disable_api_termination",)),
        Section("Tags", ("tags",), "Given to the instances and to their volumes."),
        Section("User data", ("user_data",), collapsed=True),
        Section(
            "Notification",
            NOTIFICATION,
            "A watch is put on each instance. One that AWS terminates at once never runs: tick "
            "terminated too to be told of that; such a watch goes on until it is terminated.",
            collapsed=True,
        ),
    )
    awaits = "instance"
    ticked = ("running",)
    when: ClassVar[Mapping[str, str]] = {
        **NotifyForm.when,
        "key_name": f"key_choice={OLD_KEY}",
        "new_key_name": f"key_choice={NEW_KEY}",
        "new_key_type": f"key_choice={NEW_KEY}",
    }

    name = StringField(
        "Name",
        filters=[strip],
        validators=[OneLine(256)],
        description="The tag Name of the instances and their volumes.",
    )
    min_count = IntegerField(
        "Minimum",
        default=1,
        validators=[InputRequired(), NumberRange(1, MAX_INSTANCES)],
        description="With fewer than these, AWS launches none.",
    )
    max_count = IntegerField(
        "Maximum",
        default=1,
        validators=[InputRequired(), NumberRange(1, MAX_INSTANCES)],
        description="AWS launches as many as it has room for, up to these.",
    )
    key_choice = RadioField(
        "Key pair",
        choices=options(
            [
                (OLD_KEY, "One that exists"),
                (NEW_KEY, "Make a new one; its private key is shown once"),
                (NO_KEY, "None: you will not be able to sign in with SSH"),
            ]
        ),
        default=OLD_KEY,
    )
    key_name = SelectField("Existing key pair", validate_choice=False, validators=[OneLine(255)])
    new_key_name = StringField(
        "Name of the new key pair", filters=[strip], validators=[OneLine(255)]
    )
    new_key_type = SelectField(
        "Type of the new key pair", choices=options([("ed25519", "ED25519"), ("rsa", "RSA")])
    )
    volume_size = IntegerField(
        "Size of the root volume (GiB)",
        validators=[Optional(), NumberRange(1, 65536)],
        description="Empty: as in the image.",
    )
    volume_type = SelectField(
        "Type of the root volume",
        choices=options(
            [("", "As in the image")]
            + [
                (kind.name, f"{kind.name}: {kind.title}")
                for kind in VOLUME_TYPES.values()
                if not kind.iops_required and kind.name not in {"st1", "sc1"}
            ]
        ),
    )
    disable_api_termination = BooleanField(
        "Protect from termination",
        description="AWS refuses to terminate the instances until the protection is taken off.",
    )
    tags = TagsField("Further tags")
    user_data = TextAreaField(
        "User data", description="Run at the first start, for example a script that begins with #!."
    )

    def prepare(self, desk: Desk) -> None:
        super().prepare(desk)
        region = self.place
        keys = [row.name for row in desk.known.all("key_pair", region)]
        self.key_name.choices = options(
            [(name, name) for name in keys] or [("", "None in this region")]
        )
        if not keys and not self.is_submitted():
            self.key_choice.data = NEW_KEY
        self.offer_notification(desk, region)
        self.read_choices(desk, region)

    def examine(self, desk: Desk) -> None:
        if (self.min_count.data or 0) > (self.max_count.data or 0):
            self.complain("min_count", "The minimum is above the maximum.")
        self._examine_key(desk)
        self.examine_choices(desk)
        self._examine_volume(desk)
        if len((self.user_data.data or "").encode()) > USER_DATA_BYTES:
            self.complain("user_data", "User data can be 16 KiB at most.")
        if "Name" in self.tags.data and self.name.data:
            self.complain("tags", "The name stands above already; take the key Name out here.")
        self.examine_notification(desk)
        if self.asked and (self.max_count.data or 0) > MOST_WATCHED:
            self.complain("notify", f"{MOST_WATCHED} instances of one launch can be watched.")
        if len(self._all_tags()) > MAX_TAGS - self.asked:
            self.complain("tags", ONE_TAG_LESS if self.asked else "50 tags at most, with the name.")

    def _examine_key(self, desk: Desk) -> None:
        existing = [row.name for row in desk.known.all("key_pair", self.place)]
        if self.key_choice.data == OLD_KEY:
            if not self.key_name.data:
                self.complain("key_name", "Choose a key pair, make a new one, or choose none.")
            elif self.key_name.data not in existing:
                self.complain(
                    "key_name",
                    f"There is no key pair {self.key_name.data!r} in {self.place} (any more).",
                )
        elif self.key_choice.data == NEW_KEY:
            if not self.new_key_name.data:
                self.complain("new_key_name", "Give the new key pair a name.")
            elif self.new_key_name.data in existing:
                self.complain(
                    "new_key_name", f"{self.new_key_name.data!r} exists already in {self.place}."
                )

    def _examine_volume(self, desk: Desk) -> None:
        image = self.image(desk)
        if not (self.volume_size.data or self.volume_type.data):
            return
        if image is None:
            if self.image_id.unread:  # and with it the name of its root device
                self.complain("volume_size", "The image could not be read; leave it empty.")
            return
        _device, root = root_mapping(image)
        if not root:
            self.complain(
                "volume_size", "The image's root device is no EBS volume; leave it empty."
            )
            return
        least, size = root.get("VolumeSize") or 1, self.volume_size.data or 0
        if size and size < least:
            self.complain("volume_size", f"The image needs at least {least} GiB.")
        kind = VOLUME_TYPES.get(self.volume_type.data or root.get("VolumeType", ""))
        if kind and size and not kind.size[0] <= size <= kind.size[1]:
            self.complain("volume_size", f"{kind.name}: {kind.size[0]:,} to {kind.size[1]:,} GiB.")

    def plan(self, desk: Desk) -> Plan:
        calls: list[Call] = [*self.topic_calls(self.place)]
        key_name = {OLD_KEY: self.key_name.data, NEW_KEY: self.new_key_name.data}.get(
            self.key_choice.data, ""
        )
        if self.key_choice.data == NEW_KEY and key_name:
            calls.append(create_key_pair(self.place, key_name, self.new_key_type.data, {}))
        image = self.image(desk) or {}
        device, _root = root_mapping(image)
        volume = {"VolumeSize": self.volume_size.data, "VolumeType": self.volume_type.data}
        launch = instances.run_instances(
            self.place,
            instances.Launch(
                image_id=self.image_id.data or "",
                instance_type=self.instance_type.data or "",
                min_count=self.min_count.data or 1,
                max_count=self.max_count.data or 1,
                client_token=self.client_token.data or "",
                key_name=key_name or "",
                security_group_ids=self.security_group_ids.data or (),
                availability_zone=self.availability_zone.data or "",
                disable_api_termination=bool(self.disable_api_termination.data),
                user_data=(self.user_data.data or "").replace("\r\n", "\n"),
                root_device=device,
                root_volume={key: value for key, value in volume.items() if value},
                tags=self._all_tags(),
                request_id=self.request,
            ),
        )
        unmade = ("KeyName",) if self.key_choice.data == NEW_KEY else ()
        calls.append(replace(launch, unmade=unmade))
        return Plan(self.title, tuple(calls))

    def _all_tags(self) -> dict[str, str]:
        name = {"Name": self.name.data} if self.name.data else {}
        return {**name, **self.tags.data}

    def warnings(self, desk: Desk) -> list[str]:
        told = self.notification_warnings(desk)
        image = self.image(desk)
        if self.image_id.unread:
            told.append(self.image_id.unread)
        if self.key_choice.data == NO_KEY:
            told.append("Without a key pair you cannot sign in to the instances with SSH.")
        if image and image.get("RootDeviceType") == "instance-store":
            told.append(
                "This image is instance-store-backed: its instances cannot be stopped, "
                "only terminated, and nothing on their root device outlasts them."
            )
        return told

    def keep(self, desk: Desk, done: list[Call]) -> None:  # type: ignore[override]
        if any(call.operation == "CreateKeyPair" for call in done):
            # the key pair exists now: the form that is sent again must take it, not make it
            name = self.new_key_name.data or ""
            self.key_choice.data, self.key_name.data = OLD_KEY, name
            self.key_name.choices = [*options([(name, name)]), *self.key_name.choices]

    def begin(self, desk: Desk) -> None:
        # as many as AWS may launch; which of them it did, its answer tells
        parts = [part_of(self.request, number) for number in range(self.max_count.data or 1)]
        self.intend(
            desk,
            self.place,
            parts,
            source_id=self.image_id.data or "",
            description=self.name.data or "",
        )

    def finish(self, desk: Desk, answers: Answers) -> Done:
        answer = answers[-1]
        made = answer.get("Instances") or answer.get("Found") or []
        parts = {part_of(self.request, each.get("AmiLaunchIndex", 0)): each for each in made}
        watched = self.bind(desk, parts)
        ids = [instance["InstanceId"] for instance in made]
        asked, came = self.max_count.data or 1, len(ids)
        if (self.min_count.data or 1) == asked:
            told = f"{asked} asked for, {came} launched: {', '.join(ids)}"
        else:
            told = f"{self.min_count.data} to {asked} asked for, {came} launched: {', '.join(ids)}"
        told += "." if watched else ""
        url = (
            page_of("instances", ids[0])
            if came == 1
            else link("/instances", image_id=self.image_id.data or "", sort="-launched")
        )
        category = "success" if came == asked else "warning"
        return Done(told + watched, url, category, self._secret(answers))

    def _secret(self, answers: Answers) -> tuple[str, str] | None:
        for answer in answers:
            if "KeyMaterial" in answer:
                return f"{answer['KeyName']}.pem", answer["KeyMaterial"]
        return None
