"""What somebody else reads as well is read in turns, and a person waits for none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.inventory import Collector, Inventory
from tests.inventory.boxes import ACCOUNT, HERE, THERE, Clock, Cloud, box

Make = Callable[..., Collector]


class Turns:
    """Turns of some kinds, a minute apart; knows what had been asked at each."""

    def __init__(self, cloud: Cloud, *kinds: str) -> None:
        self.cloud, self.kinds = cloud, kinds
        self.taken: list[int] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def shared(self, kind: str) -> bool:
        return kind in self.kinds

    def take(self, wait: Callable[[float], object]) -> None:
        self.meanwhile()
        wait(60)
        self.taken.append(sum(not call.startswith("pages ") for call in self.cloud.calls))


@pytest.fixture
def turns(cloud: Cloud) -> Turns:
    return Turns(cloud, "box")


def test_each_page_of_a_refresh_waits_for_a_turn(
    collect: Make, cloud: Cloud, clock: Clock, turns: Turns, inventory: Inventory
):
    cloud.put(*(box(n) for n in range(5)))
    collector = collect()
    collector.share(turns)
    assert collector.tick(clock())
    assert turns.taken == [0, 1, 2]
    assert len(inventory.all("box")) == 5


def test_a_reading_by_id_waits_for_one_too(collect: Make, cloud: Cloud, clock: Clock, turns: Turns):
    cloud.put(box(1, "packing"))
    collector = collect()
    collector.tick(clock())
    collector.share(turns)
    clock.move(3)
    assert collector.tick(clock())
    assert cloud.reads
    assert len(turns.taken) == 1


def test_a_kind_that_nobody_else_reads_waits_for_nothing(
    collect: Make, cloud: Cloud, clock: Clock, turns: Turns
):
    cloud.put(box(1))
    turns.kinds = ("another",)
    collector = collect()
    collector.share(turns)
    assert collector.tick(clock())
    assert cloud.calls
    assert turns.taken == []


def test_what_a_person_waits_for_is_read_at_once(collect: Make, cloud: Cloud, turns: Turns):
    cloud.put(box(1))
    collector = collect()
    collector.share(turns)
    assert collector.reread("box", ACCOUNT, HERE, ["box-1"])
    assert turns.taken == []


def test_one_refresh_at_a_time_waits_for_turns_and_others_are_made_meanwhile(
    collect: Make, cloud: Cloud, clock: Clock, turns: Turns
):
    collector = collect(regions=(HERE, THERE), kinds=("box", "crate"), collectors=8)
    collector.share(turns)
    running: list[str] = []

    def others() -> None:
        turns.meanwhile = lambda: running.append("a second one")
        while collector.tick(clock()):
            running.append("a crate's")

    turns.meanwhile = others
    while not turns.taken:
        assert collector.tick(clock())
    assert "a second one" not in running
    assert running


def test_who_waits_for_a_turn_when_the_end_comes_asks_no_more(
    collect: Make, cloud: Cloud, clock: Clock, turns: Turns, inventory: Inventory
):
    cloud.put(box(1))
    collector = collect()
    collector.share(turns)
    turns.meanwhile = collector.stop
    assert collector.tick(clock()) is False
    assert cloud.calls == []
    [place] = inventory.freshness("box")
    assert place.error is None, "to be stopped is no failure"
