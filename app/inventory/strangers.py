"""What resources lead to and nobody has seen: the volumes of an instance just launched."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta

from app.aws.listing import Description
from app.inventory.cells import texts
from app.inventory.entry import cells_of
from app.inventory.inventory import Inventory
from app.inventory.store import Scope
from app.resources.spec import Resource

AGAIN = timedelta(minutes=10)  # by then its list has been read anyhow
_Key = tuple[Scope, str]


class Strangers:
    """Each id is given once in ``AGAIN``: many belong to other accounts, or are long gone.

    For several threads.
    """

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._lock = threading.Lock()
        self._met: dict[_Key, datetime] = {}

    def among(
        self, resource: Resource, scope: Scope, found: Iterable[Description], now: datetime
    ) -> dict[Scope, list[str]]:
        """The ids, by scope, to which what was found there leads and that nobody knows."""
        unknown: dict[Scope, list[str]] = {}
        for there, resource_id in self._new(_led_to(resource, scope, found), now):
            if self._inventory.get(there.kind, resource_id) is None:
                unknown.setdefault(there, []).append(resource_id)
        return unknown

    def _new(self, led_to: set[_Key], now: datetime) -> list[_Key]:
        with self._lock:
            new = [key for key in led_to if key not in self._met or now - self._met[key] > AGAIN]
            if new:
                young = {key: at for key, at in self._met.items() if abs(now - at) <= AGAIN}
                self._met = {**young, **dict.fromkeys(new, now)}
            return new


def _led_to(resource: Resource, scope: Scope, found: Iterable[Description]) -> set[_Key]:
    leading = [each for each in resource.columns if each.of and each.cell in {"id", "ids"}]
    return {
        (Scope(column.of, scope.account, scope.region), resource_id)
        for description in found
        for cells in [cells_of(resource, description, leading)]
        for column in leading
        for resource_id in texts(cells[column.name])
        if resource_id
    }
