"""What is logged as JSON: each line by itself, one id for a notice from poll to publish."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import structlog

from app import create_app
from app.background import tick
from app.db import now
from app.logs import json_formatter
from app.people import login_tokens
from app.settings import Settings
from tests.web.browser import Browser
from tests.web.conftest import Aws

SECRETS = ("the-key-of-the-session-cookies", "the-token-of-the-metrics")


class Log(io.StringIO):
    """What was written so far; every line is an event."""

    def events(self) -> list[dict[str, Any]]:
        """All of them, in the order in which they were written."""
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def person(aws: Aws, tmp_path: Path, log: Log) -> Iterator[Browser]:
    """Somebody at a console that logs as JSON."""
    aws.anew()
    before = structlog.get_config()
    key, token = SECRETS
    settings = Settings(
        data=tmp_path,
        sandbox_port=aws.port,
        poll_seconds=0.1,
        secret_key=key,
        metrics_token=token,
        log_format="json",
    )
    with mock.patch("sys.stderr", log):
        person = Browser(create_app(settings))
    yield person
    structlog.configure(**before)
    person.house.engine.dispose()


def tell_of_a_snapshot(person: Browser, aws: Aws) -> None:
    """Have a snapshot made, watched and completed."""
    person.wait()
    volume = person.house.inventory.find("volume", "state", ["available"])[0]
    form = person.open(f"/snapshots/new?volume_id={volume.id}")
    assert person.send(form, notify="new", new_topic_name="told").status == 303
    aws.send("clock", "POST", {"advance": 600})


def test_a_notice_is_followed_by_its_id_from_poll_to_publish(
    person: Browser, aws: Aws, log: Log
) -> None:
    moment = now()
    tell_of_a_snapshot(person, aws)
    aws.fault("throttle", "Publish", count=1)
    while "notice sent" not in [each["event"] for each in log.events()]:
        moment += timedelta(seconds=10)
        assert moment < now() + timedelta(minutes=30)
        tick(person.house, moment)
    (watch,) = person.house.watches.list()
    (notice,) = watch.notices
    lines = [each for each in log.events() if each.get("notice") == notice.id]
    told = [each["event"] for each in lines]
    assert (told[0], told[-1]) == ("notice owed", "notice sent")
    assert told.index("notice not sent") < told.index("notice sent")
    for each in lines:
        assert each["watch"] == watch.id
        assert (each["account"], each["region"]) == ("123456789012", watch.region)
        assert each["timestamp"].endswith("Z")


def test_no_line_tells_a_secret(person: Browser, aws: Aws, log: Log) -> None:
    link = login_tokens.create(person.house.engine)
    aws.fault("refuse", "Describe*")
    person.open(f"/login?token={link}")
    person.open("/metrics", Authorization=f"Bearer {SECRETS[1]}")
    person.wait()
    assert len(log.events()) > 3
    for secret in (*SECRETS, link):
        assert secret not in log.getvalue()


def test_what_libraries_log_is_a_line_too_with_its_trace() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.getLogger("library").makeRecord(
            "library", logging.ERROR, __file__, 1, "it %s", ("broke",), sys.exc_info()
        )
    line = json_formatter().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert (told["event"], told["logger"], told["level"]) == ("it broke", "library", "error")
    assert "ValueError: two" in told["exception"]
