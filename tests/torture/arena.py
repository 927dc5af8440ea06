"""An endpoint, a database, processes on it, and what is asked of them: everything for a torture."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, func, or_, select

from app.aws.clients import Clients
from app.db import DATABASE_FAULTS, make_engine
from app.migrate import upgrade
from app.watches import Watches
from app.watches.tables import notices, watches
from tests.accounts import one_account
from tests.torture.aws import Aws, endpoint
from tests.torture.endpoint import ACCOUNT, REGIONS
from tests.torture.load import Load
from tests.torture.rack import Rack, TortureError
from tests.torture.verdict import Verdict, judge

TOPIC = f"arn:aws:sns:{REGIONS[0]}:{ACCOUNT}:backups"
TOPICS = (TOPIC, f"{TOPIC}-2", f"{TOPIC}.fifo")
PATIENCE = 300.0


@dataclass
class Arena:
    """One torture; ``url`` is the database's address."""

    aws: Aws
    url: str
    engine: Engine
    rack: Rack
    load: Load
    pages: Path | None = None  # a file that says how large the database may get, if any does

    def replicas(self, count: int) -> list[str]:
        """Start so many; their names. Each has a clock of its own, by its place from 1 on."""
        names = [f"replica-{number}" for number in range(1, count + 1)]
        for number, name in enumerate(names, 1):
            pages = str(self.pages) if self.pages else None
            self.rack.start(name, clock=number, given=pages)
        for name in names:
            self.rack.process(name)
        return names

    def stop_writing(self) -> None:
        """No new watches: the load ends, and so do the writers."""
        self.load.stop()
        for name in self.rack.names("writer"):
            self.rack.stop(name)
        self.load.owe_created()

    def rest(self) -> None:
        """Wait until nothing has been published for a while."""
        before = -1
        while before != (before := len(self.aws.told().published)):
            time.sleep(1)

    def unfinished(self) -> int:
        """How many watches still wait, and notices are neither sent nor held for a person."""
        # what was intended, and AWS never heard of, is looked for in vain for 15 minutes
        made = or_(watches.c.state == "waiting", watches.c.request_id.in_(self.load.created))
        query = select(
            select(func.count())
            .where(watches.c.state.in_(("intended", "waiting")), made)
            .scalar_subquery(),
            select(func.count()).where(notices.c.state.not_in(("sent", "held"))).scalar_subquery(),
        )
        with self.engine.connect().execution_options(reading=True) as connection:
            return sum(connection.execute(query).one())

    def settle(self, patience: float = PATIENCE) -> float:
        """Wait until all is published and written down; how many seconds that took.

        Raises TortureError after ``patience`` seconds.
        """
        begun, left, problem = time.monotonic(), -1, ""
        while left:
            if time.monotonic() - begun > patience:
                raise TortureError(f"{left} are unfinished. {problem}\n{self.rack.logs()}")
            time.sleep(0.05)
            try:
                left = self.unfinished()
            except DATABASE_FAULTS as error:
                problem = str(error)
        return time.monotonic() - begun

    def delays(self) -> list[float]:
        """Seconds from the end of each snapshot until its notice was published first."""
        told, first = self.aws.told(), dict[str, float]()
        for each in told.published:
            first.setdefault(each.notice_id, each.at - told.ended[each.resource_id][0])
        return list(first.values())

    def can_write(self) -> bool:
        """Whether the database can be written to, or somebody holds SQLite's lock."""
        if self.engine.dialect.name != "sqlite":
            return True
        with sqlite3.connect(self.engine.url.database or "", timeout=1) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            finally:
                connection.rollback()
        return True

    def wait_for(self, ready: Callable[[], bool], problem: str) -> None:
        """Wait until it is so. Raises TortureError after a while."""
        end = time.monotonic() + PATIENCE
        while not ready():
            if time.monotonic() > end:
                raise TortureError(f"{problem}\n{self.rack.logs()}")
            time.sleep(0.02)

    def verdict(self, crashed: Sequence[int] | None = None, in_doubt: int = 0) -> Verdict:
        """Judge; ``crashed``: the processes that excuse a repeat (those that were killed)."""
        killed = [each.process for each in self.rack.killed()] if crashed is None else crashed
        found = judge(self.aws.told(), self.load.owed, self.engine, killed, in_doubt)
        odd = [each for each in self.rack.ended if each.code not in {0, -9}]
        return found if not odd else _also(found, [f"ended by itself: {each}" for each in odd])


def _also(verdict: Verdict, wrong: Sequence[str]) -> Verdict:
    return Verdict(**{**vars(verdict), "wrong": [*verdict.wrong, *wrong]})


@dataclass
class Stage:
    """What tortures one after the other can share: the endpoint, and the nursery."""

    aws: Aws
    rack: Rack
    folder: Path

    @contextmanager
    def arena(self, url: str, rate: float = 1.0) -> Iterator[Arena]:
        """A torture on the database at ``url``, brought up to date. No process runs yet.

        ``rate``: how fast the processes' time passes. Whoever takes longer than a lease divided
        by it is taken for dead, so it is for tests of those that are.
        """
        self.aws.reset()
        self.rack.clocks.reset(rate)
        engine = make_engine(url)
        upgrade(engine)
        self.rack.environment = {
            **self.aws.environment(),
            "ENCANTE_DATABASE_URL": url,
            "ENCANTE_DATA": str(self.folder),
            "ENCANTE_SECRET_KEY": "of no importance here",
            "ENCANTE_REGIONS": ",".join(REGIONS[:2]),
            "ENCANTE_COLLECTORS": "1",
            "ENCANTE_POLL_SECONDS": "0.5",
            "ENCANTE_REFRESH_SECONDS": "3600",
            "ENCANTE_IDLE_REFRESH_SECONDS": "3600",
        }
        load = Load(self.aws, Watches(engine, one_account(ACCOUNT, REGIONS[:2], Clients())), TOPICS)
        try:
            yield Arena(self.aws, url, engine, self.rack, load)
        finally:
            load.stop()
            self.rack.clear()
            engine.dispose()


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Start an endpoint and a nursery; ``folder`` is for what they write."""
    with endpoint() as aws, Rack(folder / "rack") as rack:
        yield Stage(aws, rack, folder)
