"""The audit log's chain, written by several processes, some of which are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.people.audit_check import verify
from app.people.audit_reader import AuditQuery, deeds
from tests.databases import open_engine

MANY = """
import sys
from app.db import make_engine
from app.people.audit import By, Entry, begin, end
engine = make_engine(sys.argv[1])
for number in range(40):
    begun = begin(engine, By(sys.argv[2]), Entry("call", f"call {number}"))
    end(engine, By(sys.argv[2]), begun, Entry("call", f"call {number}"))
"""
ONE = """
import sys
from app.db import make_engine
from app.people.audit import By, Entry, begin
engine = make_engine(sys.argv[1])
begin(engine, By("ann"), Entry("call", "Terminate i-1", operation="TerminateInstances"))
print("begun", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def url_and_engine(database_url: str) -> Iterator[tuple[str, Engine]]:
    engine = open_engine(database_url)
    yield database_url, engine
    engine.dispose()


def start(program: str, *given: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *given]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe, stderr=pipe)


def test_two_processes_write_one_chain(url_and_engine: tuple[str, Engine]):
    url, engine = url_and_engine
    writers = [start(MANY, url, name) for name in ("ann", "bob")]
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert writer.returncode == 0, errors
    report = verify(engine)
    assert report.broken == []
    assert (report.records, report.open) == (160, 0)
    names = [deed.actor for deed in deeds(engine, AuditQuery(), 100)]
    assert names.count("ann") == names.count("bob") == 40


def test_a_process_that_is_killed_between_leaves_a_call_without_an_end(
    url_and_engine: tuple[str, Engine],
):
    url, engine = url_and_engine
    writer = start(ONE, url)
    assert writer.stdout is not None
    while writer.stdout.readline() not in {"begun\n", ""}:
        pass  # lines of the log
    writer.send_signal(signal.SIGKILL)
    writer.communicate(timeout=60)
    (deed,) = deeds(engine, AuditQuery(outcome="open"), 10)
    assert deed.operation == "TerminateInstances"
    report = verify(engine)
    assert report.whole
    assert report.open == 1
