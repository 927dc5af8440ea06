"""The numbers of AWS calls that docs/benchmarks.md gives hold."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.bench import calls


def test_an_idle_console_reads_each_kind_at_most_once_in_ten_minutes_in_each_region(
    tmp_path: Path,
) -> None:
    # some take one call in each of two regions, five or six times an hour
    found = calls.hour(calls.make_house(tmp_path, 0), timedelta(minutes=30))
    for operation in ("DescribeInstances", "DescribeSnapshots", "ListTopics"):
        assert 8 <= found[operation] <= 12
    assert found["total"] < 110


def test_an_open_list_is_read_every_fifteen_seconds_at_most_in_each_region(
    tmp_path: Path,
) -> None:
    found = calls.hour(calls.make_house(tmp_path, 0), timedelta(minutes=10), "instance")
    assert 2 * 3600 / 15 <= found["DescribeInstances"] <= 2 * 3600 / 12
    assert found.get("DescribeSnapshots", 0) <= 12  # nobody looks at these


def test_a_poll_of_a_thousand_snapshots_costs_five_calls(tmp_path: Path) -> None:
    house = calls.make_house(tmp_path, 1_000)
    calls.watch_all(house)
    found = calls.hour(house, timedelta(seconds=20), only_poll=True)
    every = house.settings.poll_seconds
    assert found["DescribeSnapshots"] == 5 * 3600 / every


def test_what_the_poller_reads_is_not_read_again_by_the_collector(tmp_path: Path) -> None:
    found = []
    for only_poll in (True, False):
        house = calls.make_house(tmp_path / str(only_poll), 200)
        calls.watch_all(house)
        found.append(calls.hour(house, timedelta(seconds=40), only_poll=only_poll))
    assert found[0]["DescribeSnapshots"] == found[1]["DescribeSnapshots"] > 0
