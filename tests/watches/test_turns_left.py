"""When the collector reads snapshots in turns. What it gets of them: test_pace."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, update

from app.watches import Pacing, TurnsLeft
from app.watches.tables import rules, watches
from tests.watches.desk import Desk
from tests.watches.fakes import START, FakeAws
from tests.watches.rules_desk import RulesDesk


def left(engine: Engine, a_second: float | None = 4.0) -> TurnsLeft:
    return TurnsLeft(engine, Pacing(a_second=a_second), lambda: START)


def test_without_watches_nothing_is_read_in_turns(engine: Engine) -> None:
    assert left(engine).shared("snapshot") is False


@pytest.mark.parametrize("state", ["intended", "waiting"])
def test_snapshots_are_while_one_is_watched(desk: Desk, state: str) -> None:
    desk.waiting()
    with desk.engine.begin() as connection:
        connection.execute(update(watches).values(state=state))
    turns = left(desk.engine)
    assert turns.shared("snapshot") is True
    assert turns.shared("instance") is False
    assert left(desk.engine, a_second=None).shared("snapshot") is False, "there is no bound"
    with desk.engine.begin() as connection:
        connection.execute(update(watches).values(state="completed"))
    assert turns.shared("snapshot") is False


def test_a_watch_of_another_kind_takes_nothing_from_snapshots(desk: Desk) -> None:
    desk.waiting()
    with desk.engine.begin() as connection:
        connection.execute(update(watches).values(kind="image"))
    assert left(desk.engine).shared("snapshot") is False


def test_snapshots_are_while_a_rule_looks_for_them(engine: Engine, aws: FakeAws) -> None:
    RulesDesk(engine, aws).make()
    assert left(engine).shared("snapshot") is True
    with engine.begin() as connection:
        connection.execute(update(rules).values(enabled=False))
    assert left(engine).shared("snapshot") is False
