"""What the inventory knows that a watch can use: names, and how long things took before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.resources import RESOURCES
from app.resources.spec import Row
from app.watches.due import Batch
from app.watches.estimates import NOTHING_KNOWN, durations, estimate
from app.watches.harmless import harmless
from app.watches.outcomes import Finding
from app.watches.rows import Record

# The snapshots of some volumes of a region; None if they cannot be told without waiting.
Past = Callable[[str, Sequence[str]], list[Row] | None]


@dataclass(frozen=True)
class Knowledge:
    """Asks the inventory. ``get``: a resource by kind and id; ``past``: see Past."""

    get: Callable[[str, str], Row | None] | None = None
    past: Past | None = None

    def more(
        self, batch: Batch, judged: Sequence[tuple[Record, Finding]], now: datetime
    ) -> dict[str, dict[str, Any]]:
        """Further columns of watches, by the watch's id, that can be told now.

        The name of what it is made of, where a message is to tell it and it is not known; and when
        a snapshot is expected to be done, once.
        """
        after = [({**row, **finding.values}, finding) for row, finding in judged]
        found: dict[str, dict[str, Any]] = defaultdict(dict)
        for watch, finding in after:
            if finding.reached and not watch["source_name"]:
                found[watch["id"]]["source_name"] = self._name(watch)
        waiting = [
            watch
            for watch, finding in after
            if batch.kind == "snapshot" and watch["expected"] is None and watch["started_at"]
        ]
        for watch_id, expected in self._expected(batch, waiting, now).items():
            found[watch_id]["expected"] = expected
        return found

    def _name(self, watch: Record) -> str:
        """The name of what it is made of; of what is made of nothing, its own."""
        source = watch["source_id"] or watch["resource_id"] or ""
        kind = next((name for name, of in RESOURCES.items() if source.startswith(of.prefix)), None)
        row = self.get(kind, source) if self.get and kind else None
        return harmless(row.name) if row else ""

    def _expected(
        self, batch: Batch, waiting: Sequence[Record], now: datetime
    ) -> Mapping[str, dict[str, Any]]:
        volumes = sorted({watch["source_id"] for watch in waiting if watch["source_id"]})
        rows = self.past(batch.region, volumes) if volumes and self.past else None
        if rows is None:
            return {}
        took: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            if row.account == batch.account:
                took[str(row.cells.get("volume_id"))].append(row)
        expected = {}
        for watch in waiting:
            others = [row for row in took[watch["source_id"]] if row.id != watch["resource_id"]]
            found = estimate(durations(others), watch["started_at"], now)
            expected[watch["id"]] = found.to_json() if found else NOTHING_KNOWN
        return expected
