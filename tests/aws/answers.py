"""AWS's XML answers, written from botocore's service models: the opposite of parsing."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

import botocore.session
from botocore import parsers
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from hypothesis import strategies as st

from app.aws import lean
from app.aws.call import plain

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
# What XML can hold, but for what it changes: a carriage return is read as a line feed.
TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
    | st.sampled_from("\n\t<>&\"' "),
    max_size=12,
)
MOMENTS = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001  # the zone is named beside
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


_LOADER = botocore.session.Session().get_component("data_loader")  # with all operations


@cache
def service(name: str) -> ServiceModel:
    """botocore's model of a service."""
    return ServiceModel(_LOADER.load_service_model(name, "service-2"), name)


def output(of: OperationModel) -> StructureShape:
    """The shape of an operation's answer."""
    assert of.output_shape is not None
    return of.output_shape


def model(service_name: str, operation: str) -> OperationModel:
    """botocore's model of an operation."""
    return service(service_name).operation_model(operation)


def response(body: bytes, of: OperationModel, status: int = 200) -> dict[str, Any]:
    """An HTTP answer as botocore hands it to a parser."""
    context = {"operation_name": of.name}
    return {"status_code": status, "headers": {}, "body": body, "context": context}


def by_botocore(body: bytes, of: OperationModel) -> Any:
    """What botocore's own parser makes of a body."""
    parser = parsers.ResponseParserFactory().create_parser(of.service_model.protocol)
    return parser.parse(response(body, of), output(of))


def by_lean(body: bytes, of: OperationModel) -> Any:
    """What the parser that our clients use makes of it."""
    parser = lean.ParserFactory().create_parser(of.service_model.protocol)
    return parser.parse(response(body, of), output(of))


def written(data: Any, of: OperationModel) -> bytes:
    """The body that says ``data`` (as botocore gives it)."""
    shape = output(of)
    wrapper = shape.serialization.get("resultWrapper")
    inside = _members(shape, data, of.service_model.protocol)
    if wrapper:
        meta = "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>"
        inside = f"<{wrapper}>{inside}</{wrapper}>{meta}"
    else:
        inside = f"<requestId>r-1</requestId>{inside}"
    name = f"{of.name}Response"
    return f'<?xml version="1.0"?>\n<{name} xmlns="{NAMESPACE}">{inside}</{name}>'.encode()


def _members(shape: StructureShape, data: dict[str, Any], protocol: str) -> str:
    return "".join(
        _element(_name(name, shape.members[name]), shape.members[name], value, protocol)
        for name, value in data.items()
    )


def _name(name: str, shape: Shape) -> str:
    if isinstance(shape, ListShape) and shape.serialization.get("flattened"):
        return str(shape.member.serialization.get("name", shape.serialization.get("name", name)))
    return str(shape.serialization.get("name", name))


def _element(name: str, shape: Shape, value: Any, protocol: str) -> str:
    flattened = shape.serialization.get("flattened")
    if isinstance(shape, ListShape):
        item = name if flattened else shape.member.serialization.get("name", "member")
        inside = "".join(_element(item, shape.member, each, protocol) for each in value)
    elif isinstance(shape, MapShape):
        inside = "".join(
            _pair(name if flattened else "entry", shape, pair) for pair in value.items()
        )
    elif isinstance(shape, StructureShape):
        inside = _members(shape, value, protocol)
    else:
        inside = _text(value)
    return inside if flattened else f"<{name}>{inside}</{name}>"


def _pair(name: str, shape: MapShape, pair: tuple[str, Any]) -> str:
    key = _element(str(shape.key.serialization.get("name", "key")), shape.key, pair[0], "")
    value = _element(str(shape.value.serialization.get("name", "value")), shape.value, pair[1], "")
    return f"<{name}>{key}{value}</{name}>"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return escape(str(value))


def values(shape: Shape, most: int = 4) -> st.SearchStrategy[Any]:
    """Data of a shape, as botocore gives it; of a structure at most ``most`` members."""
    if isinstance(shape, StructureShape):
        names = st.lists(st.sampled_from(sorted(shape.members)), unique=True, max_size=most)
        return names.flatmap(
            lambda chosen: st.fixed_dictionaries(
                {name: values(shape.members[name], most) for name in chosen}
            )
        )
    if isinstance(shape, ListShape):
        # A flattened list without items does not stand in an answer at all.
        least = 1 if shape.serialization.get("flattened") else 0
        return st.lists(values(shape.member, most), min_size=least, max_size=3)
    if isinstance(shape, MapShape):
        least = 1 if shape.serialization.get("flattened") else 0
        return st.dictionaries(TEXT, values(shape.value, most), min_size=least, max_size=3)
    return _SCALARS[shape.type_name]


_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "boolean": st.booleans(),
    "integer": st.integers(),
    "long": st.integers(),
    "float": st.floats(allow_nan=False),
    "double": st.floats(allow_nan=False),
    "timestamp": MOMENTS,
    "blob": st.binary(max_size=12),
}


# A service with every form that the two protocols have; ours use but some of them.
SHAPES: dict[str, Any] = {
    "Answer": {
        "type": "structure",
        "members": {
            "Text": {"shape": "Text"},
            "Renamed": {"shape": "Text", "locationName": "other"},
            "Number": {"shape": "Number"},
            "Share": {"shape": "Share"},
            "Flag": {"shape": "Flag"},
            "At": {"shape": "At"},
            "Bytes": {"shape": "Bytes"},
            "Texts": {"shape": "Texts"},
            "Times": {"shape": "Times"},
            "Lists": {"shape": "Lists"},
            "Map": {"shape": "Map"},
            "FlatMap": {"shape": "FlatMap"},
            "Flat": {"shape": "Flat"},
            "FlatNamed": {"shape": "FlatNamed", "locationName": "unused"},
            "Inner": {"shape": "Inner"},
            "Inners": {"shape": "Inners"},
            "Header": {"shape": "Text", "location": "header", "locationName": "x-header"},
        },
    },
    "Text": {"type": "string"},
    "Number": {"type": "integer"},
    "Share": {"type": "double"},
    "Flag": {"type": "boolean"},
    "At": {"type": "timestamp"},
    "Bytes": {"type": "blob"},
    "Texts": {"type": "list", "member": {"shape": "Text", "locationName": "item"}},
    "Times": {"type": "list", "member": {"shape": "At"}},
    "Lists": {"type": "list", "member": {"shape": "Texts"}},
    "Map": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Inner"}},
    "FlatMap": {
        "type": "map",
        "flattened": True,
        "key": {"shape": "Text", "locationName": "Name"},
        "value": {"shape": "Number", "locationName": "Value"},
    },
    "Flat": {"type": "list", "flattened": True, "member": {"shape": "Number"}},
    "FlatNamed": {
        "type": "list",
        "flattened": True,
        "member": {"shape": "Inner", "locationName": "Each"},
    },
    "Inner": {
        "type": "structure",
        "members": {"Text": {"shape": "Text"}, "Flat": {"shape": "Flat"}},
    },
    "Inners": {"type": "list", "member": {"shape": "Inner", "locationName": "item"}},
    "Tree": {"type": "structure", "members": {"Below": {"shape": "Tree"}}},
    "Union": {"type": "structure", "union": True, "members": {"Text": {"shape": "Text"}}},
    "Attribute": {
        "type": "structure",
        "members": {"Kind": {"shape": "Text", "xmlAttribute": True, "locationName": "xsi:type"}},
    },
}


def made_up(protocol: str, output: str = "Answer", wrapper: str = "") -> OperationModel:
    """An operation ``ListAll`` of a service of our own."""
    shape = {"shape": output, **({"resultWrapper": wrapper} if wrapper else {})}
    described = {
        "metadata": {"protocol": protocol, "serviceId": "Made Up", "apiVersion": "2026-01-01"},
        "operations": {"ListAll": {"name": "ListAll", "output": shape}},
        "shapes": SHAPES,
    }
    return ServiceModel(described, "made-up").operation_model("ListAll")


EC2, QUERY = made_up("ec2"), made_up("query", wrapper="ListAllResult")


def agreed(body: bytes, of: OperationModel) -> Any:
    """What both parsers make of a body."""
    expected = plain(by_botocore(body, of))
    assert plain(by_lean(body, of)) == expected
    return expected
