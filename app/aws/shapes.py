"""How to read XML elements as plain data, made from the shapes of botocore's service models."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import ResponseParser
from botocore.utils import parse_timestamp

Read = Callable[[Element], Any]
_NO_MEMBER: tuple[str, Read | None] = ("", None)
_SPELLINGS = 4  # of a name, by XML namespace, that are remembered
_NAMESPACE = re.compile("{.*}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)


class Odd(Exception):
    """This answer, or all answers of this shape, are left to botocore."""


class Structure:
    """How to read an element whose children are named members."""

    def __init__(self, shape: StructureShape, above: tuple[str, ...] = ()) -> None:
        if shape.is_tagged_union or shape.metadata.get("exception"):
            raise Odd
        self.members: dict[str, tuple[str, Read | None]] = {}
        self.repeated: dict[str, tuple[str, Read]] = {}
        above = (*above, shape.name)
        for name, member in shape.members.items():
            if name == "ResponseMetadata":
                raise Odd
            if not _is_in_body(member):
                continue
            xml_name = _xml_name(name, member)
            if xml_name in self.members or xml_name in self.repeated:
                raise Odd
            if member.serialization.get("flattened"):
                self.repeated[xml_name] = (name, _repeated(member, above))
            else:
                self.members[xml_name] = (name, _reader(member, above))
        # By the element's whole name, namespace and all; learnt as they come.
        self._spelt: dict[str, tuple[str, Read | None]] = {}
        self._room = _SPELLINGS * (len(self.members) + 10)

    def read(self, element: Element) -> dict[str, Any]:
        """The members as plain data. Raises Odd."""
        found: dict[str, Any] = {}
        others = 0
        spelt = self._spelt
        for child in element:
            try:
                name, read = spelt[child.tag]
            except KeyError:
                name, read = self._learn(child.tag)
            if name:
                found[name] = read(child) if read else child.text or ""
            else:
                others += 1
        if len(found) + others != len(element):
            raise Odd  # a member stands there twice
        if others and self.repeated:
            self._gather(element, found)
        return found

    def _learn(self, tag: str) -> tuple[str, Read | None]:
        known = self.members.get(local(tag), _NO_MEMBER)
        if len(self._spelt) < self._room:
            self._spelt[tag] = known
        return known

    def _gather(self, element: Element, found: dict[str, Any]) -> None:
        """Put the elements of flattened lists and maps together."""
        names = [local(child.tag) for child in element]
        for xml_name, (name, read) in self.repeated.items():
            several = Element("")
            several.extend(
                child for child, at in zip(element, names, strict=True) if at == xml_name
            )
            if len(several):
                found[name] = read(several)


def local(tag: str) -> str:
    """An element's name without its namespace."""
    return _NAMESPACE.sub("", tag)


def _is_in_body(member: Shape) -> bool:
    if member.serialization.get("xmlAttribute"):
        raise Odd
    place = member.serialization.get("location")
    return place not in ResponseParser.KNOWN_LOCATIONS and not member.serialization.get(
        "eventheader"
    )


def _xml_name(name: str, member: Shape) -> str:
    # A flattened list's elements bear the name of its items.
    if isinstance(member, ListShape) and member.serialization.get("flattened"):
        item_name: str | None = member.member.serialization.get("name")
        if item_name is not None:
            return item_name
    return str(member.serialization.get("name", name))


def _reader(shape: Shape, above: tuple[str, ...]) -> Read | None:
    """How to read an element of this shape; None: its text, as it is. Raises Odd."""
    if shape.name in above:
        raise Odd  # a shape that holds itself
    if isinstance(shape, StructureShape):
        return Structure(shape, above).read
    if isinstance(shape, ListShape):
        return _list(_reader(shape.member, (*above, shape.name)))
    if isinstance(shape, MapShape):
        return _map(shape, (*above, shape.name))
    if shape.type_name not in _SCALARS:
        raise Odd
    return _SCALARS[shape.type_name]


def _repeated(shape: Shape, above: tuple[str, ...]) -> Read:
    """How to read all elements of a flattened list or map, put into one."""
    if isinstance(shape, ListShape):
        return _list(_reader(shape.member, above))
    if isinstance(shape, MapShape):
        return _map(shape, above)
    raise Odd


def _list(read: Read | None) -> Read:
    if read is None:
        return lambda element: [child.text or "" for child in element]
    return lambda element: [read(child) for child in element]


def _map(shape: MapShape, above: tuple[str, ...]) -> Read:
    key_name = shape.key.serialization.get("name") or "key"
    value_name = shape.value.serialization.get("name") or "value"
    if shape.key.type_name != "string":
        raise Odd
    read = _reader(shape.value, above)

    def read_map(element: Element) -> dict[str, Any]:
        found = {}
        for pair in element:
            parts = {local(part.tag): part for part in pair}
            if len(pair) != 2 or parts.keys() != {key_name, value_name}:
                raise Odd
            value = parts[value_name]
            found[parts[key_name].text or ""] = read(value) if read else value.text or ""
        found.pop("ResponseMetadata", None)  # as ``call.plain`` does
        return found

    return read_map


@lru_cache(1024)  # an instance tells the same time several times
def time_text(text: str) -> str:
    """A time as AWS writes it, as ISO 8601 in UTC. Raises ValueError."""
    if _TIME.fullmatch(text):
        return datetime.fromisoformat(text).isoformat().replace("+00:00", "Z")
    moment = parse_timestamp(text)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return str(aware.astimezone(UTC).isoformat().replace("+00:00", "Z"))


_SCALARS: dict[str, Read | None] = {
    "string": None,
    "character": None,
    "boolean": lambda element: element.text == "true",
    "integer": lambda element: int(element.text or ""),
    "long": lambda element: int(element.text or ""),
    "float": lambda element: float(element.text or ""),
    "double": lambda element: float(element.text or ""),
    "timestamp": lambda element: time_text(element.text or ""),
    "blob": lambda element: base64.b64encode(base64.b64decode(element.text or "")).decode(),
}
