"""What the processes do that are tortured: the console's background, or a form's work.

Imported once, by the nursery, which forks: so a process is there in a fraction of a second.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, event

from app.aws.call import Call
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.operations import Repeat
from app.aws.snapshots import create_snapshot
from app.background import Background
from app.house import House, build
from app.logs import configure
from app.settings import Settings
from tests.torture.endpoint import REGIONS
from tests.torture.load import OUTCOMES

_ENDLESS = 1 << 30
_PAUSE = 0.2  # seconds between two forms of a writer
Up = Callable[[], None]
_USED: tuple[tuple[str, Repeat], ...] = (("ec2", "read"), ("sns", "once"), ("sts", "look"))


def warm() -> None:
    """Read botocore's descriptions and PostgreSQL's driver, so that no process has to."""
    import_module("psycopg")
    clients = Clients(sandbox_url="http://127.0.0.1:1")  # heeds nothing of the environment
    for service, repeat in _USED:
        clients.client(service, REGIONS[0], repeat)


def live(role: str, given: Any, up: Up) -> None:
    """Be a process of that role until SIGTERM; ``up`` is called when it has begun."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    configure("json")
    house = build(Settings())
    {"replica": _serve, "writer": _write}[role](house, stop, up, given)


def _serve(house: House, stop: threading.Event, up: Up, pages: str | None) -> None:
    """The background of a console. ``pages``: a file that says how large the database may get."""
    if pages:
        event.listen(house.engine, "begin", _Limit(Path(pages)))
    background = Background(house)
    background.start()
    up()
    stop.wait()
    background.stop()


class _Limit:
    """Lets a SQLite file grow to so many pages as a file says at the time, or for ever."""

    def __init__(self, told: Path) -> None:
        self._told = told

    def __call__(self, connection: Connection) -> None:
        most = int(self._told.read_text() or _ENDLESS)
        connection.exec_driver_sql(f"PRAGMA max_page_count={most}")


def _write(house: House, stop: threading.Event, up: Up, topics: Any) -> None:
    """Make snapshots with watches on them, as the form does, one after the other."""
    log, account = structlog.get_logger(), house.accounts.require().id
    up()
    for number in count():
        if stop.wait(_PAUSE):
            return
        request_id = f"r-{os.environ['AWS_SDK_UA_APP_ID']}-{number}"
        watch_id = house.watches.intend(
            kind="snapshot",
            request_id=request_id,
            account=account,
            region=REGIONS[0],
            source_id=f"vol-{number:017x}",
            source_name="",
            description="",
            topic_arn=topics[number % len(topics)],
            outcomes=OUTCOMES,
            actor="writer",
        )
        try:
            made = _create(house, number, request_id).run(house.accounts.clients())
        except AwsError as error:
            log.warning("the writer's call failed", code=error.code)
            continue
        house.watches.bind(watch_id, made)


def _create(house: House, number: int, request_id: str) -> Call:
    return create_snapshot(REGIONS[0], f"vol-{number:017x}", "", {}, request_id)
