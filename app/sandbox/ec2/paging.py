"""`MaxResults` and `NextToken` of the Describe operations."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

from app.sandbox.ec2.refusal import bad_combination, bad_value
from app.sandbox.ec2.request import Moto, Request


def page(
    request: Request,
    things: Sequence[Moto],
    key: Callable[[Moto], str],
    *,
    ids: str | None = None,
    said: str = "",
    least: int = 5,
    most: int = 1000,
    cuts: bool = False,
) -> tuple[list[Moto], str | None]:
    """One page of `things`, and the token of the next one (None on the last).

    `ids` is the parameter that lists ids, which MaxResults cannot be combined with; `said` is how
    AWS calls it in its error. Without MaxResults everything comes at once, as in AWS. A MaxResults
    above `most` is refused or, where EC2 documents it so, cut down to `most` (`cuts`). The token
    remembers the last thing shown, so a page turn survives that others come and go.
    """
    size = request.get("MaxResults")
    token = request.get("NextToken")
    if ids and request.get(ids) and size is not None:
        raise bad_combination(f"The parameter {said} cannot be used with the parameter maxResults")
    if size is not None and size < least:
        raise bad_value(
            f"Value ( {size} ) for parameter maxResults is invalid. "
            f"Expecting a value greater than or equal to {least}."
        )
    if size is not None and size > most and not cuts:
        raise bad_value(
            f"Value ( {size} ) for parameter maxResults is invalid. "
            f"Expecting a value less than or equal to {most}."
        )
    start = _start(request.operation, token, [key(thing) for thing in things]) if token else 0
    if size is None and not token:
        return list(things), None
    end = start + min(size or most, most)
    shown = list(things[start:end])
    if end >= len(things):
        return shown, None
    return shown, _token(request.operation, end, key(shown[-1]))


def _token(operation: str, position: int, last: str) -> str:
    return base64.urlsafe_b64encode(f"{operation} {position} {last}".encode()).decode("ascii")


def _start(operation: str, token: str, keys: list[str]) -> int:
    try:
        made_for, position, last = base64.urlsafe_b64decode(token).decode().split(" ", 2)
        place = int(position)
    except (binascii.Error, ValueError, UnicodeError) as unreadable:
        raise bad_value("Unable to parse pagination token") from unreadable
    if made_for != operation or place < 0:
        raise bad_value("Unable to parse pagination token")
    return keys.index(last) + 1 if last in keys else min(place, len(keys))


def listed(name: str, views: list[dict[str, Any]], token: str | None) -> dict[str, Any]:
    """An answer with a list and, where there is more, the token."""
    return {name: views, "NextToken": token}
