"""Images: columns, states, relations, actions."""

from __future__ import annotations

import re
from typing import Any

from app.aws import images
from app.aws.listing import Description
from app.resources.forms import link
from app.resources.image_forms import CreateImageForm, RegisterImageForm
from app.resources.removing import DeregisterForm
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
    tag_name,
    vanished,
)
from app.resources.tagging import TagsForm
from app.resources.watching import WatchForm, refuse_watch

STATES = (
    State("available", "ok"),
    State("pending", "changing"),
    State("transient", "changing"),
    State("failed", "failed"),
    State("error", "failed"),
    State("invalid", "failed"),
    State("disabled", "off"),
    State("deregistered", "gone"),
)
OUTCOMES = (
    Outcome(
        "available",
        "Image available",
        "is available",
        ("available",),
        between=(("pending", "disabled"),),  # only what was available can be disabled
    ),
    Outcome(
        "failed", "Image failed", "has failed", ("failed", "error", "invalid"), state_class="failed"
    ),
    vanished(
        "Image vanished",
        "is no longer to be found in AWS. Perhaps it was deregistered before it was available",
        ("deregistered",),
    ),
    late("Image late"),
)
_COPIED = re.compile(r"\[Copied (ami-[0-9a-f]{8,17}) from ")


def _facts(description: Description) -> dict[str, Any]:
    # The answers of CreateImage and CopyImage tell the id, and nothing else.
    return {
        "resource_id": description.get("ImageId"),
        "source_id": description.get("SourceInstanceId"),
        "description": description.get("Description") or description.get("Name"),
        "aws_state": description.get("State"),
        "state_message": (description.get("StateReason") or {}).get("Message"),
        "started_at": description.get("CreationDate"),
    }


AWAITED = Awaited(
    kind="image",
    resource="image",
    one="image",
    listing=images.LISTING,
    facts=_facts,
    outcomes=OUTCOMES,
    find=images.find_by_request,
)


def snapshot_ids(description: Description) -> list[str]:
    """The ids of all snapshots that an image uses, not only the root's."""
    return [
        mapping["Ebs"]["SnapshotId"]
        for mapping in description.get("BlockDeviceMappings") or []
        if mapping.get("Ebs", {}).get("SnapshotId")
    ]


def _source(description: Description) -> str | None:
    # older images say it only in the description that the copying wrote
    told = _COPIED.search(description.get("Description") or "")
    return description.get("SourceImageId") or (told[1] if told else None)


def _refuse_launch(row: Row) -> str | None:
    if row.state == "available":
        return None
    return f"{row.id} is {row.state}; it can be launched from when it is available."


IMAGE = Resource(
    kind="image",
    slug="images",
    title="Images (AMIs)",
    one="image",
    group="Compute",
    icon="image",
    prefix="ami-",
    id_key="ImageId",
    listing=images.LISTING,
    states=STATES,
    state=lambda d: d.get("State", ""),
    name=lambda d: tag_name(d) or d.get("Name") or "",
    columns=(
        Column("state", "State", lambda d: d.get("State"), "state", facet=True, tracked=True),
        Column("image_name", "Image name", lambda d: d.get("Name")),
        Column("architecture", "Architecture", lambda d: d.get("Architecture"), facet=True),
        Column(
            "root_device_type", "Root device type", lambda d: d.get("RootDeviceType"), facet=True
        ),
        Column("snapshot_ids", "Snapshots", snapshot_ids, "ids", of="snapshot"),
        Column("created", "Created", lambda d: d.get("CreationDate"), "time"),
        Column(
            "source_instance_id",
            "Made of",
            lambda d: d.get("SourceInstanceId"),
            "id",
            of="instance",
            shown=False,
        ),
        Column("source_image_id", "Copied from", _source, "id", of="image", shown=False),
        Column(
            "public",
            "Public",
            lambda d: d.get("Public"),
            "flag",
            facet=True,
            shown=False,
            tracked=True,
        ),
        Column(
            "platform",
            "Platform",
            lambda d: d.get("PlatformDetails") or d.get("Platform"),
            shown=False,
        ),
        Column(
            "description", "Description", lambda d: d.get("Description"), shown=False, tracked=True
        ),
        Column("root_device", "Root device", lambda d: d.get("RootDeviceName"), shown=False),
        Column(
            "virtualization", "Virtualization", lambda d: d.get("VirtualizationType"), shown=False
        ),
        Column("boot_mode", "Boot mode", lambda d: d.get("BootMode"), shown=False),
        Column("owner", "Owner", lambda d: d.get("OwnerId"), "code", shown=False),
        Column(
            "reason", "State reason", lambda d: d.get("StateReason", {}).get("Message"), shown=False
        ),
    ),
    relations=(
        refers("Snapshots", "snapshot", "snapshot_ids"),
        refers("Instance it was made of", "instance", "source_instance_id"),
        refers("Image it was copied from", "image", "source_image_id"),
        referred("Instances launched from it", "instance", "image_id"),
        referred("Copies of it", "image", "source_image_id"),
    ),
    actions=(
        Action("new", "Create image", CreateImageForm, on="none"),
        Action("register", "Register from snapshot", RegisterImageForm, on="none"),
        Action(
            "launch",
            "Launch instances",
            refusal=_refuse_launch,
            link=lambda row: link(
                "/instances/new", image_id=row.id, account=row.account, region=row.region
            ),
        ),
        Action("watch", "Notify me", WatchForm, refuse_watch),
        Action("tags", "Edit tags", TagsForm),
        Action("deregister", "Deregister", DeregisterForm, on="many"),
    ),
    empty="An image is what instances are launched from. Make one of an instance, or look under "
    "Public.",
    sort="-created",
    awaited=(AWAITED,),
)
