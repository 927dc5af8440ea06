"""Which values the slots of an index have: a column, and the tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from app.inventory.cells import matched, number, show
from app.inventory.index.blob import Array, Growing
from app.inventory.index.values import Value, Values
from app.resources.spec import Cell

MISSING = 0  # the code of no value, in every column
_COMPACT_FROM = 1000  # fewer values than that are not worth the trouble
Slots = Array  # of numbers of slots, in order


class Pairs:
    """Slots and codes that belong together, many to many."""

    def __init__(self) -> None:
        self.slots = Growing(np.int32)
        self.codes = Growing(np.int32)

    def remove(self, slots: Slots, size: int) -> None:
        """Take out all pairs of these slots; ``size`` is how many slots there are."""
        out = np.zeros(size, np.bool_)
        out[slots] = True
        gone = np.flatnonzero(out.take(self.slots.view))
        if not len(gone):
            return
        # Their places are taken by the last ones, so that the others need not move.
        left = self.slots.size - len(gone)
        holes = gone[gone < left]
        last = np.setdiff1d(np.arange(left, self.slots.size), gone, assume_unique=True)
        for part in (self.slots, self.codes):
            part.view[holes] = part.view[last]
            part.cut(left)

    def add(self, slots: Array | Sequence[int], codes: Array | Sequence[int]) -> None:
        """Put in pairs."""
        self.slots.extend(slots)
        self.codes.extend(codes)

    def mark(self, slots: Array, codes: Array) -> None:
        """In ``slots`` (a bool by slot) mark those that have one of ``codes`` (a bool by code)."""
        slots[self.slots.view.take(np.flatnonzero(codes.take(self.codes.view)))] = True

    def count(self, chosen: Array | None, codes: int) -> Array:
        """How many of the chosen slots (a bool by slot; None: all) have each code."""
        found = self.codes.view
        if chosen is not None:
            found = found.take(np.flatnonzero(chosen.take(self.slots.view)))
        return np.bincount(found, minlength=codes)

    def renumber(self, codes: Array) -> None:
        """Give each code the number that ``codes`` has for it."""
        self.codes.view[:] = codes[self.codes.view]

    def fit(self) -> None:
        """Give back the room for more."""
        self.slots.fit()
        self.codes.fit()

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes."""
        return self.slots.nbytes + self.codes.nbytes


class Column:
    """One value per slot, by which it sorts, and for lists the further ones."""

    def __init__(self) -> None:
        self.values = _with_missing()
        self.first = Growing(np.int32)
        self.more = Pairs()
        self._check_at = _COMPACT_FROM

    def set(self, slots: Slots, found: Sequence[Any], cell: Cell) -> Array:
        """Let slots have these values, as the column reads them from a description.

        Returns those of ``slots`` whose first value is another now.
        """
        size = max(self.first.size, int(slots.max()) + 1)
        self.first.extend(np.zeros(size - self.first.size, np.int32))
        self.more.remove(slots, size)
        kinds = set(map(type, found)) - {type(None)}
        codes = self._simple(found, cell) if _alike(kinds) else self._any(slots, found, cell)
        first = self.first.view
        moved: Array = slots[first[slots] != codes]
        first[slots] = codes
        return moved

    def _simple(self, found: Sequence[Any], cell: Cell) -> Array:
        distinct = dict.fromkeys(found)
        codes = self.values.add([_value(show(each), number(each, cell)) for each in distinct])
        return _mapped(dict(zip(distinct, codes.tolist(), strict=True)), found)

    def _any(self, slots: Slots, found: Sequence[Any], cell: Cell) -> Array:
        cells = [[_value(*item) for item in matched(value, cell)] for value in found]
        distinct = dict.fromkeys(item for items in cells for item in items)
        codes = dict(zip(distinct, self.values.add([*distinct]).tolist(), strict=True))
        several = [
            (slot, codes[item])
            for slot, items in zip(slots.tolist(), cells, strict=True)
            for item in items[1:]
        ]
        self.more.add([slot for slot, _ in several], [code for _, code in several])
        return _mapped(codes, [items[0] for items in cells])

    def having(self, codes: Array) -> Array:
        """Which slots have one of ``codes`` (a bool by code): a bool by slot."""
        found = codes.take(self.first.view)
        if self.more.slots.size:
            self.more.mark(found, codes)
        return found

    def having_some(self, codes: Array) -> Array:
        """The same for codes that are named, in whatever order, some perhaps several times."""
        if len(codes) == 1 and not self.more.slots.size:
            found: Array = self.first.view == codes[0]
            return found
        chosen = np.zeros(len(self.values), np.bool_)
        chosen[codes] = True
        return self.having(chosen)

    def count(self, slots: Slots, chosen: Array) -> Array:
        """How many of ``slots`` have each code; ``chosen`` is the same as a bool by slot."""
        counts = np.bincount(self.first.view.take(slots), minlength=len(self.values))
        if self.more.slots.size:
            counts += self.more.count(chosen, len(self.values))
        return counts

    @property
    def crowded(self) -> bool:
        """Whether so many values have come that it may be time to ``compact``."""
        return len(self.values) >= self._check_at

    def compact(self, alive: Slots) -> None:
        """Forget values that no slot has any more, if they are many."""
        used = np.zeros(len(self.values), np.bool_)
        used[self.first.view[alive]] = True
        used[self.more.codes.view] = True
        if np.count_nonzero(used) * 2 < len(used):
            old, self.values = self.values, _with_missing()
            codes = np.full(len(old), MISSING, np.int32)
            for part in parts(np.flatnonzero(used)):
                codes[part] = self.values.add(old.values(part))
            self.first.view[:] = codes[self.first.view]
            self.more.renumber(codes)
        self._check_at = 2 * len(self.values) + _COMPACT_FROM

    def fit(self) -> None:
        """Give back the room for more."""
        for part in (self.values, self.first, self.more):
            part.fit()

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes."""
        return self.values.nbytes + self.first.nbytes + self.more.nbytes


class Tags:
    """The tags of all slots, however many keys there are: pairs of slot and ``key=value``."""

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}
        self._leads = (Growing(np.int32), Growing(np.int32))
        self.values = Values(self._leads)
        self.pairs = Pairs()
        self._check_at = _COMPACT_FROM

    def set(self, slots: Slots, tags: Iterable[Mapping[str, str]], size: int) -> None:
        """Let slots have these tags; ``size`` is how many slots there are."""
        self.pairs.remove(slots, size)
        found = [
            (slot, tag)
            for slot, each in zip(slots.tolist(), tags, strict=True)
            for tag in each.items()
        ]
        if found:
            distinct = dict.fromkeys(tag for _, tag in found)
            added = self.values.add([self._value(key, value) for key, value in distinct])
            codes = dict(zip(distinct, added.tolist(), strict=True))
            self.pairs.add([slot for slot, _ in found], _mapped(codes, [tag for _, tag in found]))

    def _value(self, key: str, value: str) -> Value:
        held = None if value[:1].isalpha() else number(value, "number")
        return Value(f"{key}={value}", held, self._group(key))

    def _group(self, key: str) -> int:
        group = self._keys.setdefault(key, len(self._keys))
        if group == self._leads[0].size:
            for lead, text in zip(self._leads, (key, key.casefold()), strict=True):
                lead.extend([len(text.encode()) + 1])
        return group

    def group(self, key: str) -> int:
        """The group of the values of a key; -1 for one that no resource ever had."""
        return self._keys.get(key, -1)

    def keys(self) -> list[str]:
        """All keys, in the order of their groups; some may be on no resource any more."""
        return list(self._keys)

    def having(self, codes: Array, size: int) -> Array:
        """Which slots have one of ``codes`` (numbers of codes): a bool by slot."""
        found = np.zeros(size, np.bool_)
        if len(codes):
            chosen = np.zeros(len(self.values), np.bool_)
            chosen[codes] = True
            self.pairs.mark(found, chosen)
        return found

    def compact(self) -> None:
        """Forget values and keys that no slot has any more, if they are many."""
        if len(self.values) < self._check_at:
            return
        used = np.zeros(len(self.values), np.bool_)
        used[self.pairs.codes.view] = True
        if np.count_nonzero(used) * 2 < len(used):
            self._rebuild(np.flatnonzero(used))
        self._check_at = 2 * len(self.values) + _COMPACT_FROM

    def _rebuild(self, used: Array) -> None:
        old, keys = self.values, self.keys()
        self._keys, self._leads = {}, (Growing(np.int32), Growing(np.int32))
        self.values = Values(self._leads)
        codes = np.full(len(old), -1, np.int32)
        for part in parts(used):
            values = [
                value._replace(group=self._group(keys[value.group])) for value in old.values(part)
            ]
            codes[part] = self.values.add(values)
        self.pairs.renumber(codes)

    def fit(self) -> None:
        """Give back the room for more."""
        self.values.fit()
        self.pairs.fit()

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes, but for the keys."""
        return self.values.nbytes + self.pairs.nbytes


def parts(numbers: Array) -> list[Array]:
    """``numbers`` in pieces, so that what is made of each is not in memory at once."""
    return np.array_split(numbers, len(numbers) // _COMPACT_FROM + 1)


def _alike(kinds: set[type]) -> bool:
    """Whether values of these types are the same if they are equal (1 and True are not)."""
    return len(kinds) <= 1 and kinds <= {str, int, bool, float}


def _mapped(codes: Mapping[Any, int], found: Sequence[Any]) -> Array:
    return np.fromiter(map(codes.__getitem__, found), np.int32, len(found))


def _value(text: str, held: float | None) -> Value:
    return Value(text, held, held is not None)


def _with_missing() -> Values:
    values = Values()
    values.add([Value("", None, 0)])
    return values
