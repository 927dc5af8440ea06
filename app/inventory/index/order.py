"""The order of slots by a column, kept up to date as slots change."""

from __future__ import annotations

import numpy as np

from app.inventory.index.blob import Array

_MANY = 8  # one in so many slots has moved: all are sorted anew


class Order:
    """Slots in ascending order of a key; what has no value comes last."""

    def __init__(self) -> None:
        self.slots = np.empty(0, np.int32)
        self._moved: list[Array] | None = None  # None: all of them
        self._moves = 0

    def move(self, slots: Array) -> None:
        """Note that these slots have come, have gone, or have another value."""
        if self._moved is not None and len(slots):
            self._moved.append(slots)
            self._moves += len(slots)
            if self._moves * _MANY > len(self.slots):
                self._moved = None

    @property
    def stale(self) -> bool:
        """Whether ``slots`` is yet to be made true."""
        return self._moved is None or bool(self._moved)

    def settle(self, keys: Array, alive: Array) -> Array:
        """Make the order true and return it.

        ``keys`` has a number for each slot, by which it sorts, no two the same; ``alive`` says of
        each whether it is in use.
        """
        if self._moved is None:
            slots = np.flatnonzero(alive)
            self.slots = slots[np.argsort(keys[slots])].astype(np.int32)
        elif self._moved:
            self._put_in(np.unique(np.concatenate(self._moved)), keys, alive)
        self._moved, self._moves = [], 0
        return self.slots

    def _put_in(self, moved: Array, keys: Array, alive: Array) -> None:
        out = np.zeros(len(alive), np.bool_)
        out[moved] = True
        stay = self.slots[~out[self.slots]]
        come = moved[alive[moved]]
        come = come[np.argsort(keys[come])]
        places = np.searchsorted(keys[stay], keys[come])
        self.slots = np.insert(stay, places, come).astype(np.int32)

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes."""
        return int(self.slots.nbytes)
