"""What watches cost and how soon they tell: notices a second, polls, the delay to Publish.

A console under gunicorn, on each of the databases (PostgreSQL's writes reach the disk too),
against an endpoint in a process of its own that keeps account of what it was asked, and when.
"""

from __future__ import annotations

import random
import statistics
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select

from app import db
from app.aws.listing import in_parts
from app.db import make_engine
from app.migrate import upgrade
from app.watches.tables import notices, watches
from scripts.own_console import free_port
from tests.bench.estate import cpu_of, wait_until
from tests.bench.served import program
from tests.postgres import postgres_server
from tests.torture.aws import Aws, endpoint
from tests.torture.endpoint import ACCOUNT, REGIONS

DATABASES = ("SQLite", "PostgreSQL")
OWED = 4_000
PENDING = (1_000, 10_000)
HEAD_START = 40.0  # seconds until the first snapshot ends: the console has found its pace by then
ENDING = 120.0  # seconds in which all of them end, one by one
TOPIC = f"arn:aws:sns:{REGIONS[0]}:{ACCOUNT}:bench"
_OF_BOTH = ("account", "region", "kind", "topic_arn", "made_at", "due_at", "due_set_at")


@dataclass(frozen=True)
class Place:
    """A database that was made for one measurement, and an endpoint."""

    url: str
    engine: Engine
    aws: Aws
    folder: Path

    @contextmanager
    def console(self) -> Iterator[int]:
        """A console under gunicorn; gives the process id of its worker."""
        pid = self.folder / "gunicorn.pid"
        environment = {
            **self.aws.environment(),
            "ENCANTE_DATA": str(self.folder),
            "ENCANTE_DATABASE_URL": self.url,
            "ENCANTE_SECRET_KEY": "0123456789abcdef" * 4,
            "ENCANTE_PORT": str(free_port()),
            "ENCANTE_REGIONS": ",".join(REGIONS),
        }
        command = ("gunicorn", "-c", "gunicorn.conf.py", "-p", str(pid))
        with (
            (self.folder / "log").open("wb") as log,
            program(*command, environment=environment, log=log),
        ):
            wait_until(lambda: _worker(pid), "The console did not start.")
            yield _worker(pid)


@contextmanager
def place(database: str, folder: Path) -> Iterator[Place]:
    """An empty database of that sort and an endpoint, both of their own."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        aws = stack.enter_context(endpoint())
        if database == "SQLite":
            url = f"sqlite:///{folder / 'bench.db'}"
        else:
            server = stack.enter_context(postgres_server(durable=True))
            server.create("bench")
            url = server.url("bench")
        engine = make_engine(url)
        stack.callback(engine.dispose)
        upgrade(engine)
        yield Place(url, engine, aws, folder)


def _worker(pid: Path) -> int:
    try:
        first = int(pid.read_text())
        return int(Path(f"/proc/{first}/task/{first}/children").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def run(folder: Path) -> dict[str, Any]:
    """Everything, by database."""
    return {
        database: {
            "sending": sending(database, folder / f"sending-{database}"),
            "waiting": {
                str(number): waiting(database, number, folder / f"waiting-{number}-{database}")
                for number in PENDING
            },
        }
        for database in DATABASES
    }


def sending(database: str, folder: Path) -> dict[str, float]:
    """How fast a console sends what is owed when it starts."""
    with place(database, folder) as here:
        _owe(here.engine)
        with here.console() as worker:
            wait_until(lambda: len(here.aws.called("Publish")) >= OWED, "Not all were sent.")
            cpu = cpu_of(worker)
        sent = sorted(here.aws.called("Publish"))
        assert len(here.aws.told().times()) == len(sent) == OWED
    # Without the first tenth: threads of the start are busy then, reading what there is.
    begun = OWED // 10
    return {
        "notices": OWED,
        "a_second": (len(sent) - begun) / (sent[-1] - sent[begun]),
        "cpu_s": cpu,
    }


def _owe(engine: Engine) -> None:
    """Watches that have ended, with a notice each that is due."""
    now = db.now()
    watched = [{**_same(now), "id": f"w-{each}", "state": "completed"} for each in range(OWED)]
    owed = [
        {
            **{name: row[name] for name in _OF_BOTH},
            "id": f"n-{number:032x}",
            "watch_id": row["id"],
            "resource_id": f"snap-{number:017x}",
            "outcome": "completed",
            "subject": "Snapshot done",
            "message": "The snapshot is completed.\n" * 10,
            "state": "waiting",
        }
        for number, row in enumerate(watched)
    ]
    with engine.begin() as connection:
        connection.execute(insert(watches), watched)
        connection.execute(insert(notices), owed)


def waiting(database: str, number: int, folder: Path) -> dict[str, Any]:
    """How soon a console tells of snapshots that end, and what it asks AWS meanwhile."""
    with place(database, folder) as here:
        begins = time.time() + HEAD_START
        _watch(here, number, begins)
        with here.console() as worker:
            wait_until(lambda: time.time() >= begins, "The clock does not go on.")
            before = cpu_of(worker)
            wait_until(lambda: len(here.aws.called("Publish")) >= number, "Not all were told.")
            ended, cpu = time.time(), cpu_of(worker) - before
        told = here.aws.told()
        assert set(told.times().values()) == {1}
        with here.engine.connect() as connection:
            rows = connection.execute(select(notices.c.id, notices.c.resource_id))
            snapshot_of = {row.id: row.resource_id for row in rows}
        delays = sorted(
            each.at - told.ended[snapshot_of[each.notice_id]][0] for each in told.published
        )
        polls = [at for at in here.aws.called("DescribeSnapshots") if begins <= at < ended]
    return {
        "delay_s": {
            "median": statistics.median(delays),
            "95th": delays[int(0.95 * number)],
            "99th": delays[int(0.99 * number)],
            "longest": delays[-1],
        },
        "describe_snapshots": len(polls),
        "a_second": len(polls) / (ended - begins),
        "most_in_a_second": max(_in_a_second(polls)),
        "core": cpu / (ended - begins),
    }


def _in_a_second(moments: Sequence[float]) -> list[int]:
    """For each moment how many there are in the second that begins with it."""
    ordered = sorted(moments)
    return [bisect_left(ordered, at + 1) - index for index, at in enumerate(ordered)]


def _watch(here: Place, number: int, begins: float) -> None:
    """Make pending snapshots that end one after another, each with a watch on it."""
    now = db.now()
    same = {**_same(now), "state": "waiting", "started_at": now, "aws_state": "pending"}
    order = random.Random(4).sample(range(number), number)
    for part in in_parts(range(number), 1_000):
        made = [
            {
                "id": f"snap-{each:017x}",
                # as spread as a team's machines are: most in one region
                "region": REGIONS[0 if each % 4 else each // 4 % len(REGIONS)],
                "volume_id": f"vol-{each:017x}",
                "ends_at": begins + ENDING * order[each] / number,
            }
            for each in part
        ]
        here.aws.make(made)
        rows = [
            {
                **same,
                "id": f"w-{each['id']}",
                "resource_id": each["id"],
                "region": each["region"],
                "source_id": each["volume_id"],
            }
            for each in made
        ]
        with here.engine.begin() as connection:
            connection.execute(insert(watches), rows)


def _same(now: datetime) -> dict[str, Any]:
    """What every watch of the benchmark has."""
    return {
        "kind": "snapshot",
        "account": ACCOUNT,
        "region": REGIONS[0],
        "source_id": "vol-1",
        "source_name": "",
        "description": "",
        "topic_arn": TOPIC,
        "outcomes": ["completed", "failed", "vanished"],
        "actor": "bench",
        "made_at": now,
        "due_at": now,
        "due_set_at": now,
    }
