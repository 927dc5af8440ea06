"""The index of a kind: every resource of it in memory, by columns."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.inventory.entry import BUILT_IN
from app.inventory.index.blob import Array, Growing
from app.inventory.index.column import MISSING, Column, Slots, Tags
from app.inventory.index.order import Order
from app.resources.spec import Cell, Resource

_DENSE = 100_000


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A resource as the index takes it in; ``there`` is False for one that is gone."""

    seq: int
    there: bool
    id: str
    name: str
    account: str
    region: str
    state: str
    changed: int
    cells: Mapping[str, Any]
    tags: Mapping[str, str]


class KindIndex:
    """The resources of a kind that are there, each in a slot; columns have their values by slot.

    Not for several threads at once. ``version`` grows with every change.
    """

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.revision = -1  # of the kind, up to which rows have been applied; told from outside
        self.version = 0
        self.named = 0  # the revision at which a resource was last seen to come, or renamed
        own: dict[str, Cell] = {column.name: column.cell for column in resource.columns}
        self._cells: dict[str, Cell] = {**dict.fromkeys(BUILT_IN, "text"), **own}
        self._own = own.keys()
        self.columns = {key: Column() for key in self._cells}
        self.tags = Tags()
        self._whole: dict[str, Array] = {}
        self._orders: dict[str, Order] = {}
        self._by_id = np.empty(0, np.int32)  # the order of ids, and the place of each slot in it
        self._id_places = np.empty(0, np.int64)
        self._seqs = Growing(np.int64)  # by slot
        self._changed = Growing(np.int64)
        self._alive = Growing(np.bool_)
        self._free: list[int] = []
        self._known = np.empty(0, np.int64)  # the seqs, in order, and the slot of each
        self._known_slots = np.empty(0, np.int32)

    # Rows in and out

    @property
    def size(self) -> int:
        """How many slots there are, those that are free included."""
        return self._alive.size

    @property
    def alive(self) -> Array:
        """Which slots are in use: a bool by slot."""
        return self._alive.view

    def __len__(self) -> int:
        return len(self._known)

    def apply(self, rows: Iterable[IndexRow]) -> None:
        """Take in rows that are new, have changed or have gone."""
        latest = {row.seq: row for row in rows}
        here = [row for row in latest.values() if row.there]
        self._remove([seq for seq, row in latest.items() if not row.there])
        if here:
            self._put(here)
        if latest:
            self.version += 1
            self._whole.clear()
            self._compact()

    def _remove(self, seqs: Sequence[int]) -> None:
        places = self._places(np.array(seqs, np.int64))
        places = places[places >= 0]
        if not len(places):
            return
        slots = self._known_slots[places]
        self._known = np.delete(self._known, places)
        self._known_slots = np.delete(self._known_slots, places)
        self.alive[slots] = False
        self._free += slots.tolist()
        self.tags.pairs.remove(slots, self.size)
        for column in self.columns.values():
            column.more.remove(slots, self.size)
        for order in self._orders.values():
            order.move(slots)

    def _places(self, seqs: Array) -> Array:
        """The place of each seq among the known ones, -1 if it is not known."""
        if not len(self._known):
            return np.full(len(seqs), -1)
        places = np.searchsorted(self._known, seqs)
        near = np.minimum(places, len(self._known) - 1)
        return np.where(self._known[near] == seqs, near, -1)

    def _put(self, rows: Sequence[IndexRow]) -> None:
        seqs = np.array([row.seq for row in rows], np.int64)
        places = self._places(seqs)
        new = np.flatnonzero(places < 0)
        slots = np.empty(len(rows), np.int32)
        slots[places >= 0] = self._known_slots[places[places >= 0]]
        slots[new] = self._take(len(new))
        self._know(seqs[new], slots[new])
        self._seqs.view[slots] = seqs
        self._changed.view[slots] = [row.changed for row in rows]
        self.alive[slots] = True
        elsewhere = slots[new]  # in every order
        for key, column in self.columns.items():
            cell = self._cells[key]
            if key in self._own:
                found = [row.cells.get(key) for row in rows]
            else:
                found = [getattr(row, key) for row in rows]
            moved = column.set(slots, found, cell)
            if key in self._orders:
                self._orders[key].move(moved)
            if key == "id":  # by which equals are sorted
                elsewhere = np.concatenate([elsewhere, moved])
            if key == "name":
                renamed = np.concatenate([moved, slots[new]])
                self.named = int(self._changed.view[renamed].max(initial=self.named))
        self.tags.set(slots, [row.tags for row in rows], self.size)
        for order in self._orders.values():
            order.move(elsewhere)

    def _take(self, number: int) -> list[int]:
        taken = [self._free.pop() for _ in range(min(number, len(self._free)))]
        fresh = number - len(taken)
        if fresh:
            taken += range(self.size, self.size + fresh)
            for part in (self._seqs, self._changed, self._alive):
                part.extend(np.zeros(fresh, np.int64))
        return taken

    def _know(self, seqs: Array, slots: Array) -> None:
        order = np.argsort(seqs)
        seqs, slots = seqs[order], slots[order]
        places = np.searchsorted(self._known, seqs)
        self._known = np.insert(self._known, places, seqs)
        self._known_slots = np.insert(self._known_slots, places, slots)

    def _compact(self) -> None:
        alive = None
        for column in self.columns.values():
            if column.crowded:
                alive = np.flatnonzero(self.alive) if alive is None else alive
                column.compact(alive)
        self.tags.compact()

    def fit(self) -> None:
        """Give back the room for more: all has been loaded."""
        for part in self._parts():
            part.fit()

    def _parts(self) -> list[Column | Tags | Growing]:
        return [*self.columns.values(), self.tags, self._seqs, self._changed, self._alive]

    # What slots hold

    def rows(self, slots: Slots) -> tuple[list[int], list[int]]:
        """The seq of each slot, and the revision at which its row was last written."""
        return self._seqs.view[slots].tolist(), self._changed.view[slots].tolist()

    def seqs(self, slots: Slots) -> Array:
        """The seq of each slot."""
        found: Array = self._seqs.view[slots]
        return found

    def by_id(self, slots: Slots) -> Slots:
        """The same slots in the order of their ids."""
        found: Slots = slots[np.argsort(self._places_by_id()[slots])]
        return found

    def texts(self, key: str, slots: Slots) -> list[str]:
        """The (first) value of a column in each slot, as text."""
        column = self.columns[key]
        return column.values.texts(column.first.view[slots])

    def order(self, key: str) -> tuple[Slots, int]:
        """The slots in the order of a column, equals by id; and how many of them have a value.

        Those that have none come last.
        """
        column = self.columns[key]
        order = self._orders.setdefault(key, Order())
        slots = order.slots
        if order.stale:
            slots = order.settle(self._keys(key), self.alive)
        # Those without are at the end: where they begin is found by halving.
        first = column.first.view
        return slots, bisect_left(slots, True, key=lambda slot: bool(first[slot] == MISSING))

    def whole(self, key: str) -> Array:
        """How many of all resources have each code of a column."""
        if key not in self._whole:
            alive = self.alive
            self._whole[key] = self.columns[key].count(np.flatnonzero(alive), alive)
        return self._whole[key]

    def tally(self, chosen: Array | None = None) -> dict[tuple[str, str, str], int]:
        """How many resources, of those chosen, there are by account, region and state."""
        columns = [self.columns[key] for key in ("account", "region", "state")]
        slots = np.flatnonzero(self.alive if chosen is None else chosen)
        sizes = [len(column.values) for column in columns]
        # One number for the three, so that they are counted in one go.
        flat = np.zeros(len(slots), np.int64)
        for column, size in zip(columns, sizes, strict=True):
            flat = flat * size + column.first.view.take(slots)
        if math.prod(sizes) <= _DENSE:
            counts = np.bincount(flat)
            there = np.flatnonzero(counts)
            counts = counts[there]
        else:
            there, counts = np.unique(flat, return_counts=True)
        texts = [
            column.values.texts(codes)
            for column, codes in zip(columns, np.unravel_index(there, sizes), strict=True)
        ]
        return dict(zip(zip(*texts, strict=True), counts.tolist(), strict=True))

    def _keys(self, key: str) -> Array:
        column = self.columns[key]
        ranks = column.values.ranks()[column.first.view].astype(np.int64)
        if key == "id":
            return ranks * (int(self._seqs.view.max(initial=0)) + 1) + self._seqs.view
        return ranks * self.size + self._places_by_id()

    def _places_by_id(self) -> Array:
        slots, _ = self.order("id")
        if slots is not self._by_id:
            self._by_id = slots
            self._id_places = np.zeros(self.size, np.int64)
            self._id_places[slots] = np.arange(len(slots))
        return self._id_places

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes."""
        arrays = (self._known, self._known_slots, self._id_places)
        orders = self._orders.values()
        return sum(part.nbytes for part in (*self._parts(), *orders, *arrays))
