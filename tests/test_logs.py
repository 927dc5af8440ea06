"""Logging must not be what stops the work."""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Iterator

import pytest
import structlog

from app.logs import configure


class Full(io.StringIO):
    """A file on a disk without room."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("form", ["console", "json"])
def test_whoever_logs_goes_on_when_the_disk_is_full(
    monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(sys, "stderr", Full())
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)
    configure(form)
    structlog.get_logger().warning("a line that nobody will read")


def test_whoever_logs_goes_on_when_nobody_reads_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    monkeypatch.setattr(sys, "stderr", closed)
    configure("console")
    closed.close()
    structlog.get_logger().warning("a line that nobody will read")


def test_what_can_be_written_is(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    configure("console")
    structlog.get_logger().warning("a line", notice="n-1")
    assert "a line" in file.getvalue()
    assert "n-1" in file.getvalue()


def test_a_record_of_the_audit_log_is_whole_in_json_and_short_for_a_person(
    capsys: pytest.CaptureFixture[str],
):
    for form, whole in (("json", True), ("console", False)):
        configure(form)
        structlog.get_logger().info("audit", seq=7, record={"parameters": "all of them"})
        told = capsys.readouterr().err
        assert "7" in told
        assert ("all of them" in told) is whole


@pytest.mark.parametrize("text", ["\x1b]0;hurt\x07", "\x9b2J", "\r hurt", "\u202ehurt"])
def test_what_is_logged_gives_the_terminal_no_orders(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    told = io.StringIO()
    monkeypatch.setattr(sys, "stderr", told)
    configure("console")
    structlog.get_logger().info("refused", title=f"GET /{text}", path=text)
    assert not {*text} & {*told.getvalue()} - {*"]0;hurt 2J"}
    assert "refused" in told.getvalue()
