"""Instances: columns, states, relations, forms, actions (launching: ``launch``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from app.aws import instances
from app.aws.call import Call, Plan
from app.aws.listing import Description
from app.resources.danger import DangerForm, Effect, known_or_not, waiting
from app.resources.forms import ActionForm, Answers, Desk, Done, Section, link, listed, page_of
from app.resources.launch import LaunchForm
from app.resources.notify import NOTIFICATION, NotifyForm
from app.resources.spec import (
    LATE,
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
    tag_name,
)
from app.resources.tagging import TagsForm
from app.resources.watching import WatchForm, refuse_watch

STATES = (
    State("pending", "changing"),
    State("running", "ok"),
    State("stopping", "changing"),
    State("stopped", "off"),
    State("shutting-down", "changing"),
    State("terminated", "gone"),
)
OUTCOMES = (
    Outcome("running", "Instance running", "is running", ("running",), ends=False),
    Outcome(
        "stopped",
        "Instance stopped",
        "is stopped",
        ("stopped",),
        ends=False,
        state_class="off",
        before_start=True,
    ),
    Outcome(
        "terminated", "Instance terminated", "is terminated", ("terminated",), state_class="gone"
    ),
    late("Instance late"),
)


def _state(description: Description) -> str:
    return str(description.get("State", {}).get("Name", ""))


def _facts(description: Description) -> dict[str, Any]:
    reason = (description.get("StateReason") or {}).get("Message")
    return {
        "resource_id": description.get("InstanceId"),
        "source_id": description.get("ImageId"),
        "description": tag_name(description),
        "aws_state": _state(description),
        "state_message": reason or description.get("StateTransitionReason"),
        "started_at": description.get("LaunchTime"),
        "part": description.get("AmiLaunchIndex"),
    }


# AWS lists an instance until about an hour after it was terminated; there is no other way to go.
AWAITED = Awaited(
    kind="instance",
    resource="instance",
    one="instance",
    listing=instances.PLAIN,
    facts=_facts,
    outcomes=OUTCOMES,
    find=instances.find_by_request,
    repeats=True,
    gone="terminated",
    backwards=(
        ("pending", "stopped"),
        *((after, "running") for after in ("stopping", "stopped", "shutting-down")),
    ),
)


def _refuse_unless(states: tuple[str, ...], what: str) -> Any:
    def refusal(row: Row) -> str | None:
        if row.state in states:
            return None
        return f"{row.id} is {row.state or 'in an unknown state'}; {what}."

    return refusal


def _refuse_stop(row: Row) -> str | None:
    if row.description.get("RootDeviceType") == "instance-store":
        return (
            f"The root device of {row.id} is an instance store, which does not outlast a stop: "
            "it can be rebooted or terminated, not stopped."
        )
    reason: str | None = _refuse_unless(
        ("running", "pending"), "only a running one can be stopped"
    )(row)
    return reason


def volume_ids(description: Description) -> list[str]:
    """The ids of the EBS volumes attached to an instance."""
    return [
        mapping["Ebs"]["VolumeId"]
        for mapping in description.get("BlockDeviceMappings") or []
        if mapping.get("Ebs", {}).get("VolumeId")
    ]


class _SeveralForm(ActionForm):
    """A confirmation for one or more instances, all of one region."""

    name: ClassVar[str] = ""
    said: ClassVar[str] = ""

    def _ids(self, desk: Desk) -> list[str]:
        action = INSTANCE.action(self.name)
        return [row.id for row in desk.rows if action.refusal(row) is None]

    def _calls(self, desk: Desk) -> tuple[Call, ...]:
        by_region: dict[str, list[str]] = {}
        wanted = set(self._ids(desk))
        for row in desk.rows:
            if row.id in wanted:
                by_region.setdefault(row.region, []).append(row.id)
        return tuple(self.call(region, ids) for region, ids in by_region.items())

    def call(self, region: str, ids: list[str]) -> Call:
        """The call for the instances of one region."""
        raise NotImplementedError

    def plan(self, desk: Desk) -> Plan:
        return Plan(self.title, self._calls(desk))

    def finish(self, desk: Desk, answers: Answers) -> Done:
        ids = self._ids(desk)
        url = page_of("instances", ids[0]) if len(ids) == 1 else "/instances"
        return Done(f"{listed(ids)}: {self.said}", url)


class _ToldForm(NotifyForm, _SeveralForm):
    """The same, for what brings instances to another state, which one may be told of."""

    sections = (Section("Notification", NOTIFICATION, collapsed=True),)
    awaits = "instance"
    _home: Row

    def prepare(self, desk: Desk) -> None:
        self._home = desk.row
        self.offer_notification(desk, desk.row.region)

    def examine(self, desk: Desk) -> None:
        self.examine_notification(desk)
        for row in desk.rows if self.asked else ():
            reached = self.awaited.outcome_of(row.state)
            if reached and set(self.outcomes.data or ()) <= {reached.name, LATE}:
                self.complain("outcomes", f"{row.id} {reached.told} already.")
                break

    def plan(self, desk: Desk) -> Plan:
        calls = self._calls(desk)
        # one topic for all, where the first of them is
        if desk.account == self._home.account:
            calls = (*self.topic_calls(self._home.region), *calls)
        return Plan(self.title, calls)

    def warnings(self, desk: Desk) -> list[str]:
        return self.notification_warnings(desk)

    def begin(self, desk: Desk) -> None:
        chosen = set(self._ids(desk))
        self.put_on(desk, [(row, row.description) for row in desk.rows if row.id in chosen])

    def finish(self, desk: Desk, answers: Answers) -> Done:
        done = super().finish(desk, answers)
        return replace(done, message=done.message + self.told(desk))


class StartForm(_ToldForm):
    """Start stopped instances."""

    name, title, submit_label = "start", "Start instances", "Start"
    said = "starting."
    ticked = ("running",)

    def call(self, region: str, ids: list[str]) -> Call:
        return instances.start_instances(region, ids)


class StopForm(_ToldForm):
    """Stop running instances."""

    name, title, submit_label = "stop", "Stop instances", "Stop"
    said = "stopping."
    ticked = ("stopped",)

    def call(self, region: str, ids: list[str]) -> Call:
        return instances.stop_instances(region, ids)

    def consequences(self, desk: Desk) -> list[str]:
        return [
            "Whatever is held in memory or on instance-store volumes is lost; EBS volumes stay.",
            "A public IPv4 address that is not an Elastic IP is given up.",
        ]


class RebootForm(_SeveralForm):
    """Reboot running instances."""

    name, title, submit_label = "reboot", "Reboot instances", "Reboot"
    said = "reboot asked for."

    def call(self, region: str, ids: list[str]) -> Call:
        return instances.reboot_instances(region, ids)


class TerminateForm(DangerForm, _ToldForm):
    """Terminate instances; protected ones are refused, with the way on."""

    name, title, submit_label = "terminate", "Terminate instances", "Terminate"
    said = "terminating."
    ticked = ("terminated",)

    def _calls(self, desk: Desk) -> tuple[Call, ...]:
        wanted = set(self._ids(desk))
        chosen = [row for row in desk.rows if row.id in wanted]
        return tuple(instances.terminate_instance(row.region, row.id) for row in chosen)

    def effects(self, desk: Desk) -> list[Effect]:
        elastic: list[str] = []
        lent: list[str] = []
        for row in desk.rows:
            for address, own in instances.public_addresses(row.description):
                (elastic if own else lent).append(f"{address} of {row.label}")
        return [
            known_or_not(desk, "volume", "Deleted with them", volumes_ending(desk.rows)),
            known_or_not(desk, "volume", "Stay, detached", volumes_ending(desk.rows, False), False),
            Effect("Public addresses given up", texts=lent),
            Effect("Elastic IP addresses that stay, and go on costing", texts=elastic),
            waiting(desk),
        ]

    def consequences(self, desk: Desk) -> list[str]:
        return [
            "A terminated instance cannot be started again. What it holds in memory or on "
            "instance-store volumes is lost."
        ]


def volumes_ending(rows: Sequence[Row], ending: bool = True) -> list[str]:
    """The ids of the volumes that are deleted with their instances; else of those that stay."""
    return [
        str(mapping["Ebs"].get("VolumeId", "?"))
        for row in rows
        for mapping in row.description.get("BlockDeviceMappings") or []
        if "Ebs" in mapping and bool(mapping["Ebs"].get("DeleteOnTermination")) is ending
    ]


class ProtectionForm(ActionForm):
    """Put termination protection on or take it off."""

    on: ClassVar[bool] = True

    def plan(self, desk: Desk) -> Plan:
        return Plan(
            self.title,
            tuple(instances.set_protection(row.region, row.id, self.on) for row in desk.rows),
        )

    def finish(self, desk: Desk, answers: Answers) -> Done:
        ids = [row.id for row in desk.rows]
        told = f"{listed(ids)}: termination protection is {'on' if self.on else 'off'}."
        if not self.on and len(ids) == 1:
            # most who take it off want to terminate: the way on is one click away
            return Done(told, link("/instances/terminate", id=ids[0]))
        return Done(told, page_of("instances", ids[0]) if len(ids) == 1 else "/instances")


class ProtectForm(ProtectionForm):
    """Put termination protection on."""

    title, submit_label = "Put termination protection on", "Protect"


class UnprotectForm(DangerForm, ProtectionForm):
    """Take termination protection off."""

    title, submit_label = "Take termination protection off", "Take protection off"
    on = False

    def consequences(self, desk: Desk) -> list[str]:
        return ["From then on the instance can be terminated, by anybody who has the permission."]


def _refuse_terminate(row: Row) -> str | None:
    if row.state == "terminated":
        return f"{row.id} is terminated already."
    if row.description.get(instances.PROTECTION):
        return f"{row.id} is protected from termination. Take the protection off first."
    return None


def _refuse_protect(row: Row) -> str | None:
    if row.state in {"shutting-down", "terminated"}:
        return f"{row.id} is {row.state}."
    if row.description.get(instances.PROTECTION):
        return "The protection is on already."
    return None


def _refuse_unprotect(row: Row) -> str | None:
    if row.state in {"shutting-down", "terminated"}:
        return f"{row.id} is {row.state}."
    if row.description.get(instances.PROTECTION) is False:
        return "The protection is off already."
    return None


def group_ids(description: Description) -> list[str]:
    """The ids of the security groups of an instance, of all its network interfaces."""
    groups = list(description.get("SecurityGroups") or [])
    for interface in description.get("NetworkInterfaces") or []:
        groups += interface.get("Groups") or []
    return list(dict.fromkeys(group["GroupId"] for group in groups if group.get("GroupId")))


def _group_names(description: Description) -> list[str]:
    return [group.get("GroupName", "") for group in description.get("SecurityGroups") or []]


INSTANCE = Resource(
    kind="instance",
    slug="instances",
    title="Instances",
    one="instance",
    group="Compute",
    icon="instance",
    prefix="i-",
    id_key="InstanceId",
    listing=instances.LISTING,
    states=STATES,
    state=_state,
    columns=(
        Column("state", "State", _state, "state", facet=True, tracked=True),
        Column("instance_type", "Type", lambda d: d.get("InstanceType"), facet=True, tracked=True),
        Column(
            "zone", "Zone", lambda d: d.get("Placement", {}).get("AvailabilityZone"), facet=True
        ),
        Column("image_id", "Image", lambda d: d.get("ImageId"), "id", of="image"),
        Column(
            "private_ip", "Private IP", lambda d: d.get("PrivateIpAddress"), "code", tracked=True
        ),
        Column("public_ip", "Public IP", lambda d: d.get("PublicIpAddress"), "code", tracked=True),
        Column("key_name", "Key pair", lambda d: d.get("KeyName"), facet=True),
        Column("launched", "Launched", lambda d: d.get("LaunchTime"), "time"),
        Column(
            "protected",
            "Termination protection",
            lambda d: d.get(instances.PROTECTION),
            "flag",
            shown=False,
            tracked=True,
        ),
        Column("volume_ids", "Volumes", volume_ids, "ids", of="volume", shown=False, tracked=True),
        Column(
            "security_group_ids",
            "Security groups",
            group_ids,
            "ids",
            of="security_group",
            shown=False,
            tracked=True,
        ),
        Column("security_groups", "Names of the groups", _group_names, "ids", shown=False),
        Column("architecture", "Architecture", lambda d: d.get("Architecture"), shown=False),
        Column("root_device", "Root device", lambda d: d.get("RootDeviceName"), shown=False),
        Column(
            "root_device_type", "Root device type", lambda d: d.get("RootDeviceType"), shown=False
        ),
        Column(
            "platform",
            "Platform",
            lambda d: d.get("PlatformDetails") or d.get("Platform"),
            shown=False,
        ),
        Column("vpc_id", "VPC", lambda d: d.get("VpcId"), "code", shown=False),
        Column("subnet_id", "Subnet", lambda d: d.get("SubnetId"), "code", shown=False),
        Column("private_dns", "Private DNS", lambda d: d.get("PrivateDnsName"), shown=False),
        Column("public_dns", "Public DNS", lambda d: d.get("PublicDnsName"), shown=False),
        Column(
            "reason",
            "State reason",
            lambda d: (
                d.get("StateReason", {}).get("Message") or d.get("StateTransitionReason") or None
            ),
            shown=False,
        ),
    ),
    relations=(
        refers("Image", "image", "image_id"),
        refers("Volumes", "volume", "volume_ids"),
        Relation(
            "Key pair",
            "key_pair",
            "key_name",
            lambda row: [row.cells.get("key_name") or ""],
            "from",
            near=True,
        ),
        refers("Security groups", "security_group", "security_group_ids"),
        Relation(
            "Snapshots of its volumes",
            "snapshot",
            "volume_id",
            lambda row: row.cells.get("volume_ids") or [],
            "on",
        ),
        referred("Images made of it", "image", "source_instance_id"),
    ),
    actions=(
        Action("new", "Launch instances", LaunchForm, on="none"),
        Action(
            "start",
            "Start",
            StartForm,
            _refuse_unless(("stopped",), "only a stopped one can be started"),
            on="many",
        ),
        Action("stop", "Stop", StopForm, _refuse_stop, on="many"),
        Action(
            "reboot",
            "Reboot",
            RebootForm,
            _refuse_unless(("running",), "only a running one can be rebooted"),
            on="many",
        ),
        Action(
            "image",
            "Create image",
            refusal=lambda row: (
                None
                if row.state in {"running", "stopped"}
                else f"{row.id} is {row.state}; an image can be made of a running or stopped one."
            ),
            link=lambda row: link("/images/new", instance_id=row.id),
        ),
        Action("watch", "Notify me", WatchForm, refuse_watch),
        Action("tags", "Edit tags", TagsForm),
        Action("protect", "Protect from termination", ProtectForm, _refuse_protect, on="many"),
        Action("unprotect", "Take protection off", UnprotectForm, _refuse_unprotect, on="many"),
        Action("terminate", "Terminate", TerminateForm, _refuse_terminate, on="many"),
    ),
    empty="An instance is a virtual server. Launch one from an image.",
    sort="-launched",
    awaited=(AWAITED,),
)
