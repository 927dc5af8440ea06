"""Lines of text in one piece of memory, in which a word is found without looking at each line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_END = 0xFF  # ends a line; it never occurs in UTF-8, so nothing is found across lines
_FAR = np.iinfo(np.int32).max
_WINDOW = 64 * 1024  # looked through at once: stays in the processor's cache
_CASE = ord("a") - ord("A")


class Growing:
    """An array that grows at its end. A view of it stays as it was when more is added."""

    def __init__(self, dtype: Any) -> None:
        self._held: Array = np.empty(0, dtype)
        self.size = 0

    @property
    def view(self) -> Array:
        """All that is in it."""
        return self._held[: self.size]

    def extend(self, values: Array | Sequence[Any]) -> None:
        """Add ``values`` at the end."""
        size = self.size + len(values)
        if size > len(self._held):
            held = np.empty(size + size // 8 + 16, self._held.dtype)
            held[: self.size] = self.view
            self._held = held
        self._held[self.size : size] = values
        self.size = size

    def cut(self, size: int) -> None:
        """Forget what is beyond the first ``size``."""
        self.size = size

    def widen(self, dtype: Any) -> None:
        """Hold values of a larger type from now on."""
        if self._held.dtype != dtype:
            self._held = self._held.astype(dtype)

    def fit(self) -> None:
        """Give back the room for more."""
        self._held = self.view.copy()

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes."""
        return int(self._held.nbytes)


class Blob:
    """Lines, numbered from 0, as UTF-8.

    ``once``: of many places in a line, the first is enough.
    """

    def __init__(self, once: bool = True) -> None:
        self.once = once
        self._bytes = Growing(np.uint8)
        self._starts = Growing(np.int32)
        self._starts.extend([0])
        self._seen = np.zeros(256, np.int64)  # how often each byte occurs

    def __len__(self) -> int:
        return self._starts.size - 1

    def extend(self, lines: Sequence[bytes]) -> None:
        """Add lines at the end."""
        if not lines:
            return
        added = np.frombuffer(b"\xff".join([*lines, b""]), np.uint8)
        lengths = np.fromiter((len(line) + 1 for line in lines), np.int64, len(lines))
        if self._bytes.size + len(added) > _FAR:
            self._starts.widen(np.int64)
        self._starts.extend(np.cumsum(lengths) + self._bytes.size)
        self._bytes.extend(added)
        self._seen += np.bincount(added, minlength=256)

    def line(self, number: int) -> bytes:
        """One line."""
        start, end = self._starts.view[number : number + 2]
        return self._bytes.view[start : end - 1].tobytes()

    def lines(self, numbers: Sequence[int] | Array) -> list[bytes]:
        """Some lines, in that order."""
        starts, whole = self._starts.view, self._bytes.view.data
        at = np.asarray(numbers, np.int64)
        return [
            bytes(whole[start:end])
            for start, end in zip(starts[at].tolist(), (starts[at + 1] - 1).tolist(), strict=True)
        ]

    def every(self) -> list[bytes]:
        """All lines."""
        return self._bytes.view.tobytes().split(b"\xff")[:-1]

    def length(self, numbers: Array) -> Array:
        """How many bytes each of these lines has."""
        starts = self._starts.view
        found: Array = starts[numbers + 1] - starts[numbers] - 1
        return found

    def hits(self, needle: bytes, since: int = 0) -> tuple[Array, Array]:
        """Where ``needle`` occurs in the lines from ``since`` on: line numbers, places in them.

        An ASCII letter of ``needle``, which must be small, stands for both cases. A line comes
        once for each place; where there are many, perhaps once only, for the first.
        """
        starts = self._starts.view
        if not needle:
            numbers = np.arange(since, len(self))
            return numbers, np.zeros(len(numbers), np.int64)
        begin = int(starts[since])
        found = self._places(needle, self._bytes.view[begin:]) + begin
        if len(found) * 4 > len(self) - since and self.once:
            before = np.searchsorted(found, starts[since:])
            there = np.flatnonzero(before[1:] > before[:-1])
            numbers, found = there + since, found[before[there]]
        else:
            numbers = np.searchsorted(starts, found, side="right") - 1
        return numbers, found - starts[numbers]

    def _places(self, needle: bytes, text: Array) -> Array:
        last = len(text) - len(needle)
        cases = [self._cases(byte) for byte in needle]
        often = [int(self._seen[[*each]].sum()) for each in cases]
        if last < 0 or not all(often):
            return np.empty(0, np.int64)
        # Two of its bytes, the rarest, are looked for everywhere, the others where those are.
        rare = sorted(range(len(needle)), key=often.__getitem__)
        found = self._everywhere(text, last, [(place, cases[place]) for place in rare[:2]])
        for place in rare[2:]:
            if not len(found):
                break
            found = found[_equal(text[found + place], cases[place])]
        return found

    def _everywhere(
        self, text: Array, last: int, wanted: Sequence[tuple[int, tuple[int, ...]]]
    ) -> Array:
        """The places up to ``last`` where all the wanted bytes are, each so far on."""
        found = []
        for start in range(0, last + 1, _WINDOW):
            end = min(start + _WINDOW, last + 1)
            there = np.ones(end - start, np.bool_)
            for place, cases in wanted:
                there &= _equal(text[start + place : end + place], cases)
            found.append(np.flatnonzero(there) + start)
        return np.concatenate(found)

    def _cases(self, byte: int) -> tuple[int, ...]:
        upper = byte - _CASE
        small = ord("a") <= byte <= ord("z")
        return (byte, upper) if small and self._seen[upper] else (byte,)

    def fit(self) -> None:
        """Give back the room for more."""
        self._bytes.fit()
        self._starts.fit()

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes."""
        return self._bytes.nbytes + self._starts.nbytes


def _equal(text: Array, cases: tuple[int, ...]) -> Array:
    found: Array = text == cases[0]
    return found | (text == cases[1]) if len(cases) > 1 else found
