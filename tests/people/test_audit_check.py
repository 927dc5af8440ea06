"""Whatever is done to the audit log behind its back is found, and where."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, insert, select, text, update

from app.cli import cli
from app.people import audit as log
from app.people.audit import Entry, digest
from app.people.audit_check import Report, export, verify
from app.people.tables import audit, audit_head, audit_resources
from tests.databases import ON_SQLITE, open_engine
from tests.people.test_audit import ANN, STOP

RECORDS = 9  # three calls with their ends, and three more
NAMES = [column.name for column in audit.c]


@pytest.fixture
def kept(engine: Engine) -> Engine:
    """A log of some records."""
    for _ in range(3):
        begun = log.begin(engine, ANN, STOP)
        log.end(engine, ANN, begun, Entry("call", "Stop i-1", request_id="r"))
        log.record(engine, ANN, Entry("sign-in", message="é 😀"))
    return engine


def tamper(engine: Engine, *statements: Any) -> None:
    """As somebody who owns the database can: past the triggers."""
    with engine.begin() as connection:
        _past_triggers(connection)
        for statement in statements:
            connection.execute(statement)


def _past_triggers(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        return
    names = text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    for name in connection.scalars(names).all():
        connection.execute(text(f"DROP TRIGGER {name}"))


def found(engine: Engine) -> list[str]:
    return verify(engine).broken


def row_of(engine: Engine, seq: int) -> dict[str, Any]:
    with engine.connect() as connection:
        return dict(connection.execute(select(audit).where(audit.c.seq == seq)).one()._mapping)


def test_a_log_that_nobody_touched_is_whole(kept: Engine):
    report = verify(kept)
    assert report.whole
    assert (report.records, report.seq, report.open) == (RECORDS, RECORDS, 0)
    assert report.hash == row_of(kept, RECORDS)["hash"]
    assert report.first == row_of(kept, 1)["at"]


def test_an_empty_log_is_whole(engine: Engine):
    assert verify(engine).in_words()[-1] == "The chain is whole."


def test_a_call_without_an_end_is_counted(kept: Engine):
    log.begin(kept, ANN, STOP)
    assert verify(kept).open == 1


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.integers(1, RECORDS), st.sampled_from(NAMES), st.integers(0, 10_000))
def test_a_changed_character_of_any_field_is_found(kept: Engine, seq: int, name: str, at: int):
    before = row_of(kept, seq)
    value = before[name]
    changed: Any
    if isinstance(value, str):
        at %= len(value) or 1
        changed = value[:at] + ("y" if value[at : at + 1] == "x" else "x") + value[at + 1 :]
    else:
        changed = (value or 0) + 100 + at
    statement = update(audit).where(audit.c.seq == seq).values({name: changed})
    tamper(kept, statement)
    broken = found(kept)
    now = changed if name == "seq" else seq
    tamper(kept, update(audit).where(audit.c.seq == now).values({name: value}))
    assert re.search(rf"Records? ({seq}|{seq + 1})\b", " ".join(broken))
    assert found(kept) == []


def test_a_record_that_was_changed_and_hashed_anew_is_found_by_the_next(kept: Engine):
    forged = row_of(kept, 4) | {"actor": "bob"}
    forged["hash"] = digest(forged)
    tamper(kept, update(audit).where(audit.c.seq == 4).values(forged))
    assert found(kept) == [
        "Record 5 does not follow upon record 4: one of them was put there, or exchanged for "
        "another."
    ]


def test_what_is_missing_in_the_middle_is_found(kept: Engine):
    tamper(kept, delete(audit).where(audit.c.seq.in_([4, 5])))
    assert found(kept)[0] == "Records 4 to 5 are missing: 2."


def test_a_missing_beginning_is_found(kept: Engine):
    tamper(kept, delete(audit).where(audit.c.seq == 1))
    assert found(kept)[0] == "Record 1 is missing."


def test_an_end_that_was_cut_off_is_found(kept: Engine):
    tamper(kept, delete(audit).where(audit.c.seq > 7))
    assert found(kept)[0] == "The end was cut off. Records 8 to 9 are missing: 2."


def test_an_end_that_was_cut_off_with_the_head_is_found_by_what_was_noted(kept: Engine):
    last, seventh = row_of(kept, 9)["hash"], row_of(kept, 7)["hash"]
    tamper(
        kept,
        delete(audit).where(audit.c.seq > 7),
        update(audit_head).values(seq=7, hash=seventh),
        delete(audit_resources).where(audit_resources.c.seq > 7),
    )
    assert verify(kept).whole  # of itself it cannot know
    assert verify(kept, {7: seventh}).whole
    assert verify(kept, {9: last}).broken == ["Record 9, which was noted, is not there."]
    assert "not the one that was noted" in verify(kept, {7: last}).broken[0]


def test_a_record_that_was_put_in_is_found(kept: Engine):
    row = row_of(kept, 9)
    at_end = row | {"seq": 10, "previous": row["hash"], "begun_by": None}
    at_end["hash"] = digest(at_end)
    tamper(kept, insert(audit).values(at_end))
    assert found(kept) == ["Record 10 is the last, but the last that was added is 9."]


def test_records_that_changed_places_are_found(kept: Engine):
    tamper(
        kept,
        update(audit).where(audit.c.seq == 3).values(seq=100),
        update(audit).where(audit.c.seq == 6).values(seq=3),
        update(audit).where(audit.c.seq == 100).values(seq=6),
    )
    assert {told.split()[1] for told in found(kept)} >= {"3", "6"}


def test_a_head_that_was_exchanged_or_lost_is_found(kept: Engine):
    tamper(kept, update(audit_head).values(hash="0" * 64))
    assert found(kept) == ["Record 9, the last, is not the one that was added last."]
    tamper(kept, delete(audit_head))
    assert found(kept) == ["What the last record was (audit_head) is not on record any more."]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            delete(audit_resources).where(audit_resources.c.seq == 4),
            "Record 4 is listed under other resources than it tells of.",
        ),
        (
            insert(audit_resources).values(seq=3, kind="instance", resource_id="i-2"),
            "Record 3 is listed under other resources than it tells of.",
        ),
        (
            insert(audit_resources).values(seq=77, kind="instance", resource_id="i-2"),
            "Resources are listed under record 77, which is not there.",
        ),
    ],
)
def test_records_hidden_from_a_resource_are_found(kept: Engine, statement: Any, told: str):
    tamper(kept, statement)
    assert found(kept) == [told]


@ON_SQLITE
@pytest.mark.parametrize("value", ["CAST(X'FFFE' AS TEXT)", "X'00FF'", "1.5", "'x'"])
@pytest.mark.parametrize("name", ["at", "title", "begun_by", "seq"])
def test_what_is_no_text_at_all_is_found(kept: Engine, value: str, name: str):
    tamper(kept, text(f"UPDATE audit SET {name} = {value} WHERE seq = 5"))  # noqa: S608
    assert found(kept)


def test_an_export_can_be_checked_by_twenty_lines_of_another_program(kept: Engine):
    previous = ""
    for number, line in enumerate(export(kept), 1):
        record = json.loads(line)
        told = record.pop("hash")
        form = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert record["seq"] == number
        assert record["previous"] == previous
        assert hashlib.sha256(form.encode()).hexdigest() == told
        previous = told
    assert number == RECORDS


@pytest.fixture
def run(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str]]:
    """Runs a command on a log of one record."""
    monkeypatch.setenv("ENCANTE_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("ENCANTE_DATA", str(tmp_path))
    engine = open_engine(sqlite_url)
    log.record(engine, ANN, STOP)
    engine.dispose()

    def run(*given: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli, ["audit", *given])
        return result.exit_code, result.output

    return run


def test_the_command_says_that_the_log_is_whole(run: Callable[..., tuple[int, str]]):
    status, told = run("verify")
    assert status == 0
    assert told.startswith("1 records, from 20")
    assert told.endswith("The chain is whole.\n")


def test_the_command_fails_when_what_was_noted_is_not_there(run: Callable[..., tuple[int, str]]):
    status, told = run("verify", "--expect", f"1:{'0' * 64}")
    assert status == 1
    assert "THE CHAIN IS BROKEN:\nRecord 1 is not the one that was noted" in told
    assert run("verify", "--expect", "x")[0] == 1


def test_the_command_prints_every_record(run: Callable[..., tuple[int, str]]):
    status, told = run("export")
    assert status == 0
    assert json.loads(told)["title"] == "Stop i-1"


def test_a_report_does_not_list_what_is_wrong_without_end():
    report = Report()
    for _ in range(150):
        report.tell("wrong")
    assert report.in_words()[-1] == "… and 50 more."
