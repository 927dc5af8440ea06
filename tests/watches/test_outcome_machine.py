"""What watches on things that go through several outcomes tell, against a model.

Pollers die, ask at the same time, find AWS away; clocks step. What is told must not depend on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
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

from app.resources import AWAITED
from app.resources.spec import LATE, VANISHED
from app.watches import WatchError
from app.watches.outcomes import nothing_to_come, passed_already
from tests.databases import SORTS, Databases, open_engine
from tests.watches.desk import Desk
from tests.watches.fakes import START, FakeAws, Killed, die, refuse, unreachable

LIMIT = 600
# The ways that AWS goes: from each state to which, by kind.
WAYS = {
    "modification": {"modifying": ["optimizing", "failed"], "optimizing": ["completed", "failed"]},
    "instance": {
        "pending": ["running"],
        "running": ["stopping", "shutting-down"],
        "stopping": ["stopped"],
        "stopped": ["pending", "terminated"],
        "shutting-down": ["terminated"],
    },
    "image": {"pending": ["available", "failed"], "available": ["disabled"]},
}
KEYS = {"modification": "VolumeId", "instance": "InstanceId", "image": "ImageId"}
OPERATIONS = ("DescribeVolumesModifications", "DescribeInstances", "DescribeImages")
FAULTS: dict[str, Callable[[], None]] = {
    "": lambda: None,
    "away": unreachable(),
    "throttled": refuse("RequestLimitExceeded", 503),
    "death": die,
}


@dataclass
class Thing:
    """Something in AWS: every state that it has been in, and the watches on it."""

    kind: str
    name: str
    states: list[str]
    began: datetime = START

    @property
    def description(self) -> dict[str, Any]:
        told = {KEYS[self.kind]: self.name}
        state = self.states[-1]
        if self.kind == "instance":
            return {**told, "State": {"Name": state}, "LaunchTime": self.began.isoformat()}
        if self.kind == "image":
            return {**told, "State": state, "CreationDate": self.began.isoformat()}
        return {**told, "ModificationState": state, "StartTime": self.began.isoformat()}


@dataclass
class Promise:
    """A watch as the model has it: what was chosen, and where its thing was when it was made."""

    thing: Thing
    outcomes: tuple[str, ...]
    since: int
    made_at: datetime
    passed: tuple[str, ...]
    cancelled: bool = False

    @property
    def reached(self) -> set[str]:
        """The outcomes that its thing has reached since."""
        states = self.thing.states[self.since :]
        every = AWAITED[self.thing.kind].outcomes
        return {each.name for each in every if set(each.states) & set(states)} - set(self.passed)


class OutcomeMachine(RuleBasedStateMachine):
    """Things go their ways in AWS, and people want to be told."""

    new_database: Callable[[], AbstractContextManager[str]]
    things = Bundle("things")

    def __init__(self) -> None:
        super().__init__()
        self.ending = ExitStack()
        self.engine = open_engine(self.ending.enter_context(self.new_database()))
        self.ending.callback(self.engine.dispose)
        self.aws = FakeAws()
        self.desk = Desk(self.engine, self.aws, poll=timedelta(seconds=5))
        self.latest = self.desk.now
        self.promises: dict[str, Promise] = {}

    @rule(target=things, kind=st.sampled_from(sorted(WAYS)))
    def something_begins(self, kind: str) -> Thing:
        number = sum(len(each) for each in self.aws.others.values())
        thing = Thing(kind, f"{kind}-{number}", [next(iter(WAYS[kind]))], self.desk.now)
        self.aws.put(kind, **thing.description)
        return thing

    @rule(thing=things, choice=st.randoms(use_true_random=False))
    def it_goes_on(self, thing: Thing, choice: Any) -> None:
        ways = WAYS[thing.kind].get(thing.states[-1])
        if not ways:
            return
        thing.states.append(choice.choice(ways))
        if thing.states[-1] == "pending":  # launched anew: AWS's clock does not step
            thing.began += timedelta(hours=1)
        self.aws.put(thing.kind, **thing.description)

    @rule(thing=things, data=st.data(), limited=st.booleans())
    def somebody_wants_to_be_told(self, thing: Thing, data: st.DataObject, limited: bool) -> None:
        awaited = AWAITED[thing.kind]
        names = [each.name for each in awaited.outcomes]
        chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
        passed = passed_already(awaited, thing.description)
        more = {"outcomes": chosen, "late_after": LIMIT if limited else None}
        if nothing_to_come(awaited, chosen, passed):
            with pytest.raises(WatchError, match="already"):
                self.desk.put_on(thing.description, kind=thing.kind, **more)
            return
        watch = self.desk.put_on(thing.description, kind=thing.kind, **more)
        if watch not in self.promises:
            outcomes = tuple(name for name in names if name in chosen)
            since = len(thing.states) - 1
            made = Promise(thing, outcomes, since, self.desk.now, passed)
            self.promises[watch] = made

    @rule(data=st.data())
    def somebody_cancels(self, data: st.DataObject) -> None:
        waiting = [view.id for view in self.desk.watches.list("waiting", limit=1000)]
        if waiting:
            watch = data.draw(st.sampled_from(sorted(waiting)))
            self.desk.watches.cancel(watch)
            self.promises[watch].cancelled = True

    @rule(seconds=st.sampled_from([5, 20, 60, 400]))
    def time_passes(self, seconds: int) -> None:
        self.desk.later(seconds=seconds)
        self.latest = max(self.latest, self.desk.now)

    @rule(seconds=st.sampled_from([10, 90, 5000]))
    def the_clock_steps_back(self, seconds: int) -> None:
        self.desk.later(seconds=-seconds)

    @rule(fault=st.sampled_from(["", "", *FAULTS]), after=st.booleans(), other=st.booleans())
    def poll(self, fault: str, after: bool, other: bool) -> None:
        another = Desk(self.engine, self.aws, self.desk.poll)
        another.now = self.desk.now

        def befall() -> None:
            if other:
                another.watches.poll(another.now + timedelta(seconds=30))
            FAULTS[fault]()

        for operation in OPERATIONS:
            (self.aws.after if after else self.aws.before)[operation] = [befall]
        self.survive()
        if other:
            self.latest = max(self.latest, another.now + timedelta(seconds=30))

    @rule(commit=st.integers(1, 3))
    def die_at_a_commit(self, commit: int) -> None:
        left = [commit]

        def fatal(_connection: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise Killed

        event.listen(self.engine, "commit", fatal)
        try:
            self.survive()
        finally:
            event.remove(self.engine, "commit", fatal)

    def survive(self) -> None:
        try:
            self.desk.watches.poll(self.desk.now)
        except Killed:
            self.desk.restart()
        finally:
            self.aws.before.clear()
            self.aws.after.clear()

    def owed(self) -> dict[str, list[str]]:
        """The outcomes that each watch owes or has told, by its history."""
        found = {}
        for watch in self.promises:
            owed = [each for each in self.desk.view(watch).events if each.kind == "owed"]
            found[watch] = [each.text.removeprefix("Outcome: ").partition(".")[0] for each in owed]
        return found

    @invariant()
    def only_what_happened_is_owed_and_once(self) -> None:
        for watch, owed in self.owed().items():
            promise = self.promises[watch]
            assert set(Counter(owed).values()) <= {1}
            possible = promise.reached & set(promise.outcomes)
            began = promise.made_at if promise.thing.kind == "instance" else promise.thing.began
            if LATE in promise.outcomes and self.latest >= began + timedelta(seconds=LIMIT):
                possible |= {LATE}
            assert set(owed) <= possible

    def teardown(self) -> None:
        try:
            self.desk.now = self.latest  # the clock is right again
            for minutes in (1, 1, 11, 1, 1):
                self.desk.tick(minutes=minutes)
            self.latest = max(self.latest, self.desk.now)
            self.only_what_happened_is_owed_and_once()
            for watch, owed in self.owed().items():
                if not self.promises[watch].cancelled:
                    self.check(watch, set(owed))
            assert Counter(self.aws.ids()).total() == len(set(self.aws.ids()))
        finally:
            self.ending.close()

    def check(self, watch: str, owed: set[str]) -> None:
        promise, view = self.promises[watch], self.desk.view(watch)
        wanted = promise.reached & set(promise.outcomes) - {LATE, VANISHED}
        if promise.thing.kind == "instance":
            # What passes between two looks is known only if it was stopped and runs again.
            state = promise.thing.states[-1]
            certain = {state, "stopped"} if state in {"pending", "running"} else {state}
            wanted &= certain
        ended = promise.reached & {
            each.name for each in AWAITED[promise.thing.kind].outcomes if each.ends
        }
        assert wanted <= owed
        assert not ended or view.state != "waiting"
        if LATE in promise.outcomes and view.late_after and view.state == "waiting":
            assert LATE in owed


@pytest.mark.parametrize("sort", SORTS)
def test_what_is_told_does_not_depend_on_who_dies_and_when(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    new = staticmethod(partial(databases.new, sort))
    monkeypatch.setattr(OutcomeMachine, "new_database", new, raising=False)
    run_state_machine_as_test(
        OutcomeMachine,
        settings=settings(
            max_examples=40 if sort == "sqlite" else 10,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
