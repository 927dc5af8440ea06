"""A database of before, with promises in it, is brought up to date: they are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, column, insert, table

from app.db import make_engine
from app.migrate import MIGRATIONS, upgrade
from app.watches.messages import notice_of
from tests.watches.desk import OUTCOMES, Desk
from tests.watches.fakes import ACCOUNT, REGION, START, TOPIC, FakeAws

SNAPSHOT = f"snap-{1:017x}"
MOMENT = START.replace(tzinfo=None)
# As the id of a notice was made before there were kinds: it must not change.
FAILED_ID = "n-7de06f43b7ec3afae1a86a56d370c68b"


def _insert(connection: Any, name: str, row: dict[str, Any]) -> None:
    connection.execute(insert(table(name, *map(column, row))).values(row))


def _watch(number: int, state: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"w-{number}",
        "account": ACCOUNT,
        "region": REGION,
        "request_id": f"r-{number}",
        "snapshot_id": f"snap-{number:017x}",
        "volume_id": "vol-1",
        "volume_name": "lj_volume",
        "description": "lj_volumeSnap",
        "topic_arn": TOPIC,
        "outcomes": json.dumps(OUTCOMES),
        "actor": "me",
        "state": state,
        "made_at": MOMENT,
        "snapshot_state": "pending",
        "started_at": MOMENT,
        "due_at": MOMENT,
        "due_set_at": MOMENT,
        **more,
    }


def _notice(number: int, outcome: str, state: str, **more: Any) -> dict[str, Any]:
    parts = {"account": ACCOUNT, "region": REGION, "resource_id": f"snap-{number:017x}"}
    return {
        "id": notice_of({**parts, "topic_arn": TOPIC, "kind": "snapshot", "occasion": ""}, outcome),
        "watch_id": f"w-{number}",
        "snapshot_id": f"snap-{number:017x}",
        "outcome": outcome,
        "topic_arn": TOPIC,
        "subject": "Snapshot done",
        "message": "The snapshot is completed.",
        "state": state,
        "made_at": MOMENT,
        "due_at": MOMENT,
        "due_set_at": MOMENT,
        **more,
    }


@pytest.fixture
def older(bare_url: str) -> Iterator[Engine]:
    """A database of the migration 0005: one watch waits, one owes a notice, one has told."""
    engine = make_engine(bare_url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
    with engine.begin() as connection:
        _insert(connection, "watches", _watch(1, "waiting"))
        _insert(connection, "watches", _watch(2, "failed", ended_at=MOMENT))
        _insert(connection, "watches", _watch(3, "completed", ended_at=MOMENT))
        _insert(connection, "notices", _notice(2, "failed", "waiting"))
        sent = {"sent_at": MOMENT, "sns_message_id": "m-0", "attempts": 1}
        _insert(connection, "notices", _notice(3, "completed", "sent", **sent))
        event = {"watch_id": "w-3", "at": MOMENT, "kind": "sent", "text": "Published."}
        _insert(connection, "watch_events", event)
    yield engine
    engine.dispose()


def test_promises_are_kept_through_an_upgrade(older: Engine) -> None:
    upgrade(older)
    aws = FakeAws()
    desk = Desk(older, aws, poll=timedelta(seconds=5))
    aws.make(1, "r-1", State="completed")
    desk.tick(seconds=30)
    assert sorted(aws.ids()) == sorted(
        _notice(number, outcome, "")["id"] for number, outcome in ((1, "completed"), (2, "failed"))
    ), "what waited is told, what was sent is not sent again"
    view = desk.view("w-1")
    assert (view.kind, view.resource_id, view.source_id) == ("snapshot", SNAPSHOT, "vol-1")
    assert (view.source_name, view.outcomes, view.state) == ("lj_volume", OUTCOMES, "completed")
    told = desk.view("w-3")
    assert [(notice.state, notice.sns_message_id) for notice in told.notices] == [("sent", "m-0")]
    assert [event.text for event in told.events] == ["Published."]
    assert (told.notices[0].account, told.notices[0].region) == (ACCOUNT, REGION)


def test_the_id_of_a_notice_is_what_it_always_was() -> None:
    assert _notice(2, "failed", "")["id"] == FAILED_ID
