"""The short form of the other trials of ``make torture``. Nobody is killed in any of them."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from tests.postgres import postgres_server
from tests.torture import trials
from tests.torture.arena import Arena, Stage

STOP_SECONDS = 10.0  # a stop takes no longer
LEASE_SECONDS = 20.0  # no lease is shorter: whoever is quicker did not wait for one


def test_a_lost_answer_repeats_its_notice_and_loses_none(hasty_sqlite: Arena) -> None:
    outcome = trials.lose_answers(hasty_sqlite, count=4, notices=20)
    assert outcome.verdict.wrong == []
    assert outcome.verdict.published > outcome.verdict.owed, "the answers were lost"


def test_clocks_that_step_by_hours_lose_and_repeat_nothing(arena: Arena) -> None:
    assert trials.step_clocks(arena, times=6).verdict.wrong == []


def test_a_process_that_stood_still_publishes_nothing_that_others_have(
    hasty_postgresql: Arena,
) -> None:
    outcome = trials.freeze(hasty_postgresql, notices=20)
    assert outcome.verdict.wrong == []


def test_a_stopped_process_leaves_its_work_to_others_at_once(arena: Arena) -> None:
    outcome = trials.stop(arena, notices=40)
    assert outcome.verdict.wrong == []
    assert outcome.stopped_s < STOP_SECONDS
    assert outcome.settled_s < LEASE_SECONDS


def test_a_postgresql_that_goes_away_loses_and_repeats_nothing(one_stage: Stage) -> None:
    with postgres_server(durable=True) as server:
        server.create("tortured")
        ways = iter((server.stop, server.kill))

        def befall() -> None:
            next(ways)()
            time.sleep(0.3)
            server.start()

        with one_stage.arena(server.local_url("tortured"), rate=2) as arena:
            outcome = trials.trouble(arena, befall, times=2, replicas=2)
    assert outcome.verdict.wrong == []


def test_a_full_disk_loses_and_repeats_nothing(
    one_stage: Stage, sqlite_url: str, tmp_path: Path
) -> None:
    limit = tmp_path / "pages"
    limit.write_text("")

    with one_stage.arena(sqlite_url, rate=2) as arena:
        full = partial(arena.rack.wrote, "database or disk is full")

        def fill() -> None:
            before = full()
            limit.write_text("1")  # as many as there are
            arena.wait_for(lambda: full() > before, "Nobody has met the full disk.")
            limit.write_text("")

        arena.pages = limit
        outcome = trials.trouble(arena, fill, times=2, replicas=2)
    assert outcome.verdict.wrong == []
