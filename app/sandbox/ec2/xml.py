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
# What XML 1.0 cannot carry, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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


def _members(out: list[str], shape: Any, value: dict[str, Any]) -> None:
    members = shape.members
    for name, item in value.items():
        if item is not None:
            member = members[name]
            _element(out, member, member.serialization.get("name", name), item)


def _element(out: list[str], shape: Any, name: str, value: Any) -> None:
    kind = shape.type_name
    if kind == "structure":
        out.append(f"<{name}>")
        _members(out, shape, value)
        out.append(f"</{name}>")
    elif kind == "list":
        out.append(f"<{name}>")
        item_name = shape.member.serialization.get("name", "item")
        for item in value:
            _element(out, shape.member, item_name, item)
        out.append(f"</{name}>")
    else:
        out.append(f"<{name}>{_scalar(kind, value)}</{name}>")


def _scalar(kind: str, value: Any) -> str:
    if kind == "boolean":
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return _text(str(value))


def _text(value: str) -> str:
    # A bare carriage return would reach the other side as a line feed.
    return escape(_FORBIDDEN.sub("\ufffd", value), {"\r": "&#13;"})
