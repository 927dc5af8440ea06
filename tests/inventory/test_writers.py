"""Several processes write one kind at the same moment, which only PostgreSQL lets them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select

from app.inventory import Inventory, budget
from app.inventory.query import Query
from app.inventory.store import Scope
from app.inventory.tables import changes, documents, kinds, resources
from app.inventory.timeline import ActivityQuery
from tests.databases import open_engine, patient
from tests.inventory.boxes import ACCOUNT, HERE, NOON, THERE, Clock, Cloud, box, make_resource

DATABASES = ("postgresql",)
PROCESSES = 4
BOXES = ("box", ACCOUNT, HERE)
RESOURCES = {"box": make_resource(Cloud().listing()), "crate": make_resource(kind="crate")}


@pytest.fixture
def inventories(database_url: str, clock: Clock) -> Iterator[list[Inventory]]:
    """One for each of some processes, with connections of its own."""
    engines = [open_engine(database_url) for _ in range(PROCESSES)]
    for engine in engines:
        patient(engine)
    yield [Inventory(engine, RESOURCES, clock) for engine in engines]
    for engine in engines:
        engine.dispose()


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """Do all of these at the same moment; what each gives. Raises what one of them raises."""
    ready = threading.Barrier(len(deeds))

    def do(deed: Callable[[], object]) -> object:
        ready.wait(60)
        return deed()

    with ThreadPoolExecutor(len(deeds)) as threads:
        return [each.result(300) for each in [threads.submit(do, deed) for deed in deeds]]


def count(engine: Engine, statement: object) -> list[object]:
    with engine.connect() as connection:
        return sorted(connection.scalars(statement))  # type: ignore[call-overload]


def test_what_all_find_new_is_written_once(
    inventories: list[Inventory], engine: Engine, clock: Clock
):
    inventories[0].store_all(*BOXES, [[]], clock())
    found = [box(number) for number in range(100)]
    at_once(*(lambda each=each: each.store(*BOXES, found, NOON, "read") for each in inventories))
    for each in inventories:
        assert each.page("box", Query()).total == 100
    assert count(engine, select(func.count()).select_from(documents)) == [100]
    told = inventories[0].activity(ActivityQuery(), limit=1000)
    assert len({change.id for change in told}) == len(told) == 100


def test_the_first_to_write_a_kind_may_be_several(inventories: list[Inventory], clock: Clock):
    at_once(*(lambda each=each: each.store(*BOXES, [box(1)], NOON) for each in inventories))
    assert [each.page("box", Query()).total for each in inventories] == [1] * PROCESSES
    at_once(*(lambda each=each: each.ask("crate") for each in inventories))


def test_of_several_that_want_a_scopes_first_refresh_one_gets_it(
    inventories: list[Inventory], clock: Clock
):
    names = [f"process-{number}" for number in range(PROCESSES)]
    scope, now = Scope(*BOXES), clock()
    got = at_once(
        *(
            lambda each=each, name=name: each.claim(scope, name, now)
            for each, name in zip(inventories, names, strict=True)
        )
    )
    assert sorted(map(bool, got)) == [False] * (PROCESSES - 1) + [True]


def test_a_budget_is_not_overdrawn_from_its_first_call_on(
    inventories: list[Inventory], clock: Clock
):
    key, limit = budget.Key(ACCOUNT, HERE, "ec2:DescribeBoxes"), budget.Limit(20, 5)

    def spend(inventory: Inventory) -> int:
        return sum(inventory.reserve(key, limit, 3, clock())[0] for _ in range(10))

    taken = at_once(*(lambda each=each: spend(each) for each in inventories))
    assert sum(int(str(each)) for each in taken) == 20


def test_an_index_that_is_read_meanwhile_misses_nothing(
    inventories: list[Inventory], engine: Engine, clock: Clock
):
    *writers, reader = inventories
    ended = threading.Event()

    def write(inventory: Inventory, first: int) -> None:
        for step in range(25):
            some = [box(first + number, ["ready", "broken"][step % 2]) for number in range(20)]
            inventory.store(*BOXES, some, NOON + timedelta(seconds=step), "read")
            gone = [f"box-{first + number}" for number in range(step)]
            inventory.forget(*BOXES, gone, NOON + timedelta(seconds=step))

    def read() -> None:
        while not ended.is_set():
            reader.page("box", Query())

    def all_write() -> None:
        try:
            at_once(
                *(
                    lambda each=each, first=first: write(each, first)
                    for first, each in zip((0, 10, 1000), writers, strict=True)
                )
            )
        finally:
            ended.set()

    at_once(read, all_write)
    with engine.connect() as connection:
        there = select(resources.c.id).where(resources.c.gone_at.is_(None))
        known = set(connection.scalars(there))
    seen = {row.id for row in reader.page("box", Query(per_page=100)).rows}
    assert seen == known


def test_the_changes_of_a_kind_are_in_the_order_of_its_revisions(
    inventories: list[Inventory], engine: Engine, clock: Clock
):
    inventories[0].store_all(*BOXES, [[]], clock())

    def write(inventory: Inventory, first: int) -> None:
        for number in range(first, first + 30):
            inventory.store(*BOXES, [box(number)], NOON, "read")

    at_once(*(lambda e=e, n=n: write(e, 100 * n) for n, e in enumerate(inventories)))
    by_revision = select(changes.c.seq).join(resources, resources.c.id == changes.c.id)
    with engine.connect() as connection:
        seqs = list(connection.scalars(by_revision.order_by(resources.c.changed)))
        assert seqs == sorted(seqs)
        assert len(seqs) == 30 * PROCESSES
        last = select(func.max(resources.c.changed))
        assert connection.scalar(select(kinds.c.revision)) == connection.scalar(last)


def test_writing_losing_acting_and_sweeping_do_not_wait_for_each_other_in_a_ring(
    inventories: list[Inventory], clock: Clock
):
    first, second, third, fourth = inventories
    ids = [f"box-{number}" for number in range(40)]
    places = [BOXES, ("box", ACCOUNT, THERE)]

    def rounds(deed: Callable[[int], object]) -> Callable[[], None]:
        def do() -> None:
            for step in range(20):
                deed(step)

        return do

    def store(step: int) -> None:
        some = [box(number, ["ready", "broken"][step % 2]) for number in range(40)]
        first.store(*places[step % 2], some[:: 1 if step % 3 else -1], NOON)

    at_once(
        rounds(store),
        rounds(lambda step: second.forget(*places[step % 2], ids[::-1], NOON + timedelta(hours=1))),
        rounds(lambda step: third.acted(*places[step % 2], ids, f"deed-{step}", NOON)),
        rounds(lambda _: fourth.sweep(timedelta(seconds=-7200))),
    )
    for each in inventories:
        assert each.counts()["box"] == inventories[0].counts()["box"]
