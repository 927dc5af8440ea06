"""What AWS does wrong: nothing is lost, nothing invented."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from app.aws.clients import Clients
from app.aws.errors import Trouble
from app.aws.listing import Description, Listing
from app.inventory import Collector, Inventory
from app.settings import Settings
from tests.inventory.boxes import (
    ACCOUNT,
    HERE,
    NOON,
    BoxAccounts,
    Clock,
    Cloud,
    box,
    make_resource,
    trouble,
)

DATABASES = ("sqlite",)  # the same on every one

Make = Callable[..., Collector]
OTHER = "210987654321"


def settle(collector: Collector, clock: Clock) -> None:
    while collector.tick(clock()):
        pass


def quiet(collector: Collector, clock: Clock) -> None:
    """Some undisturbed time, after which everything must be true."""
    for _ in range(3):
        clock.move(800)
        settle(collector, clock)


def states(inventory: Inventory) -> dict[str, str]:
    return {row.id: row.state for row in inventory.all("box")}


def truth(cloud: Cloud, where: str = HERE) -> dict[str, str]:
    return {box_id: each["State"] for box_id, each in cloud.boxes[where].items()}


def failing_once(*calls: str, kind: Trouble = "other", code: str = "") -> Callable[[str], None]:
    left = list(calls)

    def fail(call: str) -> None:
        if call in left:
            left.remove(call)
            raise trouble(kind, code)

    return fail


@pytest.fixture
def filled(collect: Make, cloud: Cloud, clock: Clock) -> Collector:
    """A collector that has collected twelve boxes, two on a page."""
    cloud.put(*(box(n) for n in range(10, 22)))
    collector = collect()
    settle(collector, clock)
    clock.move(800)
    return collector


def test_a_refresh_that_breaks_off_half_way_deletes_nothing(
    filled: Collector, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(10, "broken"))
    cloud.remove("box-21")
    before = set(states(inventory))
    cloud.fail = failing_once(f"page 5 {HERE}")
    settle(filled, clock)
    assert set(states(inventory)) == before
    assert states(inventory)["box-10"] == "broken"  # what came is believed
    [place] = inventory.freshness("box")
    assert place.error is not None
    assert place.seen_at == NOON
    quiet(filled, clock)
    assert states(inventory) == truth(cloud)
    assert [place.error for place in inventory.freshness("box")] == [None]


def test_a_page_token_that_has_expired_fails_the_refresh_and_the_next_one_begins_anew(
    filled: Collector, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.fail = failing_once(f"page 3 {HERE}", kind="invalid", code="InvalidNextToken")
    cloud.calls.clear()
    settle(filled, clock)
    assert len(states(inventory)) == 12
    quiet(filled, clock)
    assert cloud.calls.count(f"page 1 {HERE}") >= 2
    assert states(inventory) == truth(cloud)


def paged(cloud: Cloud, *pages: list[Description]) -> Listing:
    """A listing whose pages are these, whatever is there."""

    def listed(clients: Clients, region: str, account: str) -> Iterator[list[Description]]:
        yield from pages

    return Listing(listed, cloud.listing().read)


def collect_pages(engine: Engine, clock: Clock, cloud: Cloud, *pages: list[Description]) -> None:
    resources = {"box": make_resource(paged(cloud, *pages))}
    inventory = Inventory(engine, resources, clock)
    collector = Collector(
        inventory, BoxAccounts(cloud), resources, Settings(regions=(HERE,)), clock.move
    )
    settle(collector, clock)


def test_a_page_that_comes_twice_counts_once(
    engine: Engine, inventory: Inventory, clock: Clock, cloud: Cloud
):
    first, second = [box(1), box(2)], [box(3)]
    collect_pages(engine, clock, cloud, first, first, second, first)
    assert set(states(inventory)) == {"box-1", "box-2", "box-3"}
    assert inventory.counts() == {"box": {"ready": 3}}
    assert inventory.timeline("box", "box-1") == []


def test_an_empty_page_in_between_ends_nothing(
    engine: Engine, inventory: Inventory, clock: Clock, cloud: Cloud
):
    collect_pages(engine, clock, cloud, [], [box(1)], [], [box(2)], [])
    assert set(states(inventory)) == {"box-1", "box-2"}


def test_of_an_id_that_comes_twice_with_different_states_one_is_kept(
    engine: Engine, inventory: Inventory, clock: Clock, cloud: Cloud
):
    collect_pages(engine, clock, cloud, [box(1, "packing"), box(1, "ready")], [box(1, "ready")])
    assert states(inventory) == {"box-1": "ready"}


def test_descriptions_with_next_to_nothing_in_them_are_kept_as_they_are(
    engine: Engine, inventory: Inventory, clock: Clock, cloud: Cloud
):
    collect_pages(
        engine, clock, cloud, [{"BoxId": "box-1"}, {}, {"BoxId": "box-2", "Place": None}, box(3)]
    )
    assert states(inventory) == {"box-1": "", "box-2": "", "box-3": "ready"}


def test_a_state_that_nobody_knows_counts_as_changing_and_unknown_fields_do_no_harm(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1, "levitating", Aura={"Colour": ["mauve", None]}))
    collector = collect()
    settle(collector, clock)
    assert states(inventory) == {"box-1": "levitating"}
    cloud.reads.clear()
    clock.move(5)
    settle(collector, clock)
    assert cloud.reads == [("box-1",)]
    cloud.put(box(1, "ready"))
    clock.move(5)
    settle(collector, clock)
    assert states(inventory) == {"box-1": "ready"}


def test_an_operation_that_is_refused_shows_at_its_kind_and_the_others_go_on(
    engine: Engine, cloud: Cloud, clock: Clock
):
    def refused(clients: Clients, region: str, account: str) -> Iterator[list[Description]]:
        raise trouble("refused", "UnauthorizedOperation")

    cloud.put(box(1))
    resources = {
        "box": make_resource(),
        "crate": make_resource(Listing(refused, cloud.listing().read), "crate"),
    }
    inventory = Inventory(engine, resources, clock)
    settings = Settings(regions=(HERE,))
    collector = Collector(inventory, BoxAccounts(cloud), resources, settings, clock.move)
    settle(collector, clock)
    [crates], [boxes] = inventory.freshness("crate"), inventory.freshness("box")
    assert crates.error is not None
    assert crates.error.code == "UnauthorizedOperation"
    assert (boxes.error, boxes.count) == (None, 1)


def test_throttling_of_every_second_call_slows_a_refresh_and_fails_nothing(
    filled: Collector, inventory: Inventory, cloud: Cloud, clock: Clock
):
    calls: list[str] = []

    def every_second(call: str) -> None:
        if call.startswith("page "):
            calls.append(call)
            if len(calls) % 2:
                raise trouble("throttled", "RequestLimitExceeded")

    cloud.fail = every_second
    cloud.put(box(22))
    begun = clock.present
    settle(filled, clock)
    assert states(inventory) == truth(cloud)
    assert [place.error for place in inventory.freshness("box")] == [None]
    assert timedelta(seconds=10) < clock.present - begun < timedelta(minutes=5)


def test_one_account_without_credentials_shows_so_and_no_other_suffers(
    collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(box(1))
    cloud.put(box(2), account=OTHER)
    collector = collect(accounts=(ACCOUNT, OTHER))
    settle(collector, clock)

    def gone(call: str) -> None:
        if OTHER in call:
            raise trouble("credentials", "ExpiredToken")

    cloud.fail = gone
    cloud.put(box(3))
    cloud.put(box(4), account=OTHER)
    quiet(collector, clock)
    assert set(states(inventory)) == {"box-1", "box-2", "box-3"}
    ours, theirs = inventory.freshness("box")
    assert (ours.account, ours.error) == (ACCOUNT, None)
    assert theirs.error is not None
    assert theirs.error.code == "ExpiredToken"
    assert theirs.seen_at == NOON
    cloud.fail = lambda call: None
    quiet(collector, clock)
    assert set(states(inventory)) == {"box-1", "box-2", "box-3", "box-4"}
