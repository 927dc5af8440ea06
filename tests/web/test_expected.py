"""When a snapshot will be done, as a table tells it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.watches.estimates import Estimate
from app.web import expected

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KNOWN = Estimate(
    median_at=NOON + timedelta(minutes=20),
    early_at=NOON + timedelta(minutes=5),
    late_at=NOON + timedelta(minutes=70),
    basis=3,
    usual_seconds=1200.0,
    started_at=NOON,
    past=(300.0, 1200.0, 4200.0),
)


def test_only_a_time_of_day_has_a_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expected, "now", lambda: NOON)
    assert expected.in_short(KNOWN) == "12:20 (12:05–13:10) UTC"
    sure = replace(KNOWN, early_at=KNOWN.median_at, late_at=KNOWN.median_at)
    assert expected.in_short(sure) == "12:20 UTC"
    assert expected.in_short(replace(KNOWN, beyond=True)) == "longer than ever"
    assert expected.in_short(None) == ""
