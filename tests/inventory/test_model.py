"""Two collectors against a cloud that changes, lags, and fails half-way."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.aws.errors import AwsError, Trouble
from app.inventory import Collector, Inventory
from app.settings import Settings
from tests.databases import SORTS, Databases, open_engine
from tests.inventory.boxes import ACCOUNT, HERE, BoxAccounts, Clock, make_resource, trouble
from tests.inventory.lagging import Lagging

STATES = st.sampled_from(["ready", "packing", "broken"])
SECONDS = st.sampled_from([0, 1, 3, 10, 40, 800])
GONE = "gone"
ANY = "some state"


class Collecting(RuleBasedStateMachine):
    """What this console did is never undone by a reading; after quiet, all is as in the cloud.

    And the timeline tells of everything that the list has shown, in that order, and of nothing
    that was never so.
    """

    new_database: Callable[[], AbstractContextManager[str]]

    @initialize(seed=st.integers(0, 2**32))
    def start(self, seed: int) -> None:
        self.ending = ExitStack()
        self.engine = open_engine(self.ending.enter_context(self.new_database()))
        self.ending.callback(self.engine.dispose)
        self.random = random.Random(seed)
        self.clock = Clock()
        self.cloud = Lagging(self.clock)
        self.number = 0
        self.trouble: Trouble | None = None
        self.cloud.fail = self.maybe_fail
        self.made: set[str] = set()  # by this console, and not deleted since by anybody
        self.deleted: set[str] = set()  # by this console
        self.was: dict[str, set[str]] = defaultdict(set)  # every state that a box has ever had
        self.shown: dict[str, list[str]] = defaultdict(list)  # what the list has shown of a box
        self.collectors = [self.collector(), self.collector()]
        self.inventory = self.collectors[0]._inventory
        self.collectors[0].tick(self.clock())  # from now on what appears is told

    def collector(self) -> Collector:
        resources = {"box": make_resource()}
        inventory = Inventory(self.engine, resources, self.clock)
        accounts = BoxAccounts(self.cloud)
        wait = self.clock.move
        return Collector(inventory, accounts, resources, Settings(regions=(HERE,)), wait)

    def teardown(self) -> None:
        if hasattr(self, "ending"):
            self.ending.close()

    def maybe_fail(self, call: str) -> None:
        if self.trouble and self.random.random() < 0.5:
            raise trouble(self.trouble)

    def some(self, ids: set[str]) -> str:
        return self.random.choice(sorted(ids))

    def touch(self, *ids: str) -> None:
        try:
            self.random.choice(self.collectors).reread("box", ACCOUNT, HERE, ids)
        except AwsError:
            self.inventory.ask("box")

    def turn(self, number: int, state: str) -> dict[str, object]:
        made = self.cloud.set(number, state)
        self.was[made["BoxId"]].add(state)
        return made

    def new(self, state: str) -> dict[str, object]:
        self.number += 1
        return self.turn(self.number, state)

    @rule(state=STATES)
    def make(self, state: str) -> None:
        reply = self.new(state)
        box_id = str(reply["BoxId"])
        self.made.add(box_id)
        self.inventory.store("box", ACCOUNT, HERE, [reply], self.clock())
        self.touch(box_id)

    @rule(state=STATES)
    def somebody_else_makes(self, state: str) -> None:
        self.new(state)

    def deletable(self) -> set[str]:
        """What there is to delete: that which is there, and which this console knows."""
        return set(self.cloud.truth) & set(self.listed())

    @rule()
    def delete(self) -> None:
        if not self.deletable():
            return
        box_id = self.some(self.deletable())
        self.cloud.drop(box_id)
        self.made.discard(box_id)
        self.deleted.add(box_id)
        self.inventory.forget("box", ACCOUNT, HERE, [box_id], self.clock())
        self.touch(box_id)

    @precondition(lambda self: self.cloud.truth)
    @rule()
    def somebody_else_deletes(self) -> None:
        box_id = self.some(set(self.cloud.truth))
        self.cloud.drop(box_id)
        self.made.discard(box_id)

    @precondition(lambda self: self.cloud.truth)
    @rule(state=STATES)
    def change(self, state: str) -> None:
        box_id = self.some(set(self.cloud.truth))
        self.turn(int(box_id.removeprefix("box-")), state)
        self.touch(box_id)

    @precondition(lambda self: self.cloud.truth)
    @rule(state=STATES)
    def somebody_else_changes(self, state: str) -> None:
        self.turn(int(self.some(set(self.cloud.truth)).removeprefix("box-")), state)

    def time_passes(self, seconds: int, lag: int) -> None:
        self.clock.move(seconds)
        self.cloud.lag = timedelta(seconds=lag)

    @rule(which=st.integers(0, 1), seconds=SECONDS, lag=st.integers(0, 20))
    def work(self, which: int, seconds: int, lag: int) -> None:
        self.time_passes(seconds, lag)
        self.collectors[which].tick(self.clock())

    @rule(seconds=st.integers(1, 20))
    def work_on_what_was_just_deleted(self, seconds: int) -> None:
        self.delete()
        self.time_passes(seconds, lag=20)
        for collector in self.collectors:
            collector.tick(self.clock())

    @rule(which=st.integers(0, 1))
    def work_while_the_other_works(self, which: int) -> None:
        def meanwhile() -> None:
            self.cloud.meanwhile = lambda: None
            self.collectors[1 - which].tick(self.clock())

        self.cloud.meanwhile = meanwhile
        self.collectors[which].tick(self.clock())
        self.cloud.meanwhile = lambda: None

    @rule(which=st.integers(0, 1))
    def something_changes_while_a_refresh_runs(self, which: int) -> None:
        def meanwhile() -> None:
            self.cloud.meanwhile = lambda: None
            self.clock.move(1)
            self.new("ready")
            self.delete()

        self.cloud.meanwhile = meanwhile
        self.collectors[which].tick(self.clock())
        self.cloud.meanwhile = lambda: None

    @rule(what=st.sampled_from([None, None, "throttled", "refused", "uncertain"]))
    def fail(self, what: Trouble | None) -> None:
        self.trouble = what

    @rule()
    def a_process_starts_anew(self) -> None:
        self.collectors[1] = self.collector()

    @rule()
    def a_process_is_killed_in_a_refresh(self) -> None:
        def killed() -> None:
            self.cloud.meanwhile = lambda: None
            raise KeyboardInterrupt

        self.cloud.meanwhile = killed
        try:
            self.collectors[1].tick(self.clock())
        except KeyboardInterrupt:
            self.collectors[1] = self.collector()
        self.cloud.meanwhile = lambda: None

    def listed(self) -> dict[str, str]:
        return {row.id: row.state for row in self.inventory.all("box")}

    @invariant()
    def what_was_done_here_stays_done(self) -> None:
        if not hasattr(self, "inventory"):
            return
        listed = self.listed()
        assert self.made <= listed.keys()
        assert not self.deleted & listed.keys()
        for box_id in {*listed, *self.shown}:
            present = listed.get(box_id, GONE)
            if self.shown[box_id][-1:] != [present]:
                self.shown[box_id].append(present)

    def told(self, box_id: str) -> list[str]:
        """What a box was, one after the other, by its timeline; ANY where that does not say."""
        told: list[str] = []
        for change in reversed(self.inventory.timeline("box", box_id)):
            if not told and change.before is not None:
                told.append(ANY)
            if change.field == "resource":
                told.append(GONE if change.after == "gone" else ANY)
            elif change.field == "state":
                assert told[-1] in {ANY, change.before}
                told[-1:] = [str(change.before), str(change.after)]
        return told or [ANY]

    @rule()
    def after_quiet_all_is_as_in_the_cloud(self) -> None:
        self.trouble, self.cloud.lag = None, timedelta(0)
        for _ in range(3):
            self.clock.move(800)
            for collector in self.collectors:
                while collector.tick(self.clock()):
                    pass
        assert self.listed() == {i: made["State"] for i, made in self.cloud.truth.items()}
        assert sum(self.inventory.counts()["box"].values()) == len(self.cloud.truth)
        self.what_was_done_here_stays_done()
        for box_id, shown in self.shown.items():
            told = self.told(box_id)
            assert _in_order(shown, told), (box_id, shown, told)
            assert set(told) - {GONE, ANY} <= self.was[box_id]


def _in_order(some: list[str], everything: list[str]) -> bool:
    rest = iter(everything)
    return all(any(one == each or (one == ANY and each != GONE) for one in rest) for each in some)


@pytest.mark.parametrize("sort", SORTS)
def test_what_was_done_here_stays_done_and_the_rest_comes_true(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    new = staticmethod(partial(databases.new, sort))
    monkeypatch.setattr(Collecting, "new_database", new, raising=False)
    run_state_machine_as_test(
        Collecting,
        settings=settings(
            max_examples=25 if sort == "sqlite" else 5, stateful_step_count=30, deadline=None
        ),
    )
