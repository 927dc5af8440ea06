"""The numbers of AWS calls that docs/benchmarks.md gives hold."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.bench import calls


def test_an_idle_console_reads_each_kind_once_in_ten_minutes_in_each_region(
    tmp_path: Path,
) -> None:
    # some take one call in each of two regions, six times an hour
    found = calls.hour(calls.make_house(tmp_path, 0), timedelta(minutes=10))
    assert found["DescribeInstances"] == found["DescribeSnapshots"] == found["ListTopics"] == 12
    assert found["total"] < 110


def test_a_poll_of_a_thousand_snapshots_costs_five_calls(tmp_path: Path) -> None:
    house = calls.make_house(tmp_path, 1_000)
    calls.watch_all(house)
    found = calls.hour(house, timedelta(seconds=10), only_poll=True)
    every = house.settings.poll_seconds
    assert found["DescribeSnapshots"] == 5 * 3600 / every
