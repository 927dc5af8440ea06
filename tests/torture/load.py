"""Snapshots with watches on them, and what these owe."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.db import DATABASE_FAULTS
from app.watches import Watches
from tests.torture.aws import Aws
from tests.torture.endpoint import ACCOUNT, REGIONS

OUTCOMES = ("completed", "failed", "vanished")
_ENDS = {"completed": "completed", "error": "failed"}  # as what a snapshot ends: the outcome
PAUSE = 0.1
_PREFIXES = itertools.count(1)


@dataclass(frozen=True)
class Owed:
    """What must be published: of which snapshot, which outcome, to which topic."""

    snapshot_id: str
    outcome: str
    topic_arn: str


class Load:
    """Makes snapshots that end soon, each with a watch; remembers what that owes."""

    def __init__(self, aws: Aws, watches: Watches, topics: Sequence[str]) -> None:
        self.owed: list[Owed] = []
        self.created: dict[str, str] = {}  # by request id
        self.troubles = 0  # how often a watch had to be made again because the database failed
        self._aws, self._watches, self._topics = aws, watches, topics
        self._prefix = next(_PREFIXES)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def make(self, count: int, within: float = 0.0) -> list[Owed]:
        """So many snapshots, which end at random moments of the next ``within`` seconds."""
        now = time.time()
        wanted: list[dict[str, Any]] = []
        for _ in range(count):
            number = len(self.owed) + len(wanted)
            wanted.append(
                {
                    "id": f"snap-{self._prefix:05x}{number:012x}",
                    "region": REGIONS[number % 2],
                    "ends_at": now + random.uniform(0, within),
                    "ends_as": random.choice(("completed", "completed", "error")),
                }
            )
        owed = []
        for told, description in zip(wanted, self._aws.make(wanted), strict=True):
            topic = random.choice(self._topics)
            self._watch(description, str(told["region"]), topic)
            outcome = _ENDS[str(told["ends_as"])]
            owed.append(Owed(str(told["id"]), outcome, topic))
        self.owed += owed
        return owed

    def _watch(self, description: dict[str, object], region: str, topic: str) -> None:
        while True:
            try:
                self._watches.watch(
                    kind="snapshot",
                    account=ACCOUNT,
                    region=region,
                    found=description,
                    source_name="",
                    topic_arn=topic,
                    outcomes=OUTCOMES,
                    actor="load",
                )
            except DATABASE_FAULTS:
                # The database is what is being tortured. Nobody knows whether the watch was made;
                # to make it again is what a person would do, and makes no second one.
                self.troubles += 1
                time.sleep(PAUSE)
            else:
                return

    def owe_created(self) -> None:
        """Owe what CreateSnapshot has made for the writers; all of that ends by itself."""
        for snapshot_id, request_id in self._aws.told().created.items():
            self.created[request_id] = snapshot_id
            topic = self._topics[int(request_id.rpartition("-")[2]) % len(self._topics)]
            self.owed.append(Owed(snapshot_id, "completed", topic))

    def start(self, a_second: float, within: float) -> None:
        """Go on making so many a second, in a thread."""

        def go_on() -> None:
            while not self._stop.wait(PAUSE):
                self.make(max(1, round(a_second * PAUSE)), within)

        self._thread = threading.Thread(target=go_on, name="load")
        self._thread.start()

    def stop(self) -> None:
        """Make no more."""
        self._stop.set()
        if self._thread:
            self._thread.join()
