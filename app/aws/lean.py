"""A lean parser of the XML answers of EC2, SNS and STS, made from botocore's own service models.

botocore's parser costs more than all else in reading a long list. This one gives at once what
``call.plain`` would make of botocore's answer, and gives back the memory of what it has read. It
knows the usual form of an answer only. Whatever is odd (an element twice, a number that is none)
is left to botocore's parser, so that both always agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from botocore import parsers
from botocore.model import ListShape, Shape, StructureShape
from botocore.parsers import ResponseParserError

from app.aws.shapes import Odd, Read, Structure, local
from app.aws.turns import give_way

PIECE = 16 * 1024  # bytes parsed at once; other threads wait for so long
_AWS_XML = re.compile(rb"\s*(<\?xml[^>]*\?>\s*)?<[A-Za-z]+Response[\s>/]")
# What botocore's parser stumbles over, when a value is not of its type or something is not there.
_UNREADABLE = (ArithmeticError, LookupError, NameError, RuntimeError, TypeError, ValueError)


class Plain(dict[str, Any]):
    """An answer that is plain data already (see ``call.plain``)."""


def is_aws_xml(body: bytes) -> bool:
    """Whether a body begins as AWS's XML does: ``<DescribeVolumesResponse …>``.

    A document type declaration is not of that form: none can define entities.
    """
    return _AWS_XML.match(body) is not None


class ParserFactory(parsers.ResponseParserFactory):
    """botocore's factory of parsers, with the lean one for XML.

    A session's clients use it when it is registered as ``response_parser_factory`` before.
    """

    def create_parser(self, protocol_name: str) -> Any:
        """The parser of a protocol."""
        lean = _LEAN.get(protocol_name)
        return lean() if lean else super().create_parser(protocol_name)


class _Lean(parsers.QueryParser):
    """The lean parser for what botocore takes for a success; its own for the rest."""

    def _do_parse(self, response: Mapping[str, Any], shape: Shape | None) -> dict[str, Any]:
        body = response["body"]
        if body and not is_aws_xml(body):
            raise ResponseParserError("The answer does not have the form of AWS's.")
        operation = response["context"]["operation_name"]
        reads = operation.startswith(("Describe", "Get", "List"))
        reader = reader_of(operation, shape) if reads else None
        if reader is not None:
            try:
                return reader.read(body)
            except (Odd, ParseError, OverflowError, RuntimeError, ValueError):
                pass  # botocore reads it, or tells what is wrong
        try:
            # botocore's types do not tell of it
            answer: dict[str, Any] = super()._do_parse(response, shape)  # type: ignore[misc]
        except _UNREADABLE as error:
            raise ResponseParserError(str(error)) from error
        if _holds_elements(answer):
            raise ResponseParserError("An element stands more than once where it may once.")
        return answer


def _holds_elements(value: Any) -> bool:
    """Whether there is XML in the answer: what botocore gives for a text that stands twice."""
    if isinstance(value, dict):
        return any(map(_holds_elements, value.values()))
    if isinstance(value, list):
        return any(map(_holds_elements, value))
    return isinstance(value, Element)


class _LeanEC2(_Lean, parsers.EC2QueryParser):
    """The same for EC2."""


_LEAN: dict[str, type[_Lean]] = {"query": _Lean, "ec2": _LeanEC2}


class Reader:
    """How to read the answers of one operation."""

    def __init__(self, shape: StructureShape) -> None:
        self._structure = Structure(shape)
        self._wrapper: str | None = shape.serialization.get("resultWrapper")
        self._lists: dict[str, tuple[str, Read]] = {
            xml_name: (name, read)
            for xml_name, (name, read) in self._structure.members.items()
            if read is not None and isinstance(shape.members[name], ListShape)
        }

    def read(self, body: bytes) -> Plain:
        """The answer as plain data. Raises Odd, ParseError, ValueError."""
        builder = TreeBuilder()
        parser = XMLParser(target=builder, encoding="utf-8")  # noqa: S314  # nosec B314  # see is_aws_xml
        items: dict[str, list[Any]] = {}
        for start in range(0, len(body), PIECE):
            parser.feed(body[start : start + PIECE])
            # The tree so far: the C builder gives it at any time.
            self._take(builder.close(), items)
            if start + PIECE < len(body):
                give_way()
        whole = self._whole(parser.close())
        if whole is None:
            raise Odd
        answer = Plain(self._structure.read(whole))
        for name, before in items.items():
            answer[name] = before + answer[name]
        return answer

    def _whole(self, root: Element) -> Element | None:
        if self._wrapper is None:
            return root
        inside = [child for child in root if local(child.tag) == self._wrapper]
        return inside[0] if len(inside) == 1 else None

    def _take(self, root: Element | None, items: dict[str, list[Any]]) -> None:
        """Read what is complete of the list that is just coming, and take it out of the tree."""
        whole = None if root is None else self._whole(root)
        if whole is None or not len(whole):
            return
        coming = whole[-1]
        known = self._lists.get(local(coming.tag))
        complete = len(coming) - 1  # the last may still grow
        if known is None or complete < 1:
            return
        name, read = known
        some = Element("")
        some.extend(coming[:complete])
        del coming[:complete]
        items.setdefault(name, []).extend(read(some))


_readers: dict[tuple[str, str], Reader | None] = {}


def reader_of(operation: str, shape: Shape | None) -> Reader | None:
    """The reader of an operation that answers in this shape; None where only botocore reads it.

    It is made once for all clients: the names of our operations and of their shapes tell them
    apart over all services.
    """
    if not isinstance(shape, StructureShape):
        return None
    key = (operation, shape.name)
    if key not in _readers:
        try:
            _readers[key] = Reader(shape)
        except Odd:
            _readers[key] = None
    return _readers[key]
