"""Watches against a model: whatever dies, fails or is lost, every outcome is told, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event

from app.watches.messages import notice_of
from tests.databases import SORTS, Databases, open_engine
from tests.watches.desk import OUTCOMES, Desk
from tests.watches.fakes import (
    ACCOUNT,
    REGION,
    TOPIC,
    FakeAws,
    Fault,
    Killed,
    die,
    lose_answer,
    refuse,
    unreachable,
)

CLEAN: dict[str, Fault] = {
    "throttled": refuse("Throttling"),
    "unreachable": unreachable(),
    "gone": refuse("NotFound", 404),
    "not taken": refuse("InvalidParameter"),
}
UNSURE: dict[str, Fault] = {
    "lost": lose_answer(),
    "internal error": refuse("InternalFailure", 500),
    "death": die,
}
OTHER_TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:others"
faults = st.sampled_from(["", "", "", *CLEAN, *UNSURE])


class WatchMachine(RuleBasedStateMachine):
    """People make snapshots and watch them, AWS goes on, processes die, clocks step."""

    new_database: Callable[[], AbstractContextManager[str]]
    watched = Bundle("watched")

    def __init__(self) -> None:
        super().__init__()
        self.ending = ExitStack()
        self.engine = open_engine(self.ending.enter_context(self.new_database()))
        self.ending.callback(self.engine.dispose)
        self.aws = FakeAws()
        self.desk = Desk(self.engine, self.aws, poll=timedelta(seconds=5))
        self.made: dict[str, str] = {}  # watch -> snapshot that AWS really made for it
        self.requests: dict[str, str] = {}  # watch -> the request that it was made with
        self.ended: dict[str, str] = {}  # snapshot -> how it ended in AWS
        self.unsure: Counter[str] = Counter()  # notice -> tries after which nobody knew
        self.number = 0

    # --- people

    @rule(
        target=watched,
        course=st.sampled_from(["bound", "bound", "answer lost", "died before", "refused"]),
        topic=st.sampled_from([TOPIC, OTHER_TOPIC]),
    )
    def make_a_snapshot(self, course: str, topic: str) -> str:
        self.number += 1
        request = f"r-{self.number}"
        watch = self.desk.intend(request, topic_arn=topic)
        self.requests[watch] = request
        if course == "refused":
            self.desk.watches.abandon(watch, "too many")
        elif course != "died before":
            snapshot = self.aws.make(self.number, request)
            self.made[watch] = snapshot["SnapshotId"]
            if course == "bound":
                self.desk.watches.bind(watch, snapshot)
        return watch

    @rule(watch=watched)
    def send_the_form_again(self, watch: str) -> None:
        view = self.desk.view(watch)
        again = self.desk.intend(self.requests[watch], topic_arn=view.topic_arn)
        assert again == watch
        if view.state == "abandoned":
            assert self.desk.view(watch).state == "intended"

    # --- AWS

    @rule(watch=watched, end=st.sampled_from(["completed", "error", "deleted"]))
    def a_snapshot_ends(self, watch: str, end: str) -> None:
        snapshot = self.made.get(watch)
        if snapshot is None or snapshot in self.ended:
            return
        self.ended[snapshot] = end
        if end == "deleted":
            del self.aws.snapshots[snapshot]
            if self.desk.view(watch).resource_id is None:
                del self.made[watch]  # gone before anybody knew of it
        else:
            self.aws.finish(snapshot, end)

    # --- time and processes

    @rule(seconds=st.sampled_from([1, 5, 60, 700]))
    def time_passes(self, seconds: int) -> None:
        self.desk.later(seconds=seconds)

    @rule(seconds=st.sampled_from([10, 90, 5000]))
    def the_clock_steps_back(self, seconds: int) -> None:
        self.desk.later(seconds=-seconds)

    @rule()
    def the_console_restarts(self) -> None:
        self.desk.restart()

    @rule(fault=faults, after=st.booleans(), other=st.booleans())
    def poll(self, fault: str, after: bool, other: bool) -> None:
        self.arrange("DescribeSnapshots", fault, after, self.other("poll") if other else None)
        self.survive(self.desk.watches.poll)

    @rule(fault=faults, after=st.booleans(), other=st.booleans())
    def send(self, fault: str, after: bool, other: bool) -> None:
        self.arrange("Publish", fault, after, self.other("send") if other else None)
        published = len(self.aws.published)
        self.survive(self.desk.watches.send)
        if fault in UNSURE and len(self.aws.published) > published:
            self.unsure[self.aws.ids()[published]] += 1

    @rule(step=st.sampled_from(["poll", "send"]), commit=st.integers(1, 2))
    def die_at_a_commit(self, step: str, commit: int) -> None:
        """The process dies just before its first or second commit."""
        left = [commit]

        def fatal(_connection: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise Killed

        published = len(self.aws.published)
        event.listen(self.engine, "commit", fatal)
        try:
            self.survive(getattr(self.desk.watches, step))
        finally:
            event.remove(self.engine, "commit", fatal)
        if len(self.aws.published) > published and left[0] == 0:
            self.unsure[self.aws.ids()[published]] += 1

    def other(self, step: str) -> Callable[[], None]:
        """Another process does the same step at the same time."""
        desk = Desk(self.engine, self.aws, self.desk.poll)
        desk.now = self.desk.now

        def meanwhile() -> None:
            getattr(desk.watches, step)(desk.now)

        return meanwhile

    def arrange(
        self, operation: str, fault: str, after: bool, meanwhile: Callable[[], None] | None
    ) -> None:
        strike = (CLEAN | UNSURE).get(fault, lambda: None)
        # What AWS refuses it has not done; only what is unsure may strike after the deed.
        moment = self.aws.after if after and fault in UNSURE else self.aws.before

        def befall() -> None:
            if meanwhile:
                meanwhile()
            strike()

        moment[operation] = [befall]

    def survive(self, step: Callable[..., bool]) -> None:
        try:
            step(self.desk.now)
        except Killed:
            self.desk.restart()
        finally:
            self.aws.before.clear()
            self.aws.after.clear()

    # --- what must hold

    @invariant()
    def nothing_is_published_that_is_not_owed(self) -> None:
        told = Counter(self.aws.ids())
        for identity, times in told.items():
            assert times <= 1 + self.unsure[identity], "twice without a crash or a lost answer"
        assert set(told) <= {
            notice_of(self.facts(watch), outcome)
            for watch in self.made
            for outcome in self.possible(watch)
        }

    def possible(self, watch: str) -> tuple[str, ...]:
        end = self.ended.get(self.made[watch], "")
        return {"completed": ("completed",), "error": ("failed",), "deleted": ("vanished",)}.get(
            end, ()
        )

    def facts(self, watch: str) -> dict[str, str]:
        topic = self.desk.view(watch).topic_arn
        snapshot = self.made[watch]
        place = {"account": ACCOUNT, "region": REGION}
        same = {"kind": "snapshot", "occasion": "", "resource_id": snapshot}
        return {**place, **same, "topic_arn": topic}

    def teardown(self) -> None:
        with self.ending:
            self.settle()
            self.check_every_promise()

    def settle(self) -> None:
        """AWS is well, and enough time passes for everything to be noticed and retried."""
        for snapshot in self.made.values():
            if snapshot not in self.ended:
                self.ended[snapshot] = "completed"
                self.aws.finish(snapshot)
        for _ in range(2):
            for view in self.desk.watches.list("open", limit=1000):
                for notice in view.notices:
                    if notice.state == "parked":
                        self.desk.watches.retry(notice.id)
            for _ in range(5):
                self.desk.tick(minutes=6)

    def check_every_promise(self) -> None:
        told = Counter(self.aws.ids())
        for watch in self.requests:
            view = self.desk.view(watch)
            assert not view.is_open
            if watch not in self.made:
                assert (view.state, view.notices) == ("abandoned", ())
                continue
            assert view.resource_id == self.made[watch]
            assert view.state in OUTCOMES
            assert view.state in self.possible(watch)
            (notice,) = view.notices
            assert notice.state == "sent"
            assert 1 <= told[notice.id] <= 1 + self.unsure[notice.id]
        self.nothing_is_published_that_is_not_owed()


@pytest.mark.parametrize("sort", SORTS)
def test_every_outcome_is_told_and_only_once_without_a_crash(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    new = staticmethod(partial(databases.new, sort))
    monkeypatch.setattr(WatchMachine, "new_database", new, raising=False)
    run_state_machine_as_test(
        WatchMachine,
        settings=settings(
            max_examples=40 if sort == "sqlite" else 5,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
