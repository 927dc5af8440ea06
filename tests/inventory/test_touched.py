"""What the collector learns besides its rounds: from the poller, open pages and actions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from app.aws.errors import AwsError
from app.inventory import Collector, Inventory
from app.inventory.schedule import SETTLE_AFTER
from tests.inventory.boxes import (
    ACCOUNT,
    HERE,
    Clock,
    Cloud,
    box,
    make_resource,
)

Make = Callable[..., Collector]


def settle(collector: Collector, clock: Clock) -> None:
    while collector.tick(clock()):
        pass


def states(inventory: Inventory) -> dict[str, str]:
    return {row.id: row.state for row in inventory.all("box")}


@pytest.fixture
def filled(collect: Make, cloud: Cloud, clock: Clock) -> Collector:
    """A collector that has collected twelve boxes, two on a page."""
    cloud.put(*(box(n) for n in range(10, 22)))
    collector = collect()
    settle(collector, clock)
    clock.move(800)
    return collector


def test_what_the_poller_has_read_is_left_to_it_for_as_long_as_it_goes_on(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1, "packing"), box(2, "packing"))
    collector = collect(poll_seconds=5)
    settle(collector, clock)
    cloud.reads.clear()
    for _ in range(6):
        collector.learn("box", ACCOUNT, HERE, [box(1, "packing")], clock())
        for _ in range(5):
            clock.move(1)
            settle(collector, clock)
    assert set(cloud.reads) == {("box-2",)}
    for _ in range(4):  # it has stopped
        clock.move(1)
        settle(collector, clock)
    assert any("box-1" in read for read in cloud.reads)


def test_what_the_pollers_of_any_process_read_is_left_to_them(
    collect: Make, cloud: Cloud, clock: Clock
):
    cloud.put(box(1, "packing"), box(2, "packing"))
    collector = collect()
    watched = {"box-1"}
    collector.leave(lambda *scope: watched if scope == ("box", ACCOUNT, HERE) else set())
    settle(collector, clock)
    cloud.reads.clear()
    for _ in range(30):
        clock.move(1)
        settle(collector, clock)
    assert set(cloud.reads) == {("box-2",)}
    watched.clear()
    clock.move(5)
    settle(collector, clock)
    assert any("box-1" in read for read in cloud.reads)


def test_what_the_poller_reads_is_known_at_once(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1, "packing"))
    collector = collect()
    settle(collector, clock)
    collector.learn("box", ACCOUNT, HERE, [box(1, "ready")], clock.move(1))
    assert states(inventory) == {"box-1": "ready"}


def test_a_resource_whose_page_is_open_is_read_now_and_again_but_not_all_the_time(
    filled: Collector, inventory: Inventory, cloud: Cloud, clock: Clock
):
    settle(filled, clock)
    row = inventory.get("box", "box-10")
    assert row is not None
    cloud.put(box(10, "broken"))
    for _ in range(30):
        filled.attend(row)
        settle(filled, clock)
        clock.move(1)
    assert cloud.reads == [("box-10",)] * 3
    assert states(inventory)["box-10"] == "broken"


def test_a_page_that_is_open_knows_how_old_it_is_though_nothing_was_written(
    filled: Collector, inventory: Inventory, clock: Clock
):
    settle(filled, clock)
    row = inventory.get("box", "box-10")
    assert row is not None
    clock.move(5)
    before = inventory.revision("box")
    assert filled.attend(row) == row.seen_at
    settle(filled, clock)
    read_at = clock()
    clock.move(5)
    assert filled.attend(row) == read_at
    assert inventory.revision("box") == before


def test_a_page_whose_resource_cannot_be_read_gets_no_younger(
    filled: Collector, inventory: Inventory, cloud: Cloud, clock: Clock
):
    settle(filled, clock)
    row = inventory.get("box", "box-10")
    assert row is not None

    def refuse(call: str) -> None:
        raise AwsError("refused", "UnauthorizedOperation", "You may not.")

    cloud.fail = refuse
    clock.move(5)
    filled.attend(row)
    settle(filled, clock)
    assert cloud.reads
    assert filled.attend(row) == row.seen_at


def test_what_changes_soon_after_an_action_is_put_down_to_it(
    filled: Collector, inventory: Inventory, cloud: Cloud, clock: Clock
):
    settle(filled, clock)
    cloud.put(box(10, "packing"))
    filled.reread("box", ACCOUNT, HERE, ["box-10"], action="act-1")
    cloud.put(box(10, "ready"))
    for _ in range(10):
        clock.move(3)
        settle(filled, clock)
    cloud.put(box(10, "broken"))
    clock.move(800)
    settle(filled, clock)
    told = [(change.after, change.action) for change in inventory.timeline("box", "box-10")]
    assert told == [("broken", None), ("ready", "act-1"), ("packing", "act-1")]


def test_what_was_made_along_with_something_is_read_too(
    collect: Make, cloud: Cloud, clock: Clock, engine: Engine
):
    collector = collect(kinds=("box", "part"))
    settle(collector, clock)
    cloud.put(box(1, Parts=["box-2", "box-9"]), box(2))
    collector.reread("box", ACCOUNT, HERE, ["box-1"], settle=False)
    clock.move(2)
    settle(collector, clock)
    known = Inventory(engine, {"part": make_resource(kind="part")}, clock)
    assert [row.id for row in known.all("part")] == ["box-2"]


def test_what_leads_nowhere_is_not_asked_for_again_and_again(
    collect: Make, cloud: Cloud, clock: Clock
):
    collector = collect(kinds=("box", "part"))
    settle(collector, clock)
    cloud.put(box(1, Parts=["box-9"]))
    for _ in range(60):
        collector.reread("box", ACCOUNT, HERE, ["box-1"], settle=False)
        clock.move(1)
        settle(collector, clock)
    assert cloud.reads.count(("box-9",)) == len(SETTLE_AFTER)
