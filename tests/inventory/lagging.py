"""A cloud whose answers lag behind what was done, as AWS's do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from app.aws.listing import Description
from tests.inventory.boxes import HERE, Cloud, box


class Lagging(Cloud):
    """Readings show the boxes as they were ``lag`` ago; ``truth`` is how they are."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self.clock = clock
        self.lag = timedelta(0)
        self.truth: dict[str, Description] = {}
        self._history: list[tuple[datetime, dict[str, Description]]] = []

    def set(self, number: int, state: str) -> Description:
        """Make a box, or change its state."""
        made = box(number, state)
        self._note({**self.truth, made["BoxId"]: made})
        return made

    def drop(self, box_id: str) -> None:
        """Delete a box."""
        self._note({each: made for each, made in self.truth.items() if each != box_id})

    def _note(self, truth: dict[str, Description]) -> None:
        self.truth = truth
        self._history.append((self.clock(), truth))

    def call(self, call: str) -> None:
        """As Cloud's, after the boxes were made to look as a reading shows them."""
        seen: dict[str, Description] = {}
        for at, boxes in self._history:
            if at <= self.clock() - self.lag:
                seen = boxes
        self.boxes = {HERE: seen}
        super().call(call)
