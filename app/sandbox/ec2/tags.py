"""Tags: their rules, tagging at creation, and CreateTags, DeleteTags, DescribeTags.

Rules: docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
"""

from __future__ import annotations

from typing import Any

from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix

from app.sandbox.ec2 import filters, ids, paging
from app.sandbox.ec2.refusal import Refused, bad_value
from app.sandbox.ec2.request import Answer, Moto, Request, operation

MAX_TAGS, MAX_KEY, MAX_VALUE = 50, 128, 256


def view(backend: Moto, resource_id: str) -> list[dict[str, str]] | None:
    """The `Tags` of a resource; None (the element is left out) when it has none."""
    tags = backend.tags.get(resource_id)
    return [{"Key": key, "Value": value} for key, value in tags.items()] if tags else None


def put(backend: Moto, resource_id: str, tags: dict[str, str]) -> None:
    """Set tags that have been checked."""
    if tags:
        backend.tags[resource_id].update(tags)


def forget(backend: Moto, resource_id: str) -> None:
    """The resource is gone, and its tags with it."""
    backend.tags.pop(resource_id, None)


def checked(entries: list[dict[str, Any]]) -> dict[str, str]:
    """Tags of a request as key → value; refuses what AWS's rules do not allow."""
    tags: dict[str, str] = {}
    for entry in entries:
        key, value = entry.get("Key") or "", entry.get("Value") or ""
        _check_key(key)
        if len(value) > MAX_VALUE:
            raise bad_value(
                f"Tag value exceeds the maximum length of {MAX_VALUE} characters (tag key '{key}')"
            )
        if key in tags:
            raise bad_value(f"Duplicate tag key '{key}' specified.")
        tags[key] = value
    return tags


def _check_key(key: str) -> None:
    if not key:
        raise bad_value("Tag key cannot be empty")
    if len(key) > MAX_KEY:
        raise bad_value(f"Tag key exceeds the maximum length of {MAX_KEY} characters")
    if key.lower().startswith("aws:"):
        raise bad_value(
            f"Value ( {key} ) for parameter key is invalid. "
            "Tag keys starting with 'aws:' are reserved for internal use"
        )


def specified(request: Request, *kinds: str) -> dict[str, dict[str, str]]:
    """The request's `TagSpecifications`: kind → tags, with every kind of `kinds` present.

    `kinds` are AWS's resource types that this operation can tag ("instance", "volume", …).
    """
    found: dict[str, dict[str, str]] = {kind: {} for kind in kinds}
    for entry in request.items("TagSpecifications"):
        kind = entry.get("ResourceType")
        if not kind:
            raise bad_value("Tag specification resource type must have a value")
        if kind not in found:
            raise bad_value(f"'{kind}' is not a valid taggable resource type for this operation.")
        if found[kind]:
            raise bad_value(f"Duplicate resource type '{kind}' in tag specifications.")
        found[kind] = checked(entry.get("Tags") or [])
        if len(found[kind]) > MAX_TAGS:
            raise _too_many()
    return found


def _too_many() -> Refused:
    return Refused(
        "TagLimitExceeded", "The maximum number of Tags for a resource has been reached."
    )


def _check_resources(request: Request) -> list[str]:
    resources: list[str] = request.need("Resources", "resourceIdSet")
    for resource_id in resources:
        kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(resource_id) or "")
        if kind is None:
            raise Refused("InvalidID", f"The ID '{resource_id}' is not valid")
        if kind in ids.KINDS:
            ids.one(request.backend, ids.KINDS[kind], resource_id)
        elif kind == "key-pair":
            _check_key_pair(request.backend, resource_id)
        else:
            request.backend.do_resources_exist([resource_id])
    return resources


def _check_key_pair(backend: Moto, resource_id: str) -> None:
    if resource_id not in {pair.id for pair in backend.key_pairs.values()}:
        raise Refused("InvalidKeyPair.NotFound", f"The key pair '{resource_id}' does not exist")


@operation("CreateTags")
def create_tags(request: Request) -> Answer:
    resources = _check_resources(request)
    tags = checked(request.need("Tags", "tagSet"))
    for resource_id in resources:
        if len({**request.backend.tags.get(resource_id, {}), **tags}) > MAX_TAGS:
            raise _too_many()
    request.stop_if_dry_run()
    for resource_id in resources:
        put(request.backend, resource_id, tags)
    return {}


@operation("DeleteTags")
def delete_tags(request: Request) -> Answer:
    """Deletes the keys given; with a value, only where it is the value; without keys, all."""
    resources = _check_resources(request)
    entries = request.items("Tags")
    for entry in entries:
        _check_key(entry.get("Key") or "")
    request.stop_if_dry_run()
    for resource_id in resources:
        kept = request.backend.tags.get(resource_id, {})
        for entry in entries or [{"Key": key} for key in list(kept)]:
            value = entry.get("Value")
            if entry["Key"] in kept and value in (None, kept[entry["Key"]]):
                del kept[entry["Key"]]
    return {}


class _Tag:
    """One tag of one resource, for DescribeTags's filters and pages."""

    def __init__(self, resource_id: str, key: str, value: str) -> None:
        self.id = self.resource_id = resource_id
        self.key, self.value = key, value
        self.kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(resource_id) or "", "")


FIELDS: dict[str, filters.Field] = {
    "key": lambda tag: tag.key,
    "value": lambda tag: tag.value,
    "resource-id": lambda tag: tag.resource_id,
    "resource-type": lambda tag: tag.kind,
}


@operation("DescribeTags", reads=True)
def describe_tags(request: Request) -> Answer:
    every = [
        _Tag(resource_id, key, value)
        for resource_id, tags in request.backend.tags.items()
        for key, value in tags.items()
    ]
    found = filters.apply(request, every, FIELDS)
    shown, token = paging.page(request, found, lambda tag: f"{tag.resource_id} {tag.key}")
    views = [
        {"Key": t.key, "Value": t.value, "ResourceId": t.resource_id, "ResourceType": t.kind}
        for t in shown
    ]
    return paging.listed("Tags", views, token)
