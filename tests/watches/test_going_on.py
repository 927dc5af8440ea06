"""What is written between two notices: both of it or nothing, on PostgreSQL in one statement."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import Engine, event, update
from sqlalchemy.exc import OperationalError

from app.watches import claims
from app.watches import rows as written
from app.watches.tables import notices
from tests.databases import ON_POSTGRESQL, ON_SQLITE
from tests.watches.desk import Desk
from tests.watches.fakes import FakeAws
from tests.watches.notices import owed, rows, trouble


def under_way(desk: Desk, aws: FakeAws) -> Sequence[written.Record]:
    """Two claimed notices, of which the first is being sent."""
    for number in (1, 2):
        owed(desk, aws, number)
    with desk.engine.begin() as connection:
        last, following = claims.take(connection, "me", desk.now)
        assert claims.begin(connection, last, desk.now)
    return last, following


def go_on(desk: Desk, last: written.Record, following: written.Record) -> bool:
    told = written.event(last["watch_id"], desk.now, "sent", "It is sent.", last["id"])
    with desk.engine.connect() as connection:
        return claims.go_on(connection, last, "m-1", told, following, desk.now)


def told(desk: Desk, notice: written.Record) -> list[str]:
    return [each.text for each in desk.view(notice["watch_id"]).events if each.kind == "sent"]


@ON_POSTGRESQL
def test_the_last_one_is_sent_its_watch_is_told_and_the_next_one_begins(
    desk: Desk, aws: FakeAws
) -> None:
    last, following = under_way(desk, aws)
    assert go_on(desk, last, following) is True
    first, second = rows(desk.engine)
    assert (first["state"], first["sns_message_id"], first["owner"]) == ("sent", "m-1", "")
    assert (first["attempts"], first["sent_at"]) == (1, desk.now)
    assert (second["state"], second["owner"]) == ("sending", "me")
    assert (second["last_tried_at"], second["due_at"]) == (desk.now, desk.now + claims.LEASE)
    assert told(desk, last) == ["It is sent."]
    assert told(desk, following) == []


@ON_POSTGRESQL
@pytest.mark.parametrize("outdated", [0, 1])
def test_nothing_is_written_when_either_claim_holds_no_more(
    desk: Desk, aws: FakeAws, outdated: int
) -> None:
    both = under_way(desk, aws)
    lost = update(notices).where(notices.c.id == both[outdated]["id"])
    with desk.engine.begin() as connection:
        connection.execute(lost.values(fence=notices.c.fence + 1))
    before = rows(desk.engine)
    assert go_on(desk, *both) is False
    assert rows(desk.engine) == before
    assert told(desk, both[0]) == []


@ON_POSTGRESQL
def test_nothing_is_written_when_the_next_one_is_not_waiting_any_more(
    desk: Desk, aws: FakeAws
) -> None:
    both = under_way(desk, aws)
    parked = update(notices).where(notices.c.id == both[1]["id"]).values(state="parked")
    with desk.engine.begin() as connection:
        connection.execute(parked)
    before = rows(desk.engine)
    assert go_on(desk, *both) is False
    assert rows(desk.engine) == before


@ON_SQLITE
def test_on_sqlite_it_is_left_to_the_statements_themselves(desk: Desk, aws: FakeAws) -> None:
    both = under_way(desk, aws)
    before = rows(desk.engine)
    assert go_on(desk, *both) is False
    assert rows(desk.engine) == before


@ON_POSTGRESQL
def test_a_batch_takes_one_statement_for_each_but_the_first_and_the_last(
    desk: Desk, aws: FakeAws
) -> None:
    for number in range(6):
        owed(desk, aws, number)
    begun = []

    def count(*arguments: object) -> None:
        statement = str(arguments[2])
        if "last_tried_at" in statement and statement.startswith(("UPDATE", "WITH")):
            begun.append(statement.split()[0])

    event.listen(desk.engine, "before_cursor_execute", count)
    try:
        desk.watches.send(desk.now)
    finally:
        event.remove(desk.engine, "before_cursor_execute", count)
    assert begun == ["UPDATE", "WITH", "WITH", "WITH", "WITH", "WITH"]
    assert len(set(aws.ids())) == len(aws.ids()) == 6


@pytest.mark.parametrize("at", [2, 3, 4])
def test_an_answer_of_the_database_that_gets_lost_in_between_makes_nothing_go_out_twice(
    desk: Desk, aws: FakeAws, engine: Engine, at: int
) -> None:
    for number in range(4):
        owed(desk, aws, number)
    with trouble(engine, at, written=True), pytest.raises(OperationalError):
        desk.watches.send(desk.now)
    desk.work()
    assert {row["state"] for row in rows(engine)} == {"sent"}
    assert len(set(aws.ids())) == len(aws.ids()) == 4
