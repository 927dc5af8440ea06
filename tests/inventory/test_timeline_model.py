"""Readings of every trust in any order: what the pages would have shown, the timeline tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from app.aws.listing import Description
from app.inventory import Inventory
from app.inventory.cells import show
from app.inventory.store import Trust
from tests.databases import SORTS, Databases, open_engine
from tests.inventory.boxes import ACCOUNT, HERE, NOON, Clock, Cloud, box, make_resource

BOXES = ("box", ACCOUNT, HERE)
IDS = ("1", "2", "3")
RESOURCE = make_resource(Cloud().listing())
View = dict[str, str | None]

boxes = st.builds(
    lambda number, state, size, parts, tags: box(number, state, Size=size, Parts=parts, tags=tags),
    st.sampled_from(IDS),
    st.sampled_from(["ready", "packing", "broken"]),
    st.sampled_from([None, 1, 2]),
    st.lists(st.sampled_from(["p-1", "p-2"]), unique=True),
    st.dictionaries(st.sampled_from(["Name", "env"]), st.sampled_from(["a", "b", ""])),
)
some = st.lists(boxes, max_size=3, unique_by=lambda made: made["BoxId"])
ages = st.sampled_from([0, 0, 0, 3, 30, 90])  # seconds since a reading began
trusts: st.SearchStrategy[Trust] = st.sampled_from(["reply", "reread", "read"])
actions = st.sampled_from(["", "", "deed", "misdeed"])


class Timelines(RuleBasedStateMachine):
    """Two processes read and act on three boxes; after each step the views are compared."""

    new_database: Callable[[], AbstractContextManager[str]]

    @initialize()
    def start(self) -> None:
        self.ending = ExitStack()
        self.engine = open_engine(self.ending.enter_context(self.new_database()))
        self.ending.callback(self.engine.dispose)
        self.clock = Clock()
        self.processes = [Inventory(self.engine, {"box": RESOURCE}, self.clock) for _ in range(2)]
        self.processes[0].store_all(*BOXES, [[]], NOON - timedelta(hours=1))
        self.seen: dict[str, View] = {number: {} for number in IDS}
        self.expected: dict[str, list[tuple[str, str | None, str | None]]] = defaultdict(list)

    def teardown(self) -> None:
        if hasattr(self, "ending"):
            self.ending.close()

    @rule(which=st.integers(0, 1), found=some, age=ages, trust=trusts, action=actions)
    def read(
        self, which: int, found: list[Description], age: int, trust: Trust, action: str
    ) -> None:
        seen_at = self.clock() - timedelta(seconds=age)
        self.processes[which].store(*BOXES, found, seen_at, trust, action)

    @rule(which=st.integers(0, 1), found=some, age=ages, size=st.integers(1, 3))
    def refresh(self, which: int, found: list[Description], age: int, size: int) -> None:
        pages = [found[start : start + size] for start in range(0, len(found), size)]
        self.processes[which].store_all(*BOXES, pages, self.clock() - timedelta(seconds=age))

    @rule(which=st.integers(0, 1), found=some, age=ages)
    def break_off(self, which: int, found: list[Description], age: int) -> None:
        def pages():
            yield found
            raise ConnectionError

        with pytest.raises(ConnectionError):
            self.processes[which].store_all(*BOXES, pages(), self.clock() - timedelta(seconds=age))

    @rule(
        which=st.integers(0, 1),
        ids=st.lists(st.sampled_from(IDS)),
        age=ages,
        sure=st.booleans(),
        action=actions,
    )
    def forget(self, which: int, ids: list[str], age: int, sure: bool, action: str) -> None:
        seen_at = self.clock() - timedelta(seconds=age)
        full = [f"box-{number}" for number in ids]
        self.processes[which].forget(*BOXES, full, seen_at, sure, action)

    @rule(seconds=st.sampled_from([1, 5, 61, 3700, -30, -7200]))
    def wait(self, seconds: int) -> None:
        self.clock.move(seconds)

    @invariant()
    def the_timeline_tells_each_difference_between_views_once(self) -> None:
        for number in IDS if hasattr(self, "engine") else ():
            before, after = self.seen[number], self._view(number)
            self.seen[number] = after
            steps = [
                (field, before.get(field), after.get(field))
                for field in {**before, **after}
                if before.get(field) != after.get(field)
            ]
            if not before:  # what it was like when it came is no change
                steps = [step for step in steps if step[0] == "resource"]
            self.expected[number] += sorted(steps, key=str)
            told = [
                (change.field, change.before, change.after)
                for change in reversed(self.processes[0].timeline("box", f"box-{number}"))
            ]
            fresh = told[len(self.expected[number]) - len(steps) :]
            assert sorted(fresh, key=str) == sorted(steps, key=str)
            assert len(told) == len(self.expected[number])

    def _view(self, number: str) -> View:
        row = self.processes[1].get("box", f"box-{number}")
        if row is None:
            return {}
        view: View = {"resource": "gone" if row.gone else "there", "state": row.state}
        view["size"] = show(row.cells["size"]) or None
        view["parts"] = ", ".join(sorted(row.cells["parts"] or [])) or None
        view |= {f"tag:{key}": value for key, value in row.tags.items()}
        return view


@pytest.mark.parametrize("sort", SORTS)
def test_what_the_pages_would_have_shown_the_timeline_tells(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, sort: str
):
    new = staticmethod(partial(databases.new, sort))
    monkeypatch.setattr(Timelines, "new_database", new, raising=False)
    run_state_machine_as_test(
        Timelines,
        settings=settings(
            max_examples=40 if sort == "sqlite" else 6,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )
