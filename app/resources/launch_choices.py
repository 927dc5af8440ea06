"""What to launch, and where: the part of the form that reads what a region has to choose from."""

from __future__ import annotations

import re

from wtforms.validators import InputRequired

from app.aws.listing import Description
from app.aws.reference import SecurityGroup
from app.resources.fields import Id, OneLine, PickerField, options, strip
from app.resources.forms import CreateForm, Desk
from app.resources.listed import ListedField, ListedFields, read_for

_SECURITY_GROUP = re.compile(r"^sg-[0-9a-f]{8,17}$")


def root_mapping(image: Description) -> tuple[str, Description]:
    """The device name of an image's root volume, and the Ebs part of its mapping (or {})."""
    device = str(image.get("RootDeviceName") or "")
    for mapping in image.get("BlockDeviceMappings") or []:
        if mapping.get("DeviceName") == device and "Ebs" in mapping:
            return device, mapping["Ebs"]
    return device, {}


def _label(group: SecurityGroup) -> str:
    label = f"{group.name} ({group.id})"
    return f"{label}: {group.description}" if group.description else label


class LaunchChoices(CreateForm):
    """Image, type, zone and security groups. What cannot be read is typed, and left to AWS."""

    image_id = PickerField(
        "Image",
        "/pick/images",
        filters=[strip],
        validators=[InputRequired(), Id("ami-", "an image")],
    )
    instance_type = PickerField(
        "Instance type",
        "/pick/instance-types",
        default="t3.micro",
        filters=[strip],
        validators=[InputRequired(), OneLine(64)],
        description="Type a name, a number of vCPU or of GiB to search.",
    )
    availability_zone = ListedField(
        "Availability zone", filters=[strip], validate_choice=False, validators=[OneLine(64)]
    )
    security_group_ids = ListedFields(
        "Security groups",
        validate_choice=False,
        description="None chosen: the default group of the default VPC.",
    )

    def read_choices(self, desk: Desk, region: str) -> None:
        """Read what the region offers to choose from. Raises AwsError as ``read_for`` does."""
        self._types = read_for(
            self.instance_type,
            f"The instance types of {region}",
            "Type the name of one.",
            lambda: desk.reference.instance_types(region),
        )
        self._zones = read_for(
            self.availability_zone,
            f"The zones of {region}",
            f"Type one, such as {region}a, or leave it to AWS.",
            lambda: desk.reference.zones(region),
        )
        if self._zones is not None:
            self.availability_zone.choices = options(
                [("", "Any: AWS chooses"), *((zone, zone) for zone in self._zones)]
            )
        self._groups = read_for(
            self.security_group_ids,
            f"The security groups of {region}",
            "Type their ids with commas between them, or leave it to AWS.",
            lambda: desk.security_groups(region),
        )
        if self._groups is not None:
            self.security_group_ids.choices = options(
                (group.id, _label(group)) for group in self._groups
            )

    def examine_choices(self, desk: Desk) -> None:
        """Complain about what is not on offer, as far as that is known."""
        region, zone = self.place, self.availability_zone.data
        if zone and self._zones is not None and zone not in self._zones:
            self.complain("availability_zone", f"{region} has no zone {zone!r}.")
        offered = None if self._groups is None else {group.id for group in self._groups}
        for group in self.security_group_ids.data or []:
            if not (_SECURITY_GROUP.match(group) if offered is None else group in offered):
                self.complain("security_group_ids", f"{region} has no security group {group!r}.")
        chosen = self.instance_type.data or ""
        kind = (self._types or {}).get(chosen)
        if kind is None and self._types is not None:
            self.complain("instance_type", f"{region} offers no instance type {chosen!r}.")
        image = self.image(desk)
        if image is None and not self.image_id.unread:
            self.complain(
                "image_id", f"There is no image {self.image_id.data} in {region} (any more)."
            )
        elif image and kind and image.get("Architecture") not in (None, *kind.architectures):
            self.complain(
                "instance_type",
                f"{kind.name} runs {', '.join(kind.architectures)}; "
                f"the image is for {image['Architecture']}.",
            )

    def image(self, desk: Desk) -> Description | None:
        """The image that is chosen; None if there is none, or (``unread``) AWS does not tell."""
        if not self.image_id.data or self.image_id.errors:
            return None
        known = desk.known.get("image", self.image_id.data)
        here = known and (known.account, known.region) == (desk.account, self.place)
        if known and here and not known.gone:
            return known.description
        image_id = self.image_id.data
        return read_for(
            self.image_id,
            f"The image {image_id}",
            "You can launch from it as it is.",
            lambda: desk.image(self.place, image_id),
        )
