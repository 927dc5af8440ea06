"""The sender against a model: whatever dies, fails, hangs or is lost, each notice goes out, once.

Once means: not again unless the model knows a reason, and then once more for each reason. A
process that dies gives one reason at most, whatever it had claimed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError

from app.watches import WatchError
from app.watches.claims import LEASE
from app.watches.tables import topic_settings
from tests.databases import SORTS, Databases, open_engine
from tests.watches.desk import Desk
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
from tests.watches.notices import at_commit, rows, trouble

HELD = f"arn:aws:sns:{REGION}:{ACCOUNT}:careful"  # what is in doubt waits for a person
FIFO = f"{TOPIC}.fifo"
OPEN = (TOPIC, f"arn:aws:sns:us-east-1:{ACCOUNT}:others")  # gets it again by itself
TOPICS = (*OPEN, HELD, FIFO)
FORGOTTEN = 300.0  # seconds after which SNS takes for new what came to a FIFO topic before

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
both = st.integers(0, 1)
faults = st.sampled_from(["", "", "", *CLEAN, *UNSURE])
things = st.sampled_from(["", "", "other", "hang", "lid", "person", "stop"])


class Sns(FakeAws):
    """Knows when each message came, by a clock that nobody sets."""

    def __init__(self, age: Callable[[], float]) -> None:
        super().__init__()
        self._age = age
        self.came: list[float] = []

    def do(self, name: str, parameters: dict[str, Any], region: str) -> dict[str, Any]:
        """As FakeAws, with the time."""
        if name == "Publish":
            self.came.append(self._age())
        return super().do(name, parameters, region)

    def delivered(self) -> Counter[str]:
        """How often subscribers got each notice."""
        told: Counter[str] = Counter()
        known: dict[str, float] = {}
        for identity, message, at in zip(self.ids(), self.published, self.came, strict=True):
            fifo = str(message["TopicArn"]).endswith(".fifo")
            if fifo and at < known.get(identity, -FORGOTTEN) + FORGOTTEN:
                continue
            known[identity] = at
            told[identity] += 1
        return told


class SenderMachine(RuleBasedStateMachine):
    """Two processes send what is owed while everything around them goes wrong."""

    new_database: Callable[[], AbstractContextManager[str]]

    def __init__(self) -> None:
        super().__init__()
        self.ending = ExitStack()
        self.engine = open_engine(self.ending.enter_context(self.new_database()))
        self.ending.callback(self.engine.dispose)
        self.aws = Sns(lambda: self.desks[0].age)
        self.desks = [Desk(self.engine, self.aws, timedelta(seconds=5)) for _ in range(2)]
        self.topics: dict[str, str] = {}  # notice -> its topic
        self.reasons: Counter[str] = Counter()  # notice -> why it may have gone out once more
        # notice -> how often it was taken over from a process that then went on
        self.hangs: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()  # notice -> how often a person sent it again
        self.settled: set[str] = set()

    @initialize()
    def people_want_to_be_asked(self) -> None:
        values = {"topic_arn": HELD, "when_uncertain": "hold", "actor": "me"}
        with self.engine.begin() as connection:
            row = insert(topic_settings).values(**values, changed_at=self.desks[0].now)
            connection.execute(row)

    # --- people

    @rule(topic=st.sampled_from(TOPICS), number=st.integers(1, 3))
    def notices_are_owed(self, topic: str, number: int) -> None:
        for _ in range(number):
            identity = self.desks[0].watches.test(topic, ACCOUNT, REGION)
            self.topics[identity] = topic

    @rule(number=st.integers(0, 20), says=st.sampled_from(["again", "arrived"]))
    def a_person_decides(self, number: int, says: str) -> None:
        self.decide(number, says)

    def decide(self, number: int, says: str) -> None:
        open_ones = [row for row in rows(self.engine) if row["state"] != "sent"]
        if not open_ones:
            return
        row = open_ones[number % len(open_ones)]
        try:
            if says == "again":
                self.desks[0].watches.retry(row["id"])
                self.asked[row["id"]] += row["state"] == "held"
            elif self.aws.ids().count(row["id"]):  # people look before they say so
                self.desks[0].watches.settle(row["id"], "alex")
                self.settled.add(row["id"])
        except WatchError:
            assert row["state"] == "sending" or not row["uncertain"]

    # --- time

    @rule(seconds=st.sampled_from([1, 5, 60, 280, 1000]))
    def time_passes(self, seconds: int) -> None:
        """Both look out meanwhile, and write what they could not; the first minute of it."""
        left = float(seconds)
        for _ in range(15):
            part = min(4.0, left)
            left -= part
            for desk in self.desks:
                desk.stopped(part)
                desk.watches.finish()
                desk.watches.recover(desk.now)
        for desk in self.desks:
            desk.stopped(left)

    @rule(seconds=st.sampled_from([-5000, -90, -30, 30, 5000]))
    def the_clock_is_set(self, seconds: int) -> None:
        """It is that of one machine; both look half a second later, as they always do."""
        for desk in self.desks:
            desk.now += timedelta(seconds=seconds)
            desk.watches.recover(desk.now)

    @rule(seconds=st.sampled_from([-25, 25]))
    def one_clock_is_not_quite_right(self, seconds: int) -> None:
        ahead = (self.desks[1].now - self.desks[0].now).total_seconds() + seconds
        if abs(ahead) < 55:
            self.desks[1].now += timedelta(seconds=seconds)

    # --- processes

    @rule(which=both)
    def a_process_is_killed(self, which: int) -> None:
        self.kill(which)

    @rule(which=both)
    def a_process_ends_in_order(self, which: int) -> None:
        desk = self.desks[which]
        desk.watches.stop()
        desk.watches.finish()
        assert self.in_doubt(desk) == []
        desk.restart()

    @rule(which=both)
    def look(self, which: int) -> None:
        self.desks[which].watches.recover(self.desks[which].now)

    @rule(
        which=both,
        fault=faults,
        at=st.integers(1, 3),
        after=st.booleans(),
        meanwhile=things,
        number=st.integers(0, 20),
    )
    def send(
        self, which: int, fault: str, at: int, after: bool, meanwhile: str, number: int
    ) -> None:
        """What befalls the publish of that number, before SNS's deed or after it."""
        happen = self.meanwhile(which, meanwhile, number)
        strike = (CLEAN | UNSURE).get(fault, lambda: None)
        late = after and fault in UNSURE

        def befall() -> None:
            happen()
            if late and fault != "death":
                self.reasons[self.aws.ids()[-1]] += 1
            strike()

        moment = self.aws.after if late else self.aws.before
        moment["Publish"] = [*[lambda: None] * (at - 1), befall]
        self.step(which)

    @rule(which=both, commit=st.integers(1, 4))
    def die_at_a_commit(self, which: int, commit: int) -> None:
        self.step(which, at_commit(self.engine, commit, lambda _: die()))

    @rule(which=both, commit=st.integers(1, 4), written=st.booleans())
    def the_database_fails(self, which: int, commit: int, written: bool) -> None:
        self.step(which, trouble(self.engine, commit, written))

    def meanwhile(self, which: int, what: str, number: int) -> Callable[[], None]:
        """What goes on while the process waits for SNS."""
        desk, other = self.desks[which], self.desks[1 - which]

        def hang() -> None:
            """It says nothing for so long that the other one takes over."""
            attributes = self.aws.calls[-1][2]["MessageAttributes"]
            self.hangs[attributes["notice_id"]["StringValue"]] += 1
            for _ in range(8):
                for each in self.desks:
                    each.stopped(4)
                other.watches.recover(other.now)
            other.watches.send(other.now)

        def lid() -> None:
            """The whole machine sleeps for an hour."""
            other.watches.recover(other.now)
            for each in self.desks:
                each.stopped(3600)
            other.watches.recover(other.now)

        return {
            "": lambda: None,
            "other": lambda: [other.watches.recover(other.now), other.watches.send(other.now)],
            "hang": hang,
            "lid": lid,
            "person": lambda: self.decide(number, "again"),
            "stop": desk.watches.stop,
        }[what]  # type: ignore[return-value]

    def step(self, which: int, around: AbstractContextManager[Any] | None = None) -> None:
        desk = self.desks[which]
        try:
            with around or nullcontext():
                desk.watches.send(desk.now)
        except Killed:
            self.kill(which)
        except OperationalError:
            pass  # the process goes on
        finally:
            self.aws.before.clear()
            self.aws.after.clear()
        if desk.watches._sender._stopping.is_set():
            self.a_process_ends_in_order(which)

    def kill(self, which: int) -> None:
        """The model's account of it: what the process had published and not written."""
        for identity in self.in_doubt(self.desks[which]):
            self.reasons[identity] += 1
        self.desks[which].restart()

    def in_doubt(self, desk: Desk) -> list[str]:
        """What the process is publishing, as the table says; never more than one."""
        mine = desk.watches._sender._owner
        found = [
            row["id"]
            for row in rows(self.engine)
            if row["state"] == "sending" and row["owner"] == mine
        ]
        assert len(found) <= 1
        return found

    # --- what must hold

    @invariant()
    def nothing_goes_out_more_often_than_there_are_reasons(self) -> None:
        for identity, times in self.aws.delivered().items():
            most = 1 + self.asked[identity]
            if self.topics[identity] != FIFO:
                most += self.hangs[identity]
            if self.topics[identity] in OPEN:
                most += self.reasons[identity]
            assert times <= most, self.topics[identity]

    @invariant()
    def what_is_sent_was_published(self) -> None:
        out = set(self.aws.ids())
        for row in rows(self.engine):
            assert row["state"] != "sent" or row["id"] in out

    def teardown(self) -> None:
        with self.ending:
            self.nothing_goes_out_more_often_than_there_are_reasons()
            self.all_is_well_again()
            assert {row["state"] for row in rows(self.engine)} <= {"sent"}
            assert set(self.aws.ids()) == self.topics.keys(), "none is lost"
            self.nothing_goes_out_more_often_than_there_are_reasons()

    def all_is_well_again(self) -> None:
        """Within a minute what was left is taken over; then people decide what needs them."""
        self.time_passes(int(LEASE.total_seconds()) + 35)
        for _ in range(4):
            out = self.aws.ids()
            for row in rows(self.engine):
                if row["state"] == "held" and row["id"] in out:
                    self.desks[0].watches.settle(row["id"], "alex")
                elif row["state"] in {"held", "parked"}:
                    self.desks[0].watches.retry(row["id"])
            for desk in self.desks:
                while desk.watches.send(desk.now):
                    pass
            self.time_passes(1000)


@pytest.mark.parametrize("sort", SORTS)
def test_each_notice_goes_out_and_not_again_without_a_reason(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    new = staticmethod(partial(databases.new, sort))
    monkeypatch.setattr(SenderMachine, "new_database", new, raising=False)
    run_state_machine_as_test(
        SenderMachine,
        settings=settings(
            max_examples=40 if sort == "sqlite" else 8,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
