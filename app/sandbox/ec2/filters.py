"""`Filters` of the Describe operations, as EC2 applies them.

Filters are joined with and, the values of one filter with or; values are case-sensitive, `*` stands
for any characters, `?` for one, and a backslash takes either its meaning away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from app.sandbox.ec2.refusal import Refused, bad_value
from app.sandbox.ec2.request import Moto, Request

# What a filter looks at: the value, or the values, of one resource.
Field = Callable[[Moto], Any]
MAX_FILTERS, MAX_VALUES = 50, 200


def apply(request: Request, things: Iterable[Moto], fields: Mapping[str, Field]) -> list[Moto]:
    """Those of `things` that pass the request's `Filters`.

    `fields` says what there is to filter by; `tag:<key>`, `tag-key` and `tag-value` always work.
    """
    if len(request.items("Filters")) > MAX_FILTERS:
        raise Refused(
            "FilterLimitExceeded",
            f"The maximum number of filters specified on a single call is {MAX_FILTERS}",
        )
    tests = [_test(request.backend, entry, fields) for entry in request.items("Filters")]
    return [thing for thing in things if all(test(thing) for test in tests)]


def _test(
    backend: Moto, entry: dict[str, Any], fields: Mapping[str, Field]
) -> Callable[[Moto], bool]:
    name = entry.get("Name")
    values = entry.get("Values")
    if not name:
        raise bad_value("The filter 'null' is invalid")
    field = _tag_field(backend, name) or fields.get(name)
    if field is None:
        raise bad_value(f"The filter '{name}' is invalid")
    if not values:
        raise bad_value(f"The filter '{name}' needs at least one value")
    if len(values) > MAX_VALUES:
        raise Refused(
            "FilterLimitExceeded",
            f"The maximum number of filter values specified on a single call is {MAX_VALUES}",
        )
    plain = {re.sub(r"\\(.)", r"\1", value) for value in values if not _wild(value)}
    patterns = [_pattern(value) for value in values if _wild(value)]

    def passes(thing: Moto) -> bool:
        for text in _texts(field(thing)):
            if text in plain or any(pattern.fullmatch(text) for pattern in patterns):
                return True
        return False

    return passes


def _tag_field(backend: Moto, name: str) -> Field | None:
    if name.startswith("tag:"):
        return lambda thing: backend.tags.get(thing.id, {}).get(name[4:])
    if name == "tag-key":
        return lambda thing: list(backend.tags.get(thing.id, {}))
    if name == "tag-value":
        return lambda thing: list(backend.tags.get(thing.id, {}).values())
    return None


def _texts(value: Any) -> Iterable[str]:
    if value is None:
        return ()
    if isinstance(value, (list, tuple, set)):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, bool):
        return (str(value).lower(),)
    if isinstance(value, datetime):
        return (value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z",)
    return (str(value),)


def _wild(value: str) -> bool:
    return re.search(r"(?<!\\)[*?]", value) is not None


@lru_cache(maxsize=1000)
def _pattern(value: str) -> re.Pattern[str]:
    parts = re.findall(r"\\.|.", value, re.DOTALL)
    stands_for = {"*": ".*", "?": "."}
    return re.compile(
        "".join(stands_for.get(part) or re.escape(part[-1]) for part in parts), re.DOTALL
    )
