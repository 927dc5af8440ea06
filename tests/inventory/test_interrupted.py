"""Slow regions, a locked database, a process that is stopped or killed: nothing is lost."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from app.db import make_engine
from app.db import now as present
from app.inventory import Collector, Inventory
from app.settings import Settings
from tests.databases import impatient, lock
from tests.inventory.boxes import (
    HERE,
    NOON,
    THERE,
    BoxAccounts,
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


def truth(cloud: Cloud) -> dict[str, str]:
    return {box_id: each["State"] for box_id, each in cloud.boxes[HERE].items()}


@pytest.fixture
def filled(collect: Make, cloud: Cloud, clock: Clock) -> Collector:
    """A collector that has collected twelve boxes, two on a page."""
    cloud.put(*(box(n) for n in range(10, 22)))
    collector = collect()
    settle(collector, clock)
    clock.move(800)
    return collector


def test_a_slow_region_delays_no_other(engine: Engine, cloud: Cloud, tmp_path: Path):
    answer = threading.Event()

    def slow(call: str) -> None:
        if THERE in call:
            answer.wait(600)

    cloud.fail = slow
    cloud.put(*(box(n) for n in range(4)))
    kinds = [f"box{n}" for n in range(8)]
    resources = {kind: make_resource(kind=kind) for kind in kinds}
    inventory = Inventory(engine, resources)
    accounts = BoxAccounts(cloud, (HERE, THERE))
    collector = Collector(inventory, accounts, resources, Settings(regions=(HERE, THERE)))
    ending = threading.Event()

    def work() -> None:
        while not ending.is_set():
            if not collector.tick(present()):
                ending.wait(0.05)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        until = time.monotonic() + 60
        while any(_seen(inventory, kind)[HERE] is None for kind in kinds):
            assert time.monotonic() < until, "the slow region has every thread"
            time.sleep(0.05)
        assert all(_seen(inventory, kind)[THERE] is None for kind in kinds)
    finally:
        answer.set()
        ending.set()
        collector.stop()
        for thread in threads:
            thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def _seen(inventory: Inventory, kind: str) -> dict[str, object]:
    seen: dict[str, object] = {HERE: None, THERE: None}
    return seen | {place.region: place.seen_at for place in inventory.freshness(kind)}


def _url(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def test_a_locked_database_fails_the_tick_and_afterwards_all_is_true(
    engine: Engine, filled: Collector, inventory: Inventory, cloud: Cloud, clock: Clock
):
    impatient(engine)
    other = make_engine(_url(engine))
    cloud.remove("box-10")
    cloud.put(box(30))
    with other.connect() as connection:
        lock(connection)
        for _ in range(3):
            clock.move(40)
            with pytest.raises(OperationalError, match="lock"):
                filled.tick(clock())
        assert len(inventory.all("box")) == 12
    other.dispose()
    clock.move(60)
    settle(filled, clock)
    assert states(inventory) == truth(cloud)


def test_a_database_that_is_locked_in_the_middle_of_a_refresh_loses_nothing(
    engine: Engine, filled: Collector, inventory: Inventory, cloud: Cloud, clock: Clock
):
    impatient(engine)
    other = make_engine(_url(engine)).connect()
    cloud.put(*(box(n, "broken") for n in range(10, 22)))

    def lock_at_the_third_page() -> None:
        if cloud.calls[-1] == f"page 3 {HERE}":
            lock(other)

    cloud.meanwhile = lock_at_the_third_page
    with pytest.raises(OperationalError, match="lock"):
        settle(filled, clock)
    other.close()
    other.engine.dispose()
    cloud.meanwhile = lambda: None
    assert sum(state == "broken" for state in states(inventory).values()) == 4
    clock.move(16)
    settle(filled, clock)  # its own claim does not keep it from that
    assert states(inventory) == truth(cloud)
    for box_id in states(inventory):
        assert [change.after for change in inventory.timeline("box", box_id)] == ["broken"]


KILLED = """
    import sys, time
    from app.db import make_engine
    from app.inventory import Collector, Inventory
    from app.settings import Settings
    from tests.inventory.boxes import HERE, BoxAccounts, Clock, Cloud, box, make_resource

    clock, cloud = Clock(), Cloud()
    clock.move(800)
    cloud.put(*(box(n, "broken") for n in range(10, 34)))

    def wait_to_be_killed():
        if cloud.calls[-1] == f"page 7 {HERE}":
            print("page 7", flush=True)
            time.sleep(600)

    cloud.meanwhile = wait_to_be_killed
    resources = {"box": make_resource()}
    inventory = Inventory(make_engine(sys.argv[1]), resources, clock)
    Collector(inventory, BoxAccounts(cloud), resources, Settings(), clock.move).tick(clock())
"""


def test_a_process_that_is_killed_in_the_middle_of_a_refresh_deletes_nothing(
    engine: Engine, collect: Make, inventory: Inventory, cloud: Cloud, clock: Clock
):
    cloud.put(*(box(n) for n in range(10, 34)))
    settle(collect(), clock)
    clock.move(800)
    command = [sys.executable, "-c", textwrap.dedent(KILLED), _url(engine)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "page 7\n"
        process.kill()
    assert len(states(inventory)) == 24
    assert sum(state == "broken" for state in states(inventory).values()) == 12
    [place] = inventory.freshness("box")
    assert place.trying  # its claim has not run out yet
    cloud.put(*(box(n, "broken") for n in range(10, 34)))
    other = collect()
    settle(other, clock)
    assert inventory.freshness("box")[0].seen_at == NOON
    clock.move(61)
    settle(other, clock)
    assert states(inventory) == truth(cloud)
    seen_at = inventory.freshness("box")[0].seen_at
    assert seen_at is not None
    assert clock() - seen_at < timedelta(seconds=5)


def test_a_collector_that_is_stopped_gives_its_claims_back_and_notes_no_failure(
    filled: Collector, inventory: Inventory, cloud: Cloud, clock: Clock, collect: Make
):
    cloud.meanwhile = filled.stop
    assert not filled.tick(clock())
    [place] = inventory.freshness("box")
    assert (place.trying, place.error, place.count) == (False, None, 12)
    assert not filled.tick(clock())
    cloud.meanwhile = lambda: None
    clock.move(16)
    assert collect().tick(clock())
    assert inventory.freshness("box")[0].seen_at == clock()
