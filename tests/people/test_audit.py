"""The audit log's chain, with either database and from several threads and processes."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, delete, func, select, text, update
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from app.people import audit as log
from app.people.audit import By, Entry
from app.people.tables import audit, audit_head, audit_resources

ANN = By("ann", "u-1", "password", "192.0.2.1", "s-1")
STOP = Entry(
    "call",
    "Stop i-1",
    service="ec2",
    operation="StopInstances",
    account="111122223333",
    region="eu-west-1",
    resources=(("instance", "i-1"),),
    parameters={"InstanceIds": ["i-1"]},
    before={"i-1": {"state": "running"}},
)


def rows(engine: Engine) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        found = connection.execute(select(audit).order_by(audit.c.seq)).all()
    return [dict(row._mapping) for row in found]


def test_each_record_carries_the_hash_of_the_one_before(engine: Engine):
    begun = log.begin(engine, ANN, STOP)
    log.end(engine, ANN, begun, Entry("call", "Stop i-1", request_id="r-1"))
    log.record(engine, ANN, Entry("sign-out"))
    first, second, third = rows(engine)
    assert [each["seq"] for each in (first, second, third)] == [1, 2, 3]
    assert first["previous"] == ""
    assert (second["previous"], third["previous"]) == (first["hash"], second["hash"])
    assert (first["phase"], first["outcome"]) == ("begun", "")
    assert (second["phase"], second["begun_by"], second["outcome"]) == ("ended", 1, "done")
    with engine.connect() as connection:
        head = connection.execute(select(audit_head)).one()
    assert (head.seq, head.hash) == (3, third["hash"])


def test_any_other_program_can_recompute_a_hash(engine: Engine):
    log.record(engine, By('é "quoted"\\', address="::1"), Entry("x", "a\x01\n\u2028\x7f 😀"))
    (row,) = rows(engine)
    kept = row.pop("hash")
    parts = []
    for name in sorted(row):
        value = row[name]
        if isinstance(value, str):
            escaped = "".join(
                {'"': '\\"', "\\": "\\\\", "\n": "\\n"}.get(each)
                or (f"\\u{ord(each):04x}" if each < " " else each)
                for each in value
            )
            parts.append(f'"{name}":"{escaped}"')
        else:
            parts.append(f'"{name}":{"null" if value is None else value}')
    told = "{" + ",".join(parts) + "}"
    assert hashlib.sha256(told.encode()).hexdigest() == kept


def test_the_database_refuses_to_change_or_delete_what_was_recorded(engine: Engine):
    log.record(engine, ANN, STOP)
    log.record(engine, ANN, STOP)
    for statement in (
        update(audit).values(actor="bob"),
        delete(audit).where(audit.c.seq == 1),
        delete(audit),
        update(audit_resources).values(resource_id="i-2"),
        delete(audit_resources),
        delete(audit_head),
        update(audit_head).values(seq=1),
        update(audit_head).values(hash="0" * 64),
    ):
        with pytest.raises(DBAPIError, match="only ever added to"), engine.begin() as connection:
            connection.execute(statement)
    if engine.dialect.name == "postgresql":
        with pytest.raises(DBAPIError, match="only ever added to"), engine.begin() as connection:
            connection.execute(text("TRUNCATE audit"))
    assert [row["actor"] for row in rows(engine)] == ["ann", "ann"]


def test_what_was_begun_is_ended_once(engine: Engine):
    begun = log.begin(engine, ANN, STOP)
    log.end(engine, ANN, begun, Entry("call"))
    with pytest.raises(DBAPIError):
        log.end(engine, ANN, begun, Entry("call", outcome="failed"))
    assert len(rows(engine)) == 2


def test_a_record_is_there_if_what_it_tells_of_is(engine: Engine):
    with engine.connect() as connection:
        log.add(connection, ANN, Entry("users.add"))
        connection.rollback()
    assert rows(engine) == []
    with engine.begin() as connection:
        log.add(connection, ANN, Entry("users.add"))
    assert [row["seq"] for row in rows(engine)] == [1]


def test_whatever_is_typed_can_be_recorded(engine: Engine):
    nasty = "a\0b\ud800c" + "😀" * 5_000
    entry = Entry(nasty[:10], nasty, resources=(("instance", nasty),), message=nasty, code=nasty)
    entry = Entry(**{**entry.__dict__, "parameters": {"Name": nasty * 10}, "before": {nasty: 1}})
    log.record(engine, By(nasty, address=nasty), entry)
    (row,) = rows(engine)
    assert row["title"].startswith("a\ufffdb?c😀")
    assert row["title"].endswith(" … (cut)")
    assert [len(row["title"]), len(row["actor"])] == [1_000, 64]
    assert list(json.loads(row["parameters"])) == ["cut"]
    values = {name: value for name, value in row.items() if name != "hash"}
    assert log.digest(values) == row["hash"]


def test_records_of_many_threads_stand_in_one_chain(engine: Engine):
    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(lambda _: log.record(engine, ANN, STOP), range(80)))
    assert sorted(numbers) == list(range(1, 81))
    found = rows(engine)
    assert [row["previous"] for row in found[1:]] == [row["hash"] for row in found[:-1]]
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(audit_resources)) == 80


def test_each_record_is_a_line_of_the_log_from_which_its_hash_can_be_checked(engine: Engine):
    with capture_logs() as lines:
        log.record(engine, ANN, STOP)
    (line,) = lines
    assert (line["event"], line["what"], line["seq"]) == ("audit", "call", 1)
    assert line["record"] == rows(engine)[0]
    assert log.digest(line["record"]) == line["hash"]


def test_what_was_not_committed_is_not_logged(engine: Engine):
    with capture_logs() as lines:
        with engine.connect() as connection:
            log.add(connection, ANN, Entry("users.add"))
            connection.rollback()
        with engine.begin() as connection:
            log.add(connection, ANN, Entry("users.disable"))
            assert lines == []
    assert [line["what"] for line in lines] == ["users.disable"]
