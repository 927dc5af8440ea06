"""Watches under test, with a clock of their own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from app.watches import Pacing, Watches, WatchView
from tests.accounts import one_account
from tests.watches.fakes import ACCOUNT, REGION, START, TOPIC, FakeAws, FakeClients

OUTCOMES = ("completed", "failed", "vanished")
_LOOK = timedelta(seconds=4)
_LOOKS = 8  # what others have left is taken over by then


class Desk:
    """One console process: its watches, and the time as it sees it."""

    def __init__(self, engine: Engine, aws: FakeAws, poll: timedelta, **more: Any) -> None:
        self.engine, self.aws, self.poll, self.more = engine, aws, poll, more
        self.now = START
        self.account = ACCOUNT
        self.age = 0.0  # seconds that have passed, whatever the clock was set to
        self.restart()

    def restart(self) -> None:
        """A new process on the same database."""
        self.watches = Watches(
            self.engine,
            one_account(self.account, [REGION], FakeClients(self.aws)),
            self.more.get("inventory_get"),
            self.more.get("learn"),
            past=self.more.get("past"),
            pacing=self.more.get("pacing", Pacing(self.poll.total_seconds())),
            clock=lambda: self.now,
            ages=lambda: self.age,
            public_url=self.more.get("public_url", ""),
        )

    def intend(self, request_id: str = "r-1", **more: Any) -> str:
        """An intent, as the form makes it."""
        given = {
            "kind": "snapshot",
            "account": ACCOUNT,
            "region": REGION,
            "source_id": "vol-1",
            "source_name": "lj_volume",
            "description": "lj_volumeSnap",
            "topic_arn": TOPIC,
            "outcomes": OUTCOMES,
            "actor": "me",
            **more,
        }
        return self.watches.intend(request_id=request_id, **given)

    def waiting(self, number: int = 1, **more: Any) -> WatchView:
        """A watch on a new pending snapshot."""
        watch_id = self.intend(f"r-{number}", **more)
        view = self.view(watch_id)
        made = {"VolumeId": view.source_id, "region": view.region}
        self.watches.bind(watch_id, self.aws.make(number, f"r-{number}", **made))
        return self.view(watch_id)

    def put_on(self, snapshot: dict[str, Any], **more: Any) -> str:
        """A watch on a snapshot that is there."""
        given = {
            "kind": "snapshot",
            "account": ACCOUNT,
            "region": REGION,
            "source_name": "",
            "topic_arn": TOPIC,
            "outcomes": OUTCOMES,
            "actor": "me",
            **more,
        }
        return self.watches.watch(found=snapshot, **given)

    def view(self, watch_id: str) -> WatchView:
        """The watch as its page shows it."""
        found = self.watches.get(watch_id)
        assert found is not None
        return found

    def later(self, **delta: float) -> None:
        """Time passes, with a look at what other processes do now and then; or it jumps back."""
        end = self.now + timedelta(**delta)
        self.watches.recover(self.now)
        for _ in range(_LOOKS):
            if self.now < end:
                self._pass(min(_LOOK, end - self.now))
                self.watches.recover(self.now)
        self._pass(end - self.now)

    def _pass(self, time: timedelta) -> None:
        self.now += time
        self.age += max(0.0, time.total_seconds())

    def stopped(self, seconds: float) -> None:
        """The process is stopped for a while, as by the lid of a laptop, and sees nothing."""
        self._pass(timedelta(seconds=seconds))

    def work(self) -> int:
        """Poll and send until nothing is due; returns how many steps did something."""
        steps = 0
        while self.watches.poll(self.now) or self.watches.send(self.now):
            steps += 1
            assert steps < 10_000, "there is no end to it"
        return steps

    def tick(self, **delta: float) -> None:
        """Time passes (by default one poll), and what is due is done."""
        self.later(**(delta or {"seconds": self.poll.total_seconds()}))
        self.work()
