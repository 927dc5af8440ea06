"""What is kept of a description: the row, the cells it is found and sorted by, its digest."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import structlog

from app.aws.call import plain
from app.aws.listing import Description
from app.inventory.cells import ODD, show, texts
from app.resources.spec import Column, Resource, StateClass

log = structlog.get_logger(__name__)
Value = TypeVar("Value")

# What every kind has beside its own columns, and can be filtered and sorted by.
BUILT_IN = ("id", "name", "account", "region", "state")


@dataclass(frozen=True, slots=True)
class Document:
    """A description as plain data in one order, as JSON, and that text's digest."""

    description: Description
    text: str
    digest: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One description, ready to be stored; ``extras``, ``cells``, ``tags``, ``document`` as JSON.

    ``told``: what its timeline tells of it, by field (a tracked column's name, or ``tag:Key``).
    """

    id: str
    name: str
    state: str
    state_class: StateClass
    digest: str
    extras: str
    cells: str
    tags: str
    document: str
    told: dict[str, str]


def _fingerprint() -> bytes:
    """A digest of the code that derives an entry from a description.

    It goes into every digest, so that after a change of a resource's columns or states the next
    refresh writes all rows anew.
    """
    here = Path(__file__).resolve()
    sources = [here, *sorted((here.parents[1] / "resources").glob("*.py"))]
    return blake2b(b"".join(path.read_bytes() for path in sources), digest_size=16).digest()


_FINGERPRINT = _fingerprint()


def make_document(description: Description) -> Document:
    """``description`` without what a database cannot hold.

    AWS promises no order of tags, so they are sorted: another order is no change.
    """
    tags = description.get("Tags")
    if isinstance(tags, list) and all(isinstance(tag, dict) for tag in tags):
        description = {**description, "Tags": sorted(tags, key=lambda tag: str(tag.get("Key")))}
    text = _dump(description)
    encoded = _encoded(text)
    if encoded is None or b"\\u0000" in encoded:
        description = _clean(json.loads(text))
        text = _dump(description)
        encoded = text.encode()
    return Document(
        description, text, blake2b(encoded, digest_size=16, key=_FINGERPRINT).hexdigest()
    )


def _encoded(text: str) -> bytes | None:
    """``text`` in UTF-8; None where it has half a surrogate pair."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None


def make_entry(resource: Resource, document: Document) -> Entry:
    """What is to be kept of a description, whose id is known to be there."""
    description = document.description
    resource_id = str(description[resource.id_key])
    name = str(_safely(resource, "name", resource.name, description) or "")
    state = str(_safely(resource, "state", resource.state, description) or "")
    tags = tags_of(resource, description)
    values = cells_of(resource, description)
    return Entry(
        id=resource_id,
        name=name,
        state=state,
        state_class=resource.state_class(state),
        digest=document.digest,
        extras=_dump({key: value for key, value in description.items() if key.startswith("_")}),
        cells=_dump({name: value for name, value in values.items() if value is not None}),
        tags=_dump(tags),
        document=document.text,
        told=_told(resource, values, tags),
    )


def told_of(resource: Resource, description: Description) -> dict[str, str]:
    """What a timeline tells of a description, by field; what has no value is left out."""
    return _told(resource, cells_of(resource, description), tags_of(resource, description))


def _told(resource: Resource, values: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, str]:
    told = {}
    for column in resource.columns:
        if column.tracked:
            value = values[column.name]
            # AWS promises no order of what it lists, so another order is no change.
            text = ", ".join(sorted(texts(value))) if isinstance(value, list) else show(value)
            if text:
                told[column.name] = text
    told.update((f"tag:{key}", value) for key, value in tags.items())
    return told


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): _clean(item) for key, item in value.items()}
    return value


def clean(text: str) -> str:
    """``text`` with U+FFFD for NUL and for halves of surrogate pairs, which databases refuse."""
    return (
        text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )


# What is parsed from an answer holds no circles, and looking for them takes a tenth of the time.
_dump = json.JSONEncoder(
    sort_keys=True,
    separators=(",", ":"),
    ensure_ascii=False,
    check_circular=False,
    default=plain,
).encode


def cells_of(
    resource: Resource, description: Description, columns: Sequence[Column] | None = None
) -> dict[str, Any]:
    """Each column's value by name (of all, or of ``columns``); None where it cannot be read."""
    return {
        column.name: _safely(resource, column.name, column.value, description)
        for column in (resource.columns if columns is None else columns)
    }


def tags_of(resource: Resource, description: Description) -> dict[str, str]:
    """The tags; none where the description has them in a form that cannot be read."""
    tags = _safely(resource, "tags", resource.tags, description) or {}
    return {str(key): str(value) for key, value in tags.items()}


def _safely(
    resource: Resource, what: str, read: Callable[[Description], Value], description: Description
) -> Value | None:
    # One odd description must not keep a whole list from being shown.
    try:
        return read(description)
    except ODD as error:
        log.warning(
            "cannot read a description",
            kind=resource.kind,
            id=description.get(resource.id_key),
            what=what,
            error=repr(error),
        )
        return None
