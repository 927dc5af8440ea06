"""When what is under way will be done, for pages: of watches, and of pending snapshots."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from app.db import now
from app.resources.spec import Row
from app.watches import WatchView
from app.watches.estimates import Estimate, durations, estimate, from_json
from app.web.context import inventory

# An estimate that nothing was written about is told anew so often: it shifts as time goes by.
STEP_SECONDS = 15


def of_watch(watch: WatchView) -> Estimate | None:
    """When what a watch waits for will be done; None if that is not known, or it is done."""
    kept = from_json(watch.expected) if watch.state == "waiting" else None
    return kept and kept.given(now())


def of_rows(rows: Iterable[Row]) -> dict[str, Estimate]:
    """By id, when the pending snapshots among ``rows`` will be done, where that is known."""
    pending = {row.id: row for row in rows if row.kind == "snapshot" and row.state == "pending"}
    volumes = sorted({str(row.cells.get("volume_id") or "") for row in pending.values()} - {""})
    if not volumes:
        return {}
    past: dict[str, list[Row]] = {}
    for row in inventory().find("snapshot", "volume_id", volumes):
        past.setdefault(str(row.cells["volume_id"]), []).append(row)
    found = {}
    for row in pending.values():
        started = row.cells.get("started")
        took = durations(past.get(str(row.cells.get("volume_id")), ()))
        known = estimate(took, datetime.fromisoformat(started), now()) if started else None
        if known:
            found[row.id] = known
    return found


def in_words(known: Estimate | None) -> str:
    """An estimate in words, or an empty text."""
    return known.words(now()) if known else ""


def in_short(known: Estimate | None) -> str:
    """An estimate for a table: 14:20 (14:05–15:10) UTC; an empty text for none."""
    if known is None:
        return ""
    if known.beyond:
        return "longer than ever"
    today = now().date()
    about, early, late = (
        moment.strftime("%H:%M" if moment.date() == today else "%d %b %H:%M")
        for moment in (known.median_at, known.early_at, known.late_at)
    )
    return f"{about} UTC" if early == late else f"{about} ({early}–{late}) UTC"


def step(any_pending: bool) -> int:
    """Changes whenever estimates on a page are to be told anew."""
    return int(now().timestamp() // STEP_SECONDS) if any_pending else 0
