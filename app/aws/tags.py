"""Tags: reading and writing them, on EC2, SNS and SQS resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.aws.call import Call

REQUEST_TAG = "encante:request"


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as AWS takes them: a list of Key and Value."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_dict(tags: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    """AWS's list of Key and Value as a dict."""
    return {tag["Key"]: tag.get("Value", "") for tag in tags or []}


def made_for(
    operation: str, items: str, request_ids: Sequence[str], **parameters: Any
) -> tuple[str, Mapping[str, object], str]:
    """The read that finds what was made for these requests, at most 200 (Call.find_again).

    ``items`` is the JMESPath of the resources in its answer. Of a request for several
    (``part_of``) all are found.
    """
    whole = dict.fromkeys(request.partition("/")[0] for request in request_ids)
    filters = [{"Name": f"tag:{REQUEST_TAG}", "Values": list(whole)}]
    return (operation, {**parameters, "Filters": filters}, items)


def marked_with(tags: Mapping[str, str], request_id: str) -> dict[str, str]:
    """Tags, and the request's own if there is one, by which what it makes is found again."""
    return {**tags, REQUEST_TAG: request_id} if request_id else dict(tags)


def part_of(request_id: str, number: int) -> str:
    """One of the several things that a request makes, which all have the same tag."""
    return f"{request_id}/{number}"


def tag_specifications(**by_type: Mapping[str, str]) -> list[dict[str, Any]]:
    """TagSpecifications for a create, by resource type (``key_pair`` is AWS's ``key-pair``)."""
    return [
        {"ResourceType": name.replace("_", "-"), "Tags": tag_list(tags)}
        for name, tags in by_type.items()
        if tags
    ]


def ec2_tag_calls(
    region: str, kind: str, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]
) -> tuple[Call, ...]:
    """The calls that turn ``old`` tags into ``new``: only what changed is sent."""
    touches = ((kind, resource_id),)
    removed = sorted(old.keys() - new.keys())
    changed = {key: value for key, value in new.items() if old.get(key) != value}
    calls = []
    if removed:
        calls.append(
            Call(
                "ec2",
                "DeleteTags",
                region,
                {"Resources": [resource_id], "Tags": [{"Key": key} for key in removed]},
                says=f"Remove {_tags(len(removed))} from {resource_id}",
                touches=touches,
            )
        )
    if changed:
        calls.append(
            Call(
                "ec2",
                "CreateTags",
                region,
                {"Resources": [resource_id], "Tags": tag_list(changed)},
                says=f"Set {_tags(len(changed))} on {resource_id}",
                touches=touches,
            )
        )
    return tuple(calls)


def _tags(count: int) -> str:
    return "1 tag" if count == 1 else f"{count} tags"
