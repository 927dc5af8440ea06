from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, select

from app.aws.listing import Description
from app.inventory import ActivityQuery, Change, Inventory, store
from app.inventory.tables import changes, resources
from app.resources.spec import Column
from tests.databases import ON_SQLITE
from tests.inventory.boxes import (
    ACCOUNT,
    HERE,
    NOON,
    THERE,
    Clock,
    Cloud,
    box,
    make_resource,
    trouble,
)

BOXES = ("box", ACCOUNT, HERE)


@pytest.fixture
def collected(inventory: Inventory) -> Inventory:
    """An inventory whose first refresh of both regions has ended, with nothing found."""
    inventory.store_all(*BOXES, [[]], NOON - timedelta(hours=1))
    inventory.store_all("box", ACCOUNT, THERE, [[]], NOON - timedelta(hours=1))
    return inventory


def read(inventory: Inventory, clock: Clock, *found: Description, action: str = "") -> None:
    inventory.store(
        *BOXES, found, clock.move(5), trust="reread" if action else "read", action=action
    )


def told(
    inventory: Inventory, resource_id: str = "box-1"
) -> list[tuple[str, str | None, str | None]]:
    """What the timeline tells, oldest first, without its first coming."""
    found = inventory.timeline("box", resource_id)
    steps = [(change.field, change.before, change.after) for change in reversed(found)]
    return [step for step in steps if step != ("resource", None, "there")]


def test_a_change_of_state_is_told_with_what_it_was_and_when_it_was_seen(
    collected: Inventory, clock: Clock
):
    read(collected, clock, box(1, "packing", name="first"))
    read(collected, clock, box(1, "ready", name="first"))
    newest = collected.timeline("box", "box-1")[0]
    assert newest == Change(
        seq=newest.seq,
        at=clock(),
        kind="box",
        account=ACCOUNT,
        region=HERE,
        id="box-1",
        name="first",
        field="state",
        before="packing",
        after="ready",
        action=None,
    )


def test_tags_come_change_and_go(collected: Inventory, clock: Clock):
    read(collected, clock, box(1, tags={"team": "shop", "env": "dev"}))
    read(collected, clock, box(1, tags={"team": "data", "owner": ""}))
    assert sorted(told(collected)) == [
        ("tag:env", "dev", None),
        ("tag:owner", None, ""),
        ("tag:team", "shop", "data"),
    ]


def test_what_is_not_tracked_is_stored_and_not_told(collected: Inventory, clock: Clock):
    read(collected, clock, box(1, Note="old"))
    read(collected, clock, box(1, Note="new"))
    row = collected.get("box", "box-1")
    assert row is not None
    assert row.cells["note"] == "new"
    assert told(collected) == []


def test_another_order_of_a_list_is_no_change(collected: Inventory, clock: Clock):
    read(collected, clock, box(1, Parts=["p-1", "p-2"]))
    read(collected, clock, box(1, Parts=["p-2", "p-1"]))
    assert told(collected) == []
    read(collected, clock, box(1, Parts=["p-3", "p-2"]))
    assert told(collected) == [("parts", "p-1, p-2", "p-2, p-3")]


def test_an_empty_list_is_like_none(collected: Inventory, clock: Clock):
    read(collected, clock, box(1))
    read(collected, clock, box(1, Parts=[]))
    assert told(collected) == []
    read(collected, clock, box(1, Parts=["p-1"]))
    read(collected, clock, box(1))
    assert told(collected) == [("parts", None, "p-1"), ("parts", "p-1", None)]


def test_what_the_first_refresh_of_a_region_finds_was_there_already(
    inventory: Inventory, clock: Clock
):
    inventory.store_all("box", ACCOUNT, THERE, [[box(7)]], NOON)

    def pages() -> Iterator[list[Description]]:
        yield [box(1)]
        read(inventory, clock, box(2))
        yield [box(3)]

    inventory.store_all(*BOXES, pages(), NOON)
    assert inventory.activity(ActivityQuery()) == []
    inventory.store_all(*BOXES, [[box(1), box(2), box(3), box(4)]], clock.move(15))
    [change] = inventory.activity(ActivityQuery())
    assert (change.id, change.field, change.before, change.after) == (
        "box-4",
        "resource",
        None,
        "there",
    )


def test_what_an_action_makes_is_told_even_before_the_first_refresh(
    inventory: Inventory, clock: Clock
):
    inventory.store(*BOXES, [box(1)], NOON, action="deed")
    [change] = inventory.timeline("box", "box-1")
    assert (change.field, change.after, change.action) == ("resource", "there", "deed")


def test_going_and_coming_back_are_told(collected: Inventory, clock: Clock):
    read(collected, clock, box(1))
    collected.store_all(*BOXES, [[]], clock.move(120))
    clock.move(20)
    read(collected, clock, box(1, "broken"))
    found = [
        (change.field, change.before, change.after)
        for change in reversed(collected.timeline("box", "box-1"))
    ]
    assert found == [
        ("resource", None, "there"),
        ("resource", "there", "gone"),
        ("resource", "gone", "there"),
        ("state", "ready", "broken"),
    ]


def test_a_refresh_that_breaks_off_tells_of_no_going(collected: Inventory, clock: Clock):
    read(collected, clock, box(1), box(2))

    def broken() -> Iterator[list[Description]]:
        yield [box(1)]
        raise trouble("throttled")

    with pytest.raises(Exception, match="did not work"):
        collected.store_all(*BOXES, broken(), clock.move(120))
    assert told(collected, "box-2") == []


def test_what_is_no_longer_collected_is_not_said_to_have_gone(collected: Inventory, clock: Clock):
    read(collected, clock, box(1))
    collected.keep({(ACCOUNT, THERE)})
    collected.store_all(*BOXES, [[box(1, "broken")]], clock.move(120))
    assert told(collected) == [("state", "ready", "broken")]


def test_an_older_reading_that_is_not_believed_is_not_told(collected: Inventory, clock: Clock):
    read(collected, clock, box(1, "packing"))
    read(collected, clock, box(1, "ready"))
    collected.store(*BOXES, [box(1, "packing")], clock() - timedelta(seconds=3), trust="read")
    collected.forget(*BOXES, ["box-1"], clock() - timedelta(seconds=3), sure=False)
    assert told(collected) == [("state", "packing", "ready")]


def test_a_clock_that_was_set_back_does_not_silence_the_timeline(
    collected: Inventory, clock: Clock
):
    read(collected, clock, box(1, "packing"))
    clock.move(-3600)
    read(collected, clock, box(1, "ready"))
    read(collected, clock, box(1, "broken"))
    assert told(collected) == [("state", "packing", "ready"), ("state", "ready", "broken")]


def test_what_follows_an_action_within_a_minute_is_put_down_to_it(
    collected: Inventory, clock: Clock
):
    read(collected, clock, box(1, "ready"))
    read(collected, clock, box(1, "packing"), action="deed")
    clock.move(20)
    read(collected, clock, box(1, "ready"))
    clock.move(60)
    read(collected, clock, box(1, "broken"))
    by = [(change.after, change.action) for change in collected.timeline("box", "box-1")]
    assert by[:3] == [("broken", None), ("ready", "deed"), ("packing", "deed")]


def test_what_an_action_touched_without_an_answer_is_put_down_to_it(
    collected: Inventory, clock: Clock
):
    read(collected, clock, box(1), box(2))
    collected.acted(*BOXES, ["box-1"], "deed", clock() + timedelta(seconds=30))
    read(collected, clock, box(1, "broken"), box(2, "broken"))
    collected.store_all(*BOXES, [[]], clock.move(10))
    of_one = [change.action for change in collected.timeline("box", "box-1", limit=2)]
    of_two = [change.action for change in collected.timeline("box", "box-2", limit=2)]
    assert (of_one, of_two) == (["deed", "deed"], [None, None])


def test_what_an_action_deletes_is_put_down_to_it(collected: Inventory, clock: Clock):
    read(collected, clock, box(1))
    collected.forget(*BOXES, ["box-1"], clock.move(1), action="deed")
    newest = collected.timeline("box", "box-1")[0]
    assert (newest.field, newest.after, newest.action) == ("resource", "gone", "deed")


def test_a_clock_that_was_set_back_puts_nothing_down_to_an_action_for_long(
    collected: Inventory, clock: Clock
):
    read(collected, clock, box(1), action="deed")
    clock.move(-86400)
    read(collected, clock, box(1, "broken"))
    assert collected.timeline("box", "box-1")[0].action is None


def test_to_learn_of_an_extra_is_no_change(collected: Inventory, clock: Clock, engine: Engine):
    resource = make_resource(Cloud().listing())
    sealed = Column("kept", "Kept", lambda d: d.get("_Kept"), "flag", tracked=True)
    resource = replace(resource, columns=(*resource.columns, sealed))
    inventory = Inventory(engine, {"box": resource}, clock)
    read(inventory, clock, box(1))
    read(inventory, clock, {**box(1), "_Kept": False})
    read(inventory, clock, box(1))
    assert told(inventory) == []
    read(inventory, clock, {**box(1), "_Kept": True})
    assert told(inventory) == [("kept", "no", "yes")]


def test_to_learn_what_a_reply_did_not_tell_is_no_change(collected: Inventory, clock: Clock):
    collected.store(*BOXES, [{"BoxId": "box-1", "State": "packing"}], clock.move(5))
    read(collected, clock, box(1, "ready", Size=8, name="first"))
    assert told(collected) == [("state", "packing", "ready")]
    collected.store(*BOXES, [{"BoxId": "box-1", "State": "broken"}], clock.move(5))
    read(collected, clock, box(1, "broken", Size=8, name="first", Parts=["p-1"]))
    assert told(collected)[1:] == [("state", "ready", "broken"), ("parts", None, "p-1")]


def test_a_column_that_is_read_otherwise_since_makes_no_change(
    collected: Inventory, clock: Clock, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    read(collected, clock, box(1, Note="old"))
    resource = make_resource(Cloud().listing())
    columns = [
        replace(column, tracked=True, value=lambda d: d.get("Note", "").upper())
        if column.name == "note"
        else column
        for column in resource.columns
    ]
    newer = Inventory(engine, {"box": replace(resource, columns=tuple(columns))}, clock)
    monkeypatch.setattr("app.inventory.entry._FINGERPRINT", b"a newer release")
    read(newer, clock, box(1, Note="old"))
    assert told(newer) == []
    row = newer.get("box", "box-1")
    assert row is not None
    assert row.cells["note"] == "OLD"
    read(newer, clock, box(1, Note="new"))
    assert told(newer) == [("note", "OLD", "NEW")]


def test_duplicate_ids_on_a_page_make_one_change(collected: Inventory, clock: Clock):
    read(collected, clock, box(1, "packing"))
    collected.store_all(*BOXES, [[box(1, "ready"), box(1, "ready")]] * 2, clock.move(5))
    assert told(collected) == [("state", "packing", "ready")]


def test_odd_text_is_told_as_it_is_shown(collected: Inventory, clock: Clock):
    read(collected, clock, box(1, tags={"mood": "a\0b"}))
    read(collected, clock, box(1, tags={"mood": "half \ud83d of a smile"}))
    assert told(collected) == [("tag:mood", "a\ufffdb", "half \ufffd of a smile")]


def test_fifty_tags_of_the_longest_values_are_told(collected: Inventory, clock: Clock):
    tags = {f"key{number:02}": "😀" * 256 for number in range(50)}
    read(collected, clock, box(1))
    read(collected, clock, box(1, tags=tags))
    assert told(collected) == [(f"tag:{key}", None, value) for key, value in tags.items()]


def test_two_processes_that_see_the_same_tell_it_once(
    collected: Inventory, clock: Clock, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    read(collected, clock, box(1, "packing"))
    other = Inventory(engine, {"box": make_resource(Cloud().listing())}, clock)
    seen_at = clock.move(5)
    found = [box(1, "ready"), box(2)]

    def meanwhile() -> None:  # between comparing and writing
        monkeypatch.undo()
        other.store(*BOXES, found, seen_at, trust="read")

    monkeypatch.setattr(store, "give_way", meanwhile)
    collected.store(*BOXES, found, seen_at, trust="read")
    assert told(collected) == [("state", "packing", "ready")]
    assert len(collected.timeline("box", "box-2")) == 1


def test_a_reply_that_arrives_while_a_page_is_compared_keeps_its_change(
    collected: Inventory, clock: Clock, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    read(collected, clock, {**box(1, "ready"), "_Kept": 1})
    other = Inventory(engine, {"box": make_resource(Cloud().listing())}, clock)
    begun = clock.move(1)
    replied = clock.move(1)

    def meanwhile() -> None:
        monkeypatch.undo()
        other.store(*BOXES, [{**box(1, "packing"), "_Kept": 2}], replied, action="deed")

    monkeypatch.setattr(store, "give_way", meanwhile)
    collected.store(*BOXES, [box(1, "broken")], begun, trust="read")
    assert told(collected) == [("state", "ready", "packing")]
    row = collected.get("box", "box-1")
    assert row is not None
    assert row.description["_Kept"] == 2


def test_a_newer_reading_that_arrives_while_a_page_is_compared_stays(
    collected: Inventory, clock: Clock, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    read(collected, clock, box(1, "packing"))
    other = Inventory(engine, {"box": make_resource(Cloud().listing())}, clock)
    begun = clock.move(1)

    def meanwhile() -> None:
        monkeypatch.undo()
        read(other, clock, box(1, "ready"))

    monkeypatch.setattr(store, "give_way", meanwhile)
    collected.store(*BOXES, [box(1, "broken")], begun, trust="read")
    assert told(collected) == [("state", "packing", "ready")]


def test_an_extra_that_is_learnt_while_a_page_is_compared_is_not_lost(
    collected: Inventory, clock: Clock, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    read(collected, clock, box(1, "ready"))
    other = Inventory(engine, {"box": make_resource(Cloud().listing())}, clock)
    seen_at = clock.move(5)

    def meanwhile() -> None:
        monkeypatch.undo()
        other.store(*BOXES, [{**box(1, "ready"), "_Kept": 1}], seen_at, trust="reread")

    monkeypatch.setattr(store, "give_way", meanwhile)
    collected.store(*BOXES, [box(1, "broken")], seen_at, trust="read")
    row = collected.get("box", "box-1")
    assert row is not None
    assert (row.state, row.description["_Kept"]) == ("broken", 1)


def test_a_write_that_fails_leaves_neither_row_nor_change(
    collected: Inventory, clock: Clock, engine: Engine
):
    read(collected, clock, box(1, "packing"))
    revision = collected.revision("box")

    def fail(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("INSERT INTO changes"):
            raise OSError("disk full")

    event.listen(engine, "before_cursor_execute", fail)
    with pytest.raises(OSError, match="disk full"):
        read(collected, clock, box(1, "ready"))
    event.remove(engine, "before_cursor_execute", fail)
    row = collected.get("box", "box-1")
    assert row is not None
    assert (row.state, told(collected), collected.revision("box")) == ("packing", [], revision)


# Reading it


@pytest.fixture
def lively(collected: Inventory, clock: Clock) -> Inventory:
    """Boxes in two regions to which this and that has happened, a day apart."""
    read(collected, clock, box(1, name="Alpha"), box(2, name="beta"))
    collected.store("box", ACCOUNT, THERE, [box(3)], clock(), trust="read")
    clock.move(86400)
    read(collected, clock, box(1, "broken", name="Alpha"), action="deed")
    clock.move(86400)
    read(collected, clock, box(2, tags={"Name": "beta", "env": "dev"}))
    collected.store("box", ACCOUNT, THERE, [box(3, "broken")], clock(), trust="read")
    return collected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (ActivityQuery(), ["3 state", "2 tag:env", "1 state"]),
        (ActivityQuery(kind="crate"), []),
        (ActivityQuery(kind="box", region=THERE), ["3 state"]),
        (ActivityQuery(account="999999999999"), []),
        (ActivityQuery(field="state"), ["3 state", "1 state"]),
        (ActivityQuery(field="tag:"), ["2 tag:env"]),
        (ActivityQuery(field="tag:env"), ["2 tag:env"]),
        (ActivityQuery(text="alph"), ["1 state"]),
        (ActivityQuery(text="BOX-2"), ["2 tag:env"]),
        (ActivityQuery(text="%"), []),
        (ActivityQuery(action="deed"), ["1 state"]),
        (ActivityQuery(action="any"), ["1 state"]),
        (ActivityQuery(action="none"), ["3 state", "2 tag:env"]),
        (ActivityQuery(days=0.5), ["3 state", "2 tag:env"]),
        (ActivityQuery(days=1.5), ["3 state", "2 tag:env", "1 state"]),
    ],
    ids=str,
)
def test_activity_is_narrowed(lively: Inventory, query: ActivityQuery, expected: list[str]):
    found = [
        f"{change.id.removeprefix('box-')} {change.field}"
        for change in lively.activity(query)
        if change.field != "resource"
    ]
    assert found == expected


def test_pages_of_activity_follow_each_other_though_new_changes_come(
    lively: Inventory, clock: Clock
):
    whole = lively.activity(ActivityQuery())
    first = lively.activity(ActivityQuery(), limit=2)
    read(lively, clock, box(9))
    rest = lively.activity(ActivityQuery(), before_seq=first[-1].seq)
    assert [*first, *rest] == whole
    older = lively.timeline("box", "box-1", before_seq=lively.timeline("box", "box-1")[0].seq)
    assert [change.field for change in older] == ["resource"]


def test_what_was_seen_before_the_clock_was_set_back_counts_by_its_time(
    collected: Inventory, clock: Clock
):
    clock.move(7200)
    read(collected, clock, box(1))
    clock.move(-7200)
    read(collected, clock, box(2))
    clock.move(3700)
    found = collected.activity(ActivityQuery(days=1 / 24))
    assert [change.id for change in found] == ["box-1"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("query", "index"),
    [
        (ActivityQuery(), "changes"),
        (ActivityQuery(kind="box"), "ix_changes_kind"),
        (ActivityQuery(account=ACCOUNT), "ix_changes_account"),
        (ActivityQuery(region=HERE), "ix_changes_region"),
        (ActivityQuery(text="box-1"), "ix_changes_id"),
        (ActivityQuery(field="state"), "ix_changes_field"),
        (ActivityQuery(action="deed"), "ix_changes_action"),
        (ActivityQuery(action="any"), "ix_changes_ours"),
        (ActivityQuery(kind="box", days=30), "ix_changes_kind"),
    ],
    ids=str,
)
def test_activity_is_read_along_an_index_without_sorting(
    lively: Inventory, engine: Engine, query: ActivityQuery, index: str
):
    plan = _plan(engine, lambda: lively.activity(query, before_seq=1000))
    assert any(line.startswith("SEARCH") and index in line for line in plan), plan
    assert not any("SCAN" in line or "B-TREE" in line for line in plan), plan


@ON_SQLITE
def test_a_timeline_is_read_along_an_index(lively: Inventory, engine: Engine):
    plan = _plan(engine, lambda: lively.timeline("box", "box-1"))
    assert [line for line in plan if "ix_changes_resource" in line and "SEARCH" in line] == plan


def _plan(engine: Engine, ask: object) -> list[str]:
    """How SQLite goes about what ``ask`` asks of it."""
    asked: list[tuple[str, object]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_r: object) -> None:
        if "FROM changes" in statement:
            asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    ask()  # type: ignore[operator]
    event.remove(engine, "before_cursor_execute", note)
    statement, parameters = asked[-1]
    with engine.connect() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
        return [row.detail for row in found if "SUBQUERY" not in row.detail]


# Thinning


def test_old_changes_are_forgotten_and_newer_ones_stay(
    collected: Inventory, clock: Clock, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.inventory.gone._AT_ONCE", 3)
    many = [box(number) for number in range(8)]
    read(collected, clock, *many)
    read(collected, clock, *(box(number, "broken") for number in range(8)))
    collected.store_all(*BOXES, [many[:1]], clock.move(120))
    clock.move(60 * 86400)
    read(collected, clock, box(0, "packing"))
    assert collected.sweep(timedelta(days=90)) == 0
    assert collected.sweep(timedelta(days=30)) == 7
    with engine.connect() as connection:
        assert list(connection.scalars(select(resources.c.id))) == ["box-0"]
        assert list(connection.scalars(select(changes.c.after))) == ["packing"]


def test_a_place_among_the_changes_is_given_once_only(collected: Inventory, clock: Clock):
    read(collected, clock, box(1))
    last = collected.activity(ActivityQuery())[0].seq
    clock.move(86400)
    collected.sweep(timedelta(hours=1))
    assert collected.activity(ActivityQuery()) == []
    read(collected, clock, box(1, "broken"))
    assert collected.activity(ActivityQuery())[0].seq > last
