"""What transactions may rely on, with either database; and a PostgreSQL that is in trouble."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import structlog
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError

from app import migrate
from app.db import DATABASE_FAULTS, alone, insert_new, make_engine, upsert
from app.inventory.tables import kinds
from app.people.tables import preferences
from tests.databases import ON_POSTGRESQL
from tests.postgres import PASSWORD, QUOTED, PostgresServer, postgres_server

HOW_MANY = select(func.count()).select_from(kinds)


def test_who_reads_sees_one_moment_however_long_it_takes(engine: Engine) -> None:
    with engine.connect().execution_options(reading=True) as reader:
        assert reader.scalar(HOW_MANY) == 0
        with engine.begin() as writer:
            insert_new(writer, kinds, {"kind": "box"}, revision=1)
        assert reader.scalar(HOW_MANY) == 0
    with engine.connect().execution_options(reading=True) as reader:
        assert reader.scalar(HOW_MANY) == 1


def test_what_is_there_is_changed_and_what_is_not_is_made(engine: Engine) -> None:
    key = {"actor": "me", "kind": "box"}
    with engine.begin() as connection:
        assert insert_new(connection, preferences, key, columns="[]")
        assert not insert_new(connection, preferences, key, columns="[1]")
        upsert(connection, preferences, key, {"columns": "[2]"})
        upsert(connection, preferences, {**key, "actor": "you"}, {"columns": "[3]"})
        found = select(preferences.c.actor, preferences.c.columns)
        assert {tuple(row) for row in connection.execute(found)} == {("me", "[2]"), ("you", "[3]")}


def test_a_text_with_nul_can_be_written_and_asked_for(engine: Engine) -> None:
    with engine.begin() as connection:
        insert_new(connection, kinds, {"kind": "a\0b"}, revision=1)
        found = connection.scalar(select(kinds.c.kind).where(kinds.c.kind == "a\0b"))
    assert found is not None
    assert (found[0], found[-1]) == ("a", "b")


def test_who_writes_all_the_time_keeps_nobody_else_waiting(engine: Engine) -> None:
    with engine.begin() as connection:
        for name in ("busy", "seldom"):
            insert_new(connection, kinds, {"kind": name}, revision=0)
    written, stopping = [0], threading.Event()

    def write(name: str) -> None:
        mine = update(kinds).where(kinds.c.kind == name)
        with engine.begin() as connection:
            connection.execute(mine.values(revision=kinds.c.revision + 1))

    def write_all_the_time() -> None:
        while not stopping.is_set():
            write("busy")
            written[0] += 1

    busy = threading.Thread(target=write_all_the_time)
    busy.start()
    between = []
    try:
        for _ in range(50):
            before = written[0]
            write("seldom")
            between.append(written[0] - before)
    finally:
        stopping.set()
        busy.join()
    if engine.dialect.name == "sqlite":  # there they take turns, with PostgreSQL nobody waits
        assert sum(between) < 10 * len(between), "what was under way, and what began meanwhile"
    assert sum(between) > 0


def test_a_write_that_fails_gives_its_turn_back(engine: Engine) -> None:
    for _ in range(3):
        with pytest.raises(DBAPIError), engine.begin() as connection:
            connection.execute(text("INSERT INTO nowhere VALUES (1)"))
        with engine.connect() as connection:
            connection.execute(update(kinds).values(revision=2))  # and is never committed
    with engine.begin() as connection:
        insert_new(connection, kinds, {"kind": "box"}, revision=1)
    with engine.connect() as connection:
        assert connection.scalar(HOW_MANY) == 1


@ON_POSTGRESQL
def test_a_statement_alone_is_a_transaction_and_what_comes_after_it_are_usual_ones(
    engine: Engine,
) -> None:
    with engine.connect() as connection:
        with alone(connection):
            insert_new(connection, kinds, {"kind": "box"}, revision=1)
        with engine.connect() as other:
            assert other.scalar(HOW_MANY) == 1
        with pytest.raises(DBAPIError), alone(connection):
            connection.execute(text("SELECT 1 / 0"))
        with connection.begin() as later:
            insert_new(connection, kinds, {"kind": "crate"}, revision=1)
            later.rollback()
        assert connection.scalar(HOW_MANY) == 1, "rolled back"


@ON_POSTGRESQL
def test_who_only_reads_cannot_write(engine: Engine) -> None:
    with engine.connect().execution_options(reading=True) as reader:
        with pytest.raises(DBAPIError, match="read-only") as raised:
            reader.execute(update(kinds).values(revision=2))
        assert isinstance(raised.value, DATABASE_FAULTS)


@ON_POSTGRESQL
def test_of_two_that_wait_for_each_other_one_is_told_to_begin_anew(engine: Engine) -> None:
    with engine.begin() as connection:
        for kind in ("box", "crate"):
            insert_new(connection, kinds, {"kind": kind}, revision=1)
    both = threading.Barrier(2)
    told: list[BaseException] = []

    def write(*order: str) -> None:
        try:
            with engine.begin() as connection:
                for kind in order:
                    connection.execute(update(kinds).where(kinds.c.kind == kind).values(revision=2))
                    if kind == order[0]:
                        both.wait(10)
        except DATABASE_FAULTS as fault:
            told.append(fault)

    threads = [
        threading.Thread(target=write, args=order) for order in (("box", "crate"), ("crate", "box"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1
    assert "deadlock" in str(told[0])


# A server of its own, that may be ended


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with postgres_server(durable=True) as server:
        server.create("encante")
        yield server


@pytest.fixture
def its_engine(server: PostgresServer) -> Iterator[Engine]:
    engine = make_engine(server.url("encante"))
    yield engine
    engine.dispose()


def test_a_server_that_was_restarted_is_met_by_fresh_connections(
    server: PostgresServer, its_engine: Engine
) -> None:
    connections = [its_engine.connect() for _ in range(3)]
    for connection in connections:
        connection.execute(text("SELECT 1"))
        connection.close()
    server.restart()
    for _ in range(4):
        with its_engine.begin() as connection:
            assert connection.scalar(text("SELECT 1")) == 1


def test_what_was_committed_is_there_after_all_of_the_server_was_killed(
    server: PostgresServer, its_engine: Engine
) -> None:
    migrate.upgrade(its_engine)
    with server.connect("encante") as connection:
        connection.execute("ALTER DATABASE encante SET synchronous_commit = off")
    its_engine.dispose()
    for number in range(20):
        with its_engine.begin() as connection:
            assert connection.scalar(text("SHOW synchronous_commit")) == "on"
            insert_new(connection, kinds, {"kind": f"box-{number}"}, revision=1)
    server.kill()
    server.start()
    with its_engine.connect() as connection:
        assert connection.scalar(HOW_MANY) == 20


def test_a_stronger_promise_of_the_servers_is_left_as_it_is(
    server: PostgresServer, its_engine: Engine
) -> None:
    with server.connect("encante") as connection:
        connection.execute("ALTER DATABASE encante SET synchronous_commit = remote_apply")
    with its_engine.connect() as connection:
        assert connection.scalar(text("SHOW synchronous_commit")) == "remote_apply"


def test_a_server_that_does_not_answer_yet_is_waited_for(
    server: PostgresServer, its_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stop()

    def start(_seconds: float) -> None:
        monkeypatch.undo()
        server.start()

    monkeypatch.setattr("time.sleep", start)
    with structlog.testing.capture_logs() as logs:
        migrate.upgrade(its_engine)
    assert [entry["event"] for entry in logs] == ["the database does not answer yet"]
    with its_engine.connect() as connection:
        assert connection.scalar(HOW_MANY) == 0


def test_a_server_that_is_away_is_told_without_its_password(
    server: PostgresServer, its_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.migrate._PATIENCE", 0.0)
    server.stop()
    with structlog.testing.capture_logs() as logs, pytest.raises(OperationalError) as raised:
        migrate.upgrade(its_engine)
    told = f"{raised.value!r} {raised.value} {its_engine!r} {its_engine.url} {logs}"
    assert str(server.port) in told
    assert PASSWORD not in told
    assert QUOTED not in told


def test_a_wrong_password_is_told_without_it(server: PostgresServer) -> None:
    engine = make_engine(server.url("encante").replace(QUOTED, "hush"))
    with pytest.raises(OperationalError, match="password authentication failed") as raised:
        engine.connect()
    assert "hush" not in f"{raised.value!r} {raised.value} {engine!r}"
    engine.dispose()
