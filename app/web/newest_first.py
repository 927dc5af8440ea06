"""What was, told newest first: what an address narrows it to, where its page begins, all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from flask import request

from app.inventory import FilterError

_PORTION = 500
_MOST_TYPED = 200


class _Numbered(Protocol):
    @property
    def seq(self) -> int: ...


T = TypeVar("T", bound=_Numbered)


def given() -> dict[str, str]:
    """What the address narrows by, without where the page begins."""
    found = {key: value.strip()[:_MOST_TYPED] for key, value in request.args.items()}
    return {key: value for key, value in found.items() if value and key != "before"}


def before(digits: int, where: str) -> int | None:
    """The number, of so many ``digits`` at most, before which the page begins; None: the newest.

    Raises FilterError, which says that it is no place ``where`` it was looked for.
    """
    text = request.args.get("before", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= digits):
        raise FilterError("before", f"{text[:40]!r} is no place {where}.")
    return int(text)


def every(read: Callable[[int, int | None], Sequence[T]]) -> Iterator[T]:
    """All that there is, in portions: ``read`` so many before that number. Reads the first now."""
    first = read(_PORTION, None)

    def rest(some: Sequence[T]) -> Iterator[T]:
        while some:
            yield from some
            some = read(_PORTION, some[-1].seq)

    return rest(first)
