"""A cell's value as text and as number: what lists show, filter and sort by."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from app.resources.spec import Cell

_NUMERIC: frozenset[Cell] = frozenset({"number", "size", "percent", "time"})
ODD = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def show(value: Any) -> str:
    """A cell's value as text: what filters compare with and facets list."""
    if type(value) is str:  # most are
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(show(item) for item in value)
    return str(value)


def texts(value: Any) -> list[str]:
    """What of a cell's value can be matched, each as text: the items of a list, or itself."""
    if isinstance(value, dict):
        return [f"{key}={item}" for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [show(item) for item in value]
    return [show(value)]


def matched(value: Any, cell: Cell) -> list[tuple[str, float | None]]:
    """The distinct values of a cell as it is matched and sorted: each as text, and as number.

    Never empty: what has no value has one empty text. A list is sorted by the first.
    """
    several = isinstance(value, (dict, list, tuple))
    found = dict.fromkeys(texts(value)) or [""]
    return [(text, number(text if several else value, cell)) for text in found]


def number(value: Any, cell: Cell) -> float | None:
    """What ``value`` sorts by if it is a number, a percentage or a time (seconds since 1970)."""
    try:
        if isinstance(value, str):
            if cell not in _NUMERIC:
                return None
            if cell == "time":
                found = datetime.fromisoformat(value).timestamp()
            else:
                found = float(value.removesuffix("%"))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found = float(value)
        else:
            return None
    except ODD:
        return None  # not a number after all: it sorts as text
    return found if math.isfinite(found) else None
