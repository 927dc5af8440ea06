"""Whose request is next: one address, or one session, never has all threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Protocol


class Asking(Protocol):
    """Whoever waits for a thread: ``keys`` are the address and the session that it comes from."""

    @property
    def keys(self) -> tuple[str, ...]:
        """None of them may have more than its share."""
        ...


class Turns:
    """Who is next, for ``threads`` threads: in the order of their coming, but each key at most
    three quarters of the threads. Used by one thread.
    """

    def __init__(self, threads: int) -> None:
        self._free = threads
        self._share = max(1, threads - max(1, threads // 4))
        self._waiting: list[Asking] = []
        self._busy: Counter[str] = Counter()

    def add(self, asking: Asking) -> None:
        """Somebody waits for a thread."""
        self._waiting.append(asking)

    def take(self) -> Iterator[Asking]:
        """Those who may begin now; each is to be given back to ``done`` when it has ended."""
        for asking in list(self._waiting):
            if not self._free:
                return
            if all(self._busy[key] < self._share for key in asking.keys):
                self._waiting.remove(asking)
                self._free -= 1
                self._busy.update(asking.keys)
                yield asking

    def done(self, asking: Asking) -> None:
        """Its thread is free again."""
        self._free += 1
        self._busy -= Counter(asking.keys)
