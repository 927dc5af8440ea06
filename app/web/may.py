"""Whether somebody may carry out a plan: every call of it must lie within one of their grants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.aws.call import Call, Plan
from app.people.who import Grant, Limits, Person
from app.resources import kind_of
from app.resources.instances import volumes_ending
from app.resources.spec import Known, Row

# What a call only reads of another resource: it is enough to see that.
_REFERENCES = {
    "RunInstances": {"ImageId", "KeyName", "SecurityGroupIds", "SnapshotId"},
    "CreateVolume": {"SnapshotId"},
    "RegisterImage": {"SnapshotId"},
}
# Words of a person's own, in which an id names nothing.
_WORDS = {"ClientToken", "Description", "Message", "Subject", "TagSpecifications", "UserData"}
_TAGS = {"Tags", "tags", "TagKeys"}
_EC2_ID = re.compile(r"(i|ami|vol|snap|sg|key)-[0-9a-f]{8,17}", re.ASCII)
# What AWS calls the kinds that are tagged as they are made.
_MADE = {
    "instance": "instance",
    "volume": "volume",
    "image": "image",
    "snapshot": "snapshot",
    "key_pair": "key-pair",
}
_TAGGING = {"CreateTags", "DeleteTags", "TagResource", "UntagResource", "TagQueue", "UntagQueue"}
NOTHING = "you may look here, but not act."


def refusal(person: Person, plan: Plan, inventory: Known, shown: bool = False) -> str | None:
    """Why somebody may not carry out ``plan``, whose calls name their accounts; None: they may.

    ``inventory`` is the whole of it, not only what they see. All that a call touches must be
    within one and the same grant. What is outside is told of as what there is not: whoever types
    ids does not learn which there are. ``shown``: only for a page, before the form was looked at;
    what a call only reads is not looked at then, as it is the form that says there is none.
    """
    for call in plan.calls:
        if grant_of(person, call, inventory, shown) is None:
            return f"{call.says or call.operation}: {_told(person, call, inventory, shown)}"
    return None


def grant_of(person: Person, call: Call, inventory: Known, shown: bool = False) -> Grant | None:
    """The grant by which somebody may make a call; one with an IAM role of its own comes first.

    ``shown`` as for ``refusal``.
    """
    grants = sorted(person.grants_of("operator"), key=lambda grant: not grant.aws_role)
    fitting = (each for each in grants if not _why_not(person, each, call, inventory, shown))
    return next(fitting, None)


def row_refusal(person: Person, row: Row) -> str | None:
    """Why somebody may not act on a resource, or None."""
    return place_refusal(person, row.account, row.region, row.tags)


def place_refusal(person: Person, account: str, region: str, tags: Mapping[str, str]) -> str | None:
    """Why somebody may not act on what is there and has these tags, or None."""
    limits = person.limits("operator")
    if any(each.cover(account, region, tags) for each in limits):
        return None
    if not limits:
        return NOTHING[0].upper() + NOTHING[1:]
    return f"You may act on {in_words(limits)} only."


def in_words(limits: tuple[Limits, ...]) -> str:
    """What a role is narrowed to, in words."""
    return ", or ".join(_words(each) for each in limits)


def _words(limits: Limits) -> str:
    parts = [
        f"the account {' or '.join(limits.accounts)}" if limits.accounts else "",
        f"the region {' or '.join(limits.regions)}" if limits.regions else "",
        f"what has the tag {_tag(limits)}" if limits.tag_key else "",
    ]
    return " in ".join(part for part in reversed(parts) if part) or "everything"


def _tag(limits: Limits) -> str:
    return f"{limits.tag_key} = {limits.tag_value}"


def _told(person: Person, call: Call, inventory: Known, shown: bool) -> str:
    grants = person.grants_of("operator")
    if not grants:
        return NOTHING
    reasons = dict.fromkeys(_why_not(person, each, call, inventory, shown) for each in grants)
    return " ".join(reasons)


def _why_not(person: Person, grant: Grant, call: Call, inventory: Known, shown: bool) -> str:
    """Why a grant does not cover a call; empty if it does."""
    limits = grant.limits
    if limits.none:
        return ""
    if limits.accounts and call.account not in limits.accounts:
        return f"your role is for {_words(limits)}, not for the account {call.account}."
    if limits.regions and call.region not in limits.regions:
        return f"your role is for {_words(limits)}, not for {call.region}."
    subjects, references = _named(call)
    if why := _outside(limits, call, subjects, inventory):
        return why
    for text, row in () if shown else _rows(references, call, inventory):
        if not any(
            each.cover(row.account, row.region, row.tags) for each in person.limits("viewer")
        ):
            return f"{text} is not yours to see."
    return _untagged(limits, call, bool(subjects)) if limits.tag_key else ""


def _outside(
    limits: Limits, call: Call, subjects: Iterable[tuple[str, str]], inventory: Known
) -> str:
    """What of all that a call is about, or takes with it, is not known to be within the limits."""
    role = f"your role is for {_words(limits)}"
    for kind, resource_id in sorted(subjects):
        if not _is_within(limits, kind, resource_id, inventory):
            return f"{role}, and {resource_id} is not known to be that."
    for volume, instance in _ending(call, inventory) if limits.tag_key else ():
        if not _is_within(limits, "volume", volume, inventory):
            told = f"{volume}, which would be deleted with {instance},"
            return f"{role}, and {told} is not known to be that."
    return ""


def _ending(call: Call, inventory: Known) -> Iterator[tuple[str, str]]:
    """The volumes that AWS deletes by itself with the instances of a call, whatever their tags."""
    ids = call.parameters["InstanceIds"] if call.operation == "TerminateInstances" else ()
    for row in filter(None, (inventory.get("instance", each) for each in ids)):
        yield from ((volume, row.id) for volume in volumes_ending([row]))


def _is_within(limits: Limits, kind: str, resource_id: str, inventory: Known) -> bool:
    row = inventory.get(kind, resource_id)
    if row is not None:
        return limits.cover(row.account, row.region, row.tags)
    parts = resource_id.split(":")  # of an ARN, which says itself where it is
    return len(parts) > 5 and limits.cover(parts[4], parts[3], {})


def _named(call: Call) -> tuple[set[tuple[str, str]], list[tuple[str, str]]]:
    """What a call is about, as (kind, id), and what it only reads, as (parameter, text)."""
    subjects = {*call.touches, *call.removes}
    references = []
    for name, text in _texts(call.parameters):
        if name in _REFERENCES.get(call.operation, ()):
            references.append((name, text))
        elif (_EC2_ID.fullmatch(text) or text.startswith("arn:")) and kind_of(text):
            subjects.add((kind_of(text), _topic_of(text)))
    return subjects, references


def _topic_of(text: str) -> str:
    """Of a subscription's ARN that of its topic; any other id as it is."""
    return ":".join(text.split(":")[:6]) if kind_of(text) == "topic" else text


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text among parameters, with the name of the parameter that it stands under."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in _WORDS | _TAGS:
                yield from _texts(item, str(key))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item, name)


def _rows(
    references: list[tuple[str, str]], call: Call, inventory: Known
) -> Iterator[tuple[str, Row]]:
    """What is known of the resources that a call only reads, as it names them; a public image is
    not known.
    """
    for name, text in references:
        if name == "KeyName":
            rows = inventory.find("key_pair", "name", [text], call.region)
            yield from ((text, row) for row in rows if row.account == call.account)
        elif kind_of(text) and (row := inventory.get(kind_of(text), text)):
            yield text, row


def _untagged(limits: Limits, call: Call, has_subject: bool) -> str:
    """What is wrong with the tags that a call sets, for who may act only on what has one."""
    tag = _tag(limits)
    if call.operation in _TAGGING:
        given = {**_tags(call.parameters.get("Tags")), **_tags(call.parameters.get("tags"))}
        taken = {*call.parameters.get("TagKeys", ())}
        if call.operation == "DeleteTags":
            taken, given = {*given}, {}
        if limits.tag_key in taken or given.get(limits.tag_key, limits.tag_value) != (
            limits.tag_value
        ):
            return f"the tag {tag} must stay: your role is for what has it."
    if call.makes is None:
        return "" if has_subject else f"your role is only for what has the tag {tag}."
    kind = call.makes[0]
    specified = {
        each["ResourceType"]: _tags(each["Tags"])
        for each in call.parameters.get("TagSpecifications", ())
    }
    if kind not in _MADE:
        specified = {
            "": {**_tags(call.parameters.get("Tags")), **_tags(call.parameters.get("tags"))}
        }
    made = specified.get(_MADE.get(kind, ""), {})
    if any(each.get(limits.tag_key) != limits.tag_value for each in (made, *specified.values())):
        return f"what you make must have the tag {tag}: add it under Tags."
    return ""


def _tags(given: Any) -> dict[str, str]:
    if isinstance(given, Mapping):
        return {str(key): str(value) for key, value in given.items()}
    return {str(tag["Key"]): str(tag.get("Value", "")) for tag in given or ()}
