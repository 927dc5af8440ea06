"""The index of a kind: every resource of it in memory, by columns."""

from __future__ import annotations

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
    state_class: str
    changed: int
    cells: Mapping[str, Any]
    tags: Mapping[str, str]


class KindIndex:
    """The resources of a kind that are there, each in a slot; columns have their values by slot.

    Not for several threads at once. ``version`` grows with every change.
    """

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.revision = -1  # up to which rows have been applied
        self.version = 0
        own: dict[str, Cell] = {column.name: column.cell for column in resource.columns}
        self._cells: dict[str, Cell] = {**dict.fromkeys(BUILT_IN, "text"), **own}
        self._own = own.keys()
        self.columns = {key: Column() for key in self._cells}
        self.tags = Tags()
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

    def apply(self, rows: Iterable[IndexRow], revision: int) -> None:
        """Take in rows that are new, have changed or have gone, as they are at ``revision``."""
        latest = {row.seq: row for row in rows}
        here = [row for row in latest.values() if row.there]
        self._remove([seq for seq, row in latest.items() if not row.there])
        if here:
            self._put(here)
        if latest:
            self.version += 1
            self._compact()
        self.revision = revision

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
        for key, column in self.columns.items():
            cell = self._cells[key]
            if key in self._own:
                found = [row.cells.get(key) for row in rows]
            else:
                found = [getattr(row, key) for row in rows]
            moved = column.set(slots, found, cell)
            if key in self._orders:
                self._orders[key].move(moved)
        self.tags.set(slots, [row.tags for row in rows], self.size)
        for order in self._orders.values():
            order.move(slots[new])

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
        for part in (*self.columns.values(), self.tags, self._seqs, self._changed, self._alive):
            part.fit()

    # What slots hold

    def rows(self, slots: Slots) -> tuple[list[int], list[int]]:
        """The seq of each slot, and the revision at which its row was last written."""
        return self._seqs.view[slots].tolist(), self._changed.view[slots].tolist()

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
        parts = (*self.columns.values(), self.tags, self._seqs, self._changed, self._alive)
        arrays = (self._known, self._known_slots, self._id_places)
        return sum(part.nbytes for part in (*parts, *self._orders.values())) + sum(
            array.nbytes for array in arrays
        )
