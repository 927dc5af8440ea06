"""EC2's answers as XML, written straight from botocore's model of the operation.

moto's own serializer looks every attribute up under half a dozen spellings; ten thousand instances
take it half a minute. The operations here answer with AWS's own names, so one walk is enough.
"""

from __future__ import annotations

import base64
import re
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from app.sandbox.ec2.refusal import Refused

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
# What XML 1.0 cannot carry, not even escaped; and what has to be escaped besides.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NEEDS_CARE = re.compile("[&<>\r]|" + _FORBIDDEN.pattern)


def answer(operation: str, shape: Any, result: dict[str, Any], request_id: str) -> str:
    """The body of a successful answer. `shape` is botocore's output shape; None has no output."""
    out = [
        _HEAD,
        f'<{operation}Response xmlns="{NAMESPACE}">',
        f"<requestId>{request_id}</requestId>",
    ]
    if shape is None:
        out.append("<return>true</return>")
    else:
        _members(out, shape, result)
    out.append(f"</{operation}Response>")
    return "".join(out)


def error(refused: Refused, request_id: str) -> str:
    """The body of an error answer."""
    return (
        f"{_HEAD}<Response><Errors><Error><Code>{_text(refused.code)}</Code>"
        f"<Message>{_text(refused.message)}</Message></Error></Errors>"
        f"<RequestID>{request_id}</RequestID></Response>"
    )


# A structure of the model, made ready: member → its opening and closing tag, its kind, its shape.
_Plan = dict[str, tuple[str, str, str, Any]]
_plans: dict[str, _Plan] = {}


def _plan(shape: Any) -> _Plan:
    plan = _plans.get(shape.name)
    if plan is None:
        plan = {}
        for name, member in shape.members.items():
            tag = member.serialization.get("name", name)
            plan[name] = (f"<{tag}>", f"</{tag}>", member.type_name, member)
        _plans[shape.name] = plan
    return plan


def _members(out: list[str], shape: Any, value: dict[str, Any]) -> None:
    plan = _plan(shape)
    for name, item in value.items():
        if item is None:
            continue
        opening, closing, kind, member = plan[name]
        out.append(opening)
        if kind == "structure":
            _members(out, member, item)
        elif kind == "list":
            _items(out, member, item)
        else:
            out.append(_scalar(item))
        out.append(closing)


def _items(out: list[str], shape: Any, values: list[Any]) -> None:
    member = shape.member
    tag = member.serialization.get("name", "item")
    structured = member.type_name == "structure"
    for value in values:
        out.append(f"<{tag}>")
        if structured:
            _members(out, member, value)
        else:
            out.append(_scalar(value))
        out.append(f"</{tag}>")


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return str(value)


def _text(value: str) -> str:
    if not _NEEDS_CARE.search(value):
        return value
    # A bare carriage return would reach the other side as a line feed.
    return escape(_FORBIDDEN.sub("\ufffd", value), {"\r": "&#13;"})
