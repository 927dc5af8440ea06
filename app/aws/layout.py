"""Laying nested plain data out over lines: as a Python literal, or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

WIDTH = 88


@dataclass(frozen=True)
class Style:
    """How to write: ``scalar(value, indent)`` for text, numbers and booleans; ``step`` deeper for
    each level; whether the last item of a broken list takes a comma too.
    """

    scalar: Callable[[Any, str], str]
    step: str
    last_comma: bool


def laid_out(value: Any, style: Style, indent: str = "", used: int = 0) -> str:
    """``value`` on one line where it fits into WIDTH, else an item a line.

    ``indent`` stands before the line on which it begins, ``used`` is how much else that line
    holds. Raises TypeError for anything but text, numbers, booleans, lists and mappings.
    """
    if isinstance(value, Mapping):
        keys = [f"{style.scalar(str(key), indent)}: " for key in value]
        return _items("{}", keys, list(value.values()), style, indent, used)
    if isinstance(value, list | tuple):
        return _items("[]", [""] * len(value), list(value), style, indent, used)
    if isinstance(value, str | bool | int | float):
        return style.scalar(value, indent)
    raise TypeError(f"{type(value).__name__} cannot be shown: it is not plain data")


def _items(
    brackets: str, keys: list[str], values: list[Any], style: Style, indent: str, used: int
) -> str:
    deeper = indent + style.step
    items = [
        key + laid_out(value, style, deeper, len(key) + 1)
        for key, value in zip(keys, values, strict=True)
    ]
    flat = brackets[0] + ", ".join(items) + brackets[1]
    if len(indent) + used + len(flat) <= WIDTH and "\n" not in flat:
        return flat
    last = "," if style.last_comma else ""
    inner = f",\n{deeper}".join(items) + last
    return f"{brackets[0]}\n{deeper}{inner}\n{indent}{brackets[1]}"
