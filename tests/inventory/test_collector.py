from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from app.aws.errors import AwsError, Trouble
from app.inventory import Collector, Inventory
from tests.inventory.boxes import (
    ACCOUNT,
    HERE,
    NOON,
    THERE,
    BoxAccounts,
    Clock,
    Cloud,
    box,
    trouble,
)

Make = Callable[..., Collector]


def settle(collector: Collector, clock: Clock, most: int = 50) -> int:
    """Tick until there is nothing to do; returns how often there was."""
    for count in range(most):
        if not collector.tick(clock()):
            return count
    raise AssertionError("the collector finds no rest")


def let(collector: Collector, clock: Clock, seconds: float, step: float = 0.5) -> None:
    """Let time pass, ticking as the background thread would."""
    for _ in range(int(seconds / step)):
        clock.move(step)
        settle(collector, clock)


def failing(*calls: str, kind: Trouble) -> Callable[[str], None]:
    """A ``fail`` that lets calls which begin with one of these words fail."""

    def fail(call: str) -> None:
        if call.startswith(calls):
            raise trouble(kind)

    return fail


def ids(inventory: Inventory) -> list[str]:
    return [row.id for row in inventory.all("box")]


def test_at_the_start_everything_is_collected_once(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1), box(2), box(3))
    cloud.put(box(4), region=THERE)
    collector = collect(regions=(HERE, THERE))
    assert settle(collector, clock) == 2
    assert ids(inventory) == ["box-1", "box-2", "box-3", "box-4"]
    assert [(place.region, place.seen_at) for place in inventory.freshness("box")] == [
        (THERE, NOON),
        (HERE, NOON),
    ]


def test_what_nobody_looks_at_is_refreshed_seldom(collect: Make, cloud: Cloud, clock: Clock):
    cloud.put(box(1))
    collector = collect()
    settle(collector, clock)
    cloud.calls.clear()
    let(collector, clock, 1190, step=5)
    assert cloud.calls.count(f"pages {HERE}") == 1


def test_what_somebody_looks_at_is_refreshed_often(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1))
    collector = collect()
    settle(collector, clock)
    cloud.calls.clear()
    inventory.want("box")
    inventory.note_wanted()
    let(collector, clock, 31)
    assert cloud.calls.count(f"pages {HERE}") == 2
    let(collector, clock, 120)  # nobody looks any more
    assert cloud.calls.count(f"pages {HERE}") == 2


def test_a_kind_that_is_looked_at_comes_before_one_that_is_not(
    engine: Engine, collect: Make, cloud: Cloud, clock: Clock
):
    collector = collect(kinds=("box", "crate"))
    settle(collector, clock)
    clock.move(700)
    inventory = collector._inventory
    inventory.want("crate")
    collector.tick(clock())
    [box_place], [crate_place] = inventory.freshness("box"), inventory.freshness("crate")
    assert crate_place.seen_at == clock()
    assert box_place.seen_at == NOON


def test_a_refresh_that_is_asked_for_comes_with_the_next_tick(
    collect: Make, cloud: Cloud, clock: Clock
):
    collector = collect()
    settle(collector, clock)
    cloud.calls.clear()
    clock.move(1)
    collector.refresh("box")
    assert settle(collector, clock) == 1
    assert f"pages {HERE}" in cloud.calls


def test_what_is_changing_is_read_again_every_few_seconds_until_it_is_not(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1, "packing"), box(2))
    collector = collect()
    settle(collector, clock)
    cloud.reads.clear()
    let(collector, clock, 9)
    assert cloud.reads == [("box-1",)] * 3
    cloud.put(box(1, "ready"))
    let(collector, clock, 9)
    assert cloud.reads == [("box-1",)] * 4
    assert inventory.changing() == []


def test_many_that_change_are_read_by_the_200(collect: Make, cloud: Cloud, clock: Clock):
    cloud.page_size = 1000
    cloud.put(*(box(f"{n:03}", "packing") for n in range(450)))
    collector = collect()
    settle(collector, clock)
    cloud.reads.clear()
    clock.move(3)
    settle(collector, clock)
    assert sorted(map(len, cloud.reads)) == [50, 200, 200]
    assert len({one for some in cloud.reads for one in some}) == 450


def test_one_call_reads_all_that_changes_in_a_region(collect: Make, cloud: Cloud, clock: Clock):
    cloud.put(*(box(n, "packing") for n in range(5)))
    cloud.put(box(9, "packing"), region=THERE)
    collector = collect(regions=(HERE, THERE))
    settle(collector, clock)
    cloud.reads.clear()
    clock.move(3)
    settle(collector, clock)
    assert sorted(map(len, cloud.reads)) == [1, 5]


def test_what_changes_is_read_even_while_a_long_refresh_runs(
    collect: Make, cloud: Cloud, clock: Clock
):
    cloud.put(box(0, "packing"), *(box(n) for n in range(1, 9)))
    collector = collect()
    settle(collector, clock)
    cloud.reads.clear()

    def another_thread_ticks() -> None:
        assert collector.tick(clock.move(4))

    cloud.meanwhile = another_thread_ticks
    clock.move(800)
    assert collector.tick(clock())  # what changes comes first
    assert collector.tick(clock())
    assert len(cloud.reads) == 6  # each of five pages took longer than it is to wait


def test_what_an_action_touched_is_read_at_once_and_again_while_aws_settles(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1))
    collector = collect()
    settle(collector, clock)
    cloud.put(box(1, "broken", name="late"))
    [row] = collector.reread("box", ACCOUNT, HERE, ["box-1"])
    assert (row.state, row.name) == ("broken", "late")
    cloud.reads.clear()
    let(collector, clock, 120)
    assert cloud.reads == [("box-1",)] * 5


def test_nothing_is_read_for_no_ids(collect: Make, cloud: Cloud):
    assert collect().reread("box", ACCOUNT, HERE, []) == []
    assert cloud.calls == []


def test_what_is_found_absent_right_after_it_was_made_stays(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    collector = collect()
    settle(collector, clock)
    inventory.store("box", ACCOUNT, HERE, [box(1, "packing")], clock())
    [row] = collector.reread("box", ACCOUNT, HERE, ["box-1"])
    assert row.state == "packing"
    let(collector, clock, 10)
    assert ids(inventory) == ["box-1"]
    cloud.put(box(1, "ready"))
    let(collector, clock, 10)
    assert inventory.counts() == {"box": {"ready": 1}}


def test_what_was_made_but_never_came_is_gone_after_a_minute(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    collector = collect()
    settle(collector, clock)
    inventory.store("box", ACCOUNT, HERE, [box(1, "packing")], clock())
    let(collector, clock, 70)
    assert ids(inventory) == []


def test_what_is_shown_and_then_not_within_a_minute_of_its_making_stays(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    collector = collect()
    settle(collector, clock)
    inventory.store("box", ACCOUNT, HERE, [box(1)], clock())
    cloud.put(box(1))
    collector.reread("box", ACCOUNT, HERE, ["box-1"])
    cloud.remove("box-1")  # another of AWS's servers answers, which has not heard of it yet
    clock.move(1)
    assert collector.reread("box", ACCOUNT, HERE, ["box-1"])
    cloud.put(box(1))
    let(collector, clock, 10)
    assert ids(inventory) == ["box-1"]


def test_what_has_been_there_for_long_and_is_absent_is_gone_at_once(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1))
    collector = collect()
    settle(collector, clock)
    cloud.remove("box-1")
    clock.move(1)
    assert collector.reread("box", ACCOUNT, HERE, ["box-1"]) == []
    row = inventory.get("box", "box-1")
    assert row is not None
    assert row.gone


def test_what_was_deleted_does_not_come_back_though_aws_shows_it_for_a_while(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1, "packing"), box(2))
    collector = collect()
    settle(collector, clock)
    clock.move(20)
    inventory.forget("box", ACCOUNT, HERE, ["box-1"], clock())
    collector.reread("box", ACCOUNT, HERE, ["box-1"])
    collector.refresh("box")
    let(collector, clock, 30)
    assert ids(inventory) == ["box-2"]
    cloud.remove("box-1")
    let(collector, clock, 700, step=5)
    assert ids(inventory) == ["box-2"]


def test_something_changing_that_vanishes_is_gone(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1, "packing"), box(2))
    collector = collect()
    settle(collector, clock)
    cloud.remove("box-1")
    let(collector, clock, 4)
    assert ids(inventory) == ["box-2"]


def test_a_failed_reread_is_told_to_who_asked(collect: Make, cloud: Cloud, clock: Clock):
    collector = collect()
    settle(collector, clock)
    cloud.fail = failing("read", kind="refused")
    with pytest.raises(AwsError):
        collector.reread("box", ACCOUNT, HERE, ["box-1"])


def test_a_refresh_that_fails_is_noted_and_blanks_nothing(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1), box(2), box(3))
    cloud.put(box(4), region=THERE)
    collector = collect(regions=(HERE, THERE))
    settle(collector, clock)
    cloud.fail = failing(f"page 2 {HERE}", kind="refused")
    cloud.put(box(5), region=THERE)
    revision = inventory.revision("box")
    clock.move(1)
    collector.refresh("box")
    settle(collector, clock)
    there, here = inventory.freshness("box")
    assert there.error is None
    assert there.seen_at == clock()
    assert here.error is not None
    assert (here.error.code, here.error.at) == ("Refused", clock())
    assert here.error.plain == "It did not work."
    assert "box:List" in here.error.advice
    assert (here.seen_at, here.count, here.trying) == (NOON, 3, False)
    assert ids(inventory) == ["box-1", "box-2", "box-3", "box-4", "box-5"]
    assert inventory.revision("box") != revision
    cloud.fail = lambda call: None
    let(collector, clock, 60)
    assert [place.error for place in inventory.freshness("box")] == [None, None]


@pytest.mark.parametrize("kind", ["unreachable", "uncertain"])
def test_trouble_with_a_region_slows_everything_there_and_nothing_elsewhere(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock, kind: Trouble
):
    cloud.fail = failing(f"pages {HERE}", f"read {HERE}", kind=kind)
    cloud.put(box(1, "packing"), region=THERE)
    collector = collect(regions=(HERE, THERE), kinds=("box", "crate"))
    settle(collector, clock)
    let(collector, clock, 60)
    tried = [call for call in cloud.calls if call.startswith(("pages", "read")) and HERE in call]
    assert 3 <= len(tried) <= 6
    assert cloud.calls.count(f"read {THERE}") >= 15
    assert collector._inventory.freshness("crate")


def test_pauses_grow_up_to_minutes_and_end_with_the_trouble(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.fail = failing("pages", kind="refused")
    collector = collect()
    let(collector, clock, 3600, step=2)
    assert 12 <= cloud.calls.count(f"pages {HERE}") <= 17
    cloud.fail = lambda call: None
    cloud.put(box(1))
    let(collector, clock, 301, step=1)
    assert ids(inventory) == ["box-1"]


def test_with_no_account_known_there_is_nothing_to_do(collect: Make, cloud: Cloud, clock: Clock):
    assert not collect(accounts=()).tick(clock())
    assert cloud.calls == []


def test_while_an_account_is_unknown_nothing_is_given_up(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1))
    settle(collect(), clock)
    without = collect(accounts=())
    assert isinstance(without._accounts, BoxAccounts)
    without._accounts.complete = False
    settle(without, clock)
    assert ids(inventory) == ["box-1"]
    without._accounts.complete = True
    settle(without, clock)
    assert ids(inventory) == []


def test_without_credentials_it_tries_every_half_minute_and_says_so(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.fail = failing("pages", kind="credentials")
    cloud.put(box(1))
    collector = collect(regions=(HERE, THERE))
    let(collector, clock, 89)
    assert sorted(cloud.calls) == [f"pages {THERE}"] * 3 + [f"pages {HERE}"] * 3
    assert [place.error and place.error.code for place in inventory.freshness("box")] == [
        "Credentials",
        "Credentials",
    ]
    cloud.fail = lambda call: None
    let(collector, clock, 31)
    assert ids(inventory) == ["box-1"]
    assert [place.error for place in inventory.freshness("box")] == [None, None]


def test_credentials_that_expire_leave_the_lists_as_they_were(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1, "packing"))
    collector = collect()
    settle(collector, clock)
    cloud.fail = failing("pages", "read", kind="credentials")
    cloud.calls.clear()
    let(collector, clock, 60)
    assert ids(inventory) == ["box-1"]
    assert len(cloud.calls) <= 3


def test_another_account_or_other_regions_take_the_place_of_the_former(
    engine: Engine, collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1))
    cloud.put(box(2), region=THERE)
    settle(collect(regions=(HERE, THERE)), clock)
    clock.move(1)
    settle(collect(regions=(THERE,)), clock)
    assert ids(inventory) == ["box-2"]
    assert [place.region for place in inventory.freshness("box")] == [THERE]


def test_an_error_of_our_own_is_shown_and_raised_and_does_not_stop_the_rest(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    def fail(call: str) -> None:
        if call == f"pages {HERE}":
            raise RuntimeError("a bug")

    cloud.fail = fail
    cloud.put(box(4), region=THERE)
    collector = collect(regions=(HERE, THERE))
    with pytest.raises(RuntimeError, match="a bug"):
        collector.tick(clock())
    settle(collector, clock)
    there, here = inventory.freshness("box")
    assert there.count == 1
    assert here.error is not None
    assert here.error.code == "RuntimeError"
    assert not here.trying


def test_two_collectors_share_the_refreshes(collect: Make, cloud: Cloud, clock: Clock):
    cloud.put(box(1), box(2), box(3))
    first, second = collect(), collect()
    worked: list[bool] = []
    first.tick(clock())
    clock.move(800)

    def at_the_same_time() -> None:
        cloud.meanwhile = lambda: None
        worked.append(second.tick(clock()))

    cloud.meanwhile = at_the_same_time
    cloud.calls.clear()
    first.tick(clock())
    assert worked == [False]
    assert cloud.calls.count(f"pages {HERE}") == 1


def test_the_claim_of_a_collector_that_died_runs_out(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1))

    def die(call: str) -> None:
        raise KeyboardInterrupt

    cloud.fail = die
    with pytest.raises(KeyboardInterrupt):
        collect().tick(clock())
    [place] = inventory.freshness("box")
    assert place.trying
    cloud.fail = lambda call: None
    other = collect()
    assert not other.tick(clock())
    clock.move(31)
    assert other.tick(clock())
    assert ids(inventory) == ["box-1"]


def test_a_refresh_that_takes_longer_than_a_claim_renews_it(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(*(box(n) for n in range(10)))
    other = collect()
    worked = []
    read = []

    def a_page_takes_a_while() -> None:
        worked.append(other.tick(clock.move(20)))
        read.append(inventory.freshness("box")[0].read_count)

    cloud.meanwhile = a_page_takes_a_while
    settle(collect(), clock)
    assert worked == [False] * 5
    assert read == [0, 2, 4, 6, 8]
    assert len(ids(inventory)) == 10


def test_a_clock_that_is_set_back_stops_nothing(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1, "packing"))
    collector = collect()
    settle(collector, clock)
    clock.move(-86400)
    cloud.put(box(1, "ready"), box(2))
    inventory.want("box")
    inventory.note_wanted()
    let(collector, clock, 20)
    assert inventory.counts() == {"box": {"ready": 2}}


def test_a_clock_that_goes_back_and_forth_by_hours_stalls_nothing_for_long(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1, "packing"))
    collector = collect()
    for number, hours in enumerate((-5, 9, -1, 30, -48), start=2):
        clock.move(hours * 3600)
        cloud.put(box(number))
        inventory.ask("box")
        let(collector, clock, 6)
        assert len(ids(inventory)) == number
        cloud.reads.clear()
        let(collector, clock, 6)
        assert cloud.reads == [("box-1",)] * 2


def test_what_has_long_been_gone_is_forgotten(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1), box(2))
    collector = collect(keep_days=7)
    settle(collector, clock)
    cloud.remove("box-1")
    clock.move(800)
    settle(collector, clock)
    assert inventory.get("box", "box-1") is not None
    clock.move(8 * 86400)
    settle(collector, clock)
    assert inventory.get("box", "box-1") is None
    assert inventory.get("box", "box-2") is not None
