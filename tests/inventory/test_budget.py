from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
from sqlalchemy import Engine, select

from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.inventory import Collector, Inventory
from app.inventory.budget import LOT, PATIENCE, Budget, Budgeted, Key, Limit, limit_of
from app.inventory.schedule import Pace
from app.inventory.tables import budgets
from tests.inventory.boxes import ACCOUNT, HERE, THERE, Clock, Cloud, box, trouble

Make = Callable[..., Collector]
LIST = Key(ACCOUNT, HERE, "ec2:DescribeVolumes")
LIMIT = limit_of(LIST.operation)


class Waiting:
    """Waits by moving the clock; knows for how long."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seconds = 0.0

    def __call__(self, seconds: float) -> None:
        self.seconds += seconds
        self.clock.move(seconds)


@pytest.fixture
def waiting(clock: Clock) -> Waiting:
    return Waiting(clock)


@pytest.fixture
def budget(inventory: Inventory, waiting: Waiting) -> Budget:
    return Budget(inventory, waiting)


def calls_in(budget: Budget, clock: Clock, seconds: float, key: Key = LIST) -> int:
    """How many calls are made in so many seconds by who makes them as fast as it may."""
    end = clock.present.timestamp() + seconds
    count = 0
    while True:
        budget.take(key)
        if clock.present.timestamp() >= end:
            return count
        count += 1


def rate(engine: Engine) -> float:
    with engine.connect() as connection:
        return float(connection.scalars(select(budgets.c.rate)).one())


def test_the_first_calls_are_made_at_once_and_then_five_a_second(
    budget: Budget, waiting: Waiting, clock: Clock
):
    for _ in range(int(LIMIT.bucket)):
        budget.take(LIST)
    assert waiting.seconds == 0
    assert calls_in(budget, clock, 100) == pytest.approx(100 * LIMIT.rate, abs=LOT)


def test_never_more_than_a_quarter_of_what_aws_allows(budget: Budget, clock: Clock):
    # AWS: a bucket of 100, 20 a second
    for pause in (0, 1, 4, 60, 0):
        clock.move(pause)
        assert calls_in(budget, clock, 10) <= 25 + 10 * 5


def test_what_tags_are_read_by_has_a_smaller_one(budget: Budget, clock: Clock):
    tags = Key(ACCOUNT, HERE, "sns:ListTagsForResource")
    assert calls_in(budget, clock, 10, tags) <= 2.5 + 10 * 2.5 + LOT


def test_two_processes_share_a_budget(
    budget: Budget, inventory: Inventory, waiting: Waiting, clock: Clock
):
    other = Budget(inventory, waiting)
    begun = clock.present
    for _ in range(100):
        budget.take(LIST)
        other.take(LIST)
    spent = (clock.present - begun).total_seconds()
    assert LIMIT.bucket + LOT + spent * LIMIT.rate >= 200


def test_regions_accounts_and_operations_have_budgets_of_their_own(
    budget: Budget, waiting: Waiting
):
    for _ in range(int(LIMIT.bucket)):
        budget.take(LIST)
        budget.take(LIST._replace(region=THERE))
        budget.take(LIST._replace(account="210987654321"))
        budget.take(LIST._replace(operation="ec2:DescribeImages"))
    assert waiting.seconds == 0


def test_several_calls_are_taken_with_one_write(budget: Budget, inventory: Inventory):
    taken = []
    reserve = inventory.reserve

    def count(key: Key, limit: Limit, wanted: int, now: object) -> tuple[int, float]:
        taken.append(key)
        return reserve(key, limit, wanted, now)  # type: ignore[arg-type]

    inventory.reserve = count  # type: ignore[method-assign]
    for _ in range(LOT * 3):
        budget.take(LIST)
    assert len(taken) == 3


def test_being_throttled_halves_the_rate_down_to_a_floor(
    budget: Budget, engine: Engine, clock: Clock
):
    rates = []
    for _ in range(6):
        budget.slow_down(LIST)
        rates.append(rate(engine))
    assert rates == [2.5, 1.25, 0.625, 0.3125, 0.3125, 0.3125]
    assert calls_in(budget, clock, 50) == pytest.approx(50 * 0.3125, abs=1)


def test_the_rate_recovers_minute_by_minute(budget: Budget, engine: Engine, clock: Clock):
    for _ in range(3):
        budget.slow_down(LIST)
    rates = []
    for _ in range(5):
        clock.move(61)
        budget.take(LIST)
        rates.append(rate(engine))
    assert rates == [1.25, 2.5, 5, 5, 5]


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_clock_that_is_set_stalls_no_call(
    budget: Budget, waiting: Waiting, clock: Clock, hours: int
):
    budget.slow_down(LIST)
    clock.move(hours * 3600)
    for _ in range(3):
        budget.take(LIST)
    assert waiting.seconds < 2


def test_what_botocore_repeated_by_itself_is_counted_too(budget: Budget, clock: Clock):
    class Repeating:
        def send(self, *_: object) -> dict[str, object]:
            return {"ResponseMetadata": {"RetryAttempts": 4}}

    clients = Budgeted(cast(Clients, Repeating()), ACCOUNT, budget, Pace())
    begun = clock.present
    for _ in range(40):
        clients.send("ec2", "DescribeVolumes", {}, HERE, "read")
    assert (clock.present - begun).total_seconds() >= (40 * 5 - LIMIT.bucket - LOT) / LIMIT.rate


def test_a_refresh_stays_within_its_budget(collect: Make, cloud: Cloud, clock: Clock):
    cloud.page_size = 1
    cloud.put(*(box(n) for n in range(100)))
    begun = clock.present
    assert collect().tick(clock())
    pages = sum(call.startswith("page ") for call in cloud.calls)
    spent = (clock.present - begun).total_seconds()
    assert pages == 100
    assert spent >= (100 - 10 - LOT) / 5


def test_what_a_person_waits_for_is_not_counted(collect: Make, cloud: Cloud, clock: Clock):
    cloud.put(box(1))
    collector = collect()
    collector.tick(clock())
    begun = clock.present
    for _ in range(100):
        collector.reread("box", ACCOUNT, HERE, ["box-1"])
    assert clock.present == begun


def test_a_refresh_that_is_throttled_waits_and_goes_on_where_it_was(
    collect: Make, cloud: Cloud, clock: Clock, inventory: Inventory
):
    cloud.put(*(box(n) for n in range(10)))
    refused: list[str] = []

    def fail(call: str) -> None:
        if call.startswith("page ") and call not in refused:
            refused.append(call)
            raise trouble("throttled", "RequestLimitExceeded")

    cloud.fail = fail
    assert collect().tick(clock())
    assert len(inventory.all("box")) == 10
    [place] = inventory.freshness("box")
    assert place.error is None
    assert len(refused) == 5
    assert cloud.calls.count(f"page 1 {HERE}") == 2


def test_only_after_minutes_of_throttling_a_refresh_fails(
    collect: Make, cloud: Cloud, clock: Clock, inventory: Inventory
):
    def fail(call: str) -> None:
        raise trouble("throttled", "RequestLimitExceeded")

    cloud.fail = fail
    begun = clock.present
    assert collect().tick(clock())
    assert PATIENCE <= (clock.present - begun).total_seconds() <= 2 * PATIENCE
    [place] = inventory.freshness("box")
    assert place.error is not None
    assert place.error.code == "RequestLimitExceeded"
    assert len(cloud.calls) < 15


def test_a_person_is_told_of_throttling_at_once(collect: Make, cloud: Cloud, clock: Clock):
    def fail(call: str) -> None:
        raise trouble("throttled")

    cloud.fail = fail
    with pytest.raises(AwsError):
        collect().reread("box", ACCOUNT, HERE, ["box-1"])
    assert len(cloud.calls) == 1
