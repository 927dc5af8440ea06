"""The index and the database: whoever writes, and whenever."""

from __future__ import annotations

import json
import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, delete, event

from app.inventory import Inventory, Query
from app.inventory.index import live
from app.inventory.tables import documents, kinds, resources
from tests.databases import ON_POSTGRESQL, ON_SQLITE
from tests.inventory.boxes import ACCOUNT, HERE, NOON, Clock, Cloud, box, make_resource


@pytest.fixture
def another(engine: Engine, clock: Clock) -> Inventory:
    """The inventory of another process, on the same database."""
    return Inventory(engine, {"box": make_resource(Cloud().listing())}, clock)


def ids(inventory: Inventory) -> list[str]:
    return [row.id for row in inventory.page("box", Query(sort="id")).rows]


def put(inventory: Inventory, *names: int | str, state: str = "ready", at: float = 0) -> None:
    seen_at = NOON + timedelta(seconds=at)
    made = [box(name, state) for name in names]
    inventory.store("box", ACCOUNT, HERE, made, seen_at, "read")


def test_what_another_process_writes_is_in_the_next_answer(
    inventory: Inventory, another: Inventory, clock: Clock
):
    assert ids(inventory) == []
    put(another, 1, 2)
    assert ids(inventory) == ["box-1", "box-2"]
    another.forget("box", ACCOUNT, HERE, ["box-1"], clock.move(1))
    assert ids(inventory) == ["box-2"]
    put(another, 2, state="broken", at=2)
    assert inventory.counts() == {"box": {"broken": 1}}


def test_what_is_written_while_rows_are_read_is_told_the_next_time(
    inventory: Inventory, another: Inventory, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    put(inventory, 1)
    assert ids(inventory) == ["box-1"]
    put(another, 2)
    told = live.revision_of

    def and_then_one_more(connection: object, kind: str) -> int:
        revision = told(connection, kind)  # type: ignore[arg-type]
        monkeypatch.setattr(live, "revision_of", told)
        put(another, 3)
        return revision

    monkeypatch.setattr(live, "revision_of", and_then_one_more)
    assert ids(inventory)[:2] == ["box-1", "box-2"]
    assert ids(inventory) == ["box-1", "box-2", "box-3"]


def test_a_database_made_anew_is_loaded_anew(inventory: Inventory, engine: Engine):
    put(inventory, 1, 2)
    assert ids(inventory) == ["box-1", "box-2"]
    with engine.begin() as connection:
        for table in (documents, resources, kinds):
            connection.execute(delete(table))
        connection.execute(kinds.insert().values(kind="box", revision=1))
    assert ids(inventory) == []


def test_who_has_not_looked_for_long_reads_all_anew(
    inventory: Inventory, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    put(inventory, 1, 2)
    assert ids(inventory) == ["box-1", "box-2"]
    with engine.begin() as connection:  # as a sweep does, long after they went
        for table in (documents, resources):
            connection.execute(delete(table))
    monkeypatch.setattr(live, "_FORGOTTEN", -1.0)
    assert ids(inventory) == []


def test_a_change_that_breaks_off_half_way_is_made_good(
    inventory: Inventory, another: Inventory, monkeypatch: pytest.MonkeyPatch
):
    put(inventory, 1)
    assert ids(inventory) == ["box-1"]
    put(another, 2)

    def breaks(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr("app.inventory.index.column.Tags.set", breaks)
        with pytest.raises(MemoryError):
            ids(inventory)
    assert ids(inventory) == ["box-1", "box-2"]


def test_an_index_is_loaded_once_beforehand_and_then_catches_up(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
):
    put(inventory, *range(5))
    assert inventory.warm("box")
    assert not inventory.warm("box")
    monkeypatch.setattr("app.inventory.indexed._CATCH_UP", -1.0)
    assert inventory.warm("box")


def test_counts_and_names_are_told_before_the_index_is_loaded_and_after(
    inventory: Inventory, another: Inventory, clock: Clock
):
    seen_at = clock()
    made = [box(1, name="one"), box(2, "broken"), box(3)]
    another.store_all("box", ACCOUNT, HERE, [made], seen_at)
    another.forget("box", ACCOUNT, HERE, ["box-3"], clock.move(1))

    def told() -> tuple[object, ...]:
        names = inventory.names("box", ["box-1", "box-2", "box-9"])
        return inventory.counts(), names, inventory.freshness("box")

    before = told()
    assert before[:2] == ({"box": {"ready": 1, "broken": 1}}, {"box-1": "one"})
    inventory.warm("box")
    assert told() == before


def test_more_rows_than_are_read_at_once_are_loaded_and_caught_up_with(
    inventory: Inventory, another: Inventory, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(live, "_CHUNK", 3)
    put(inventory, *(f"{n:02}" for n in range(10)))
    assert len(ids(inventory)) == 10
    put(another, *(f"{n:02}" for n in range(5, 25)), state="broken", at=1)
    assert len(ids(inventory)) == 25
    assert inventory.counts() == {"box": {"ready": 5, "broken": 20}}


def test_many_who_come_while_it_loads_all_get_all_of_it(inventory: Inventory, another: Inventory):
    put(another, *(f"{n:03}" for n in range(300)))
    with ThreadPoolExecutor(8) as pool:
        totals = [pool.submit(lambda: inventory.page("box", Query()).total) for _ in range(16)]
        assert {total.result() for total in totals} == {300}


def test_what_many_read_while_it_is_written_is_whole(inventory: Inventory, another: Inventory):
    """Boxes come in pairs and change together, so whoever sees one must see the other."""
    stop = threading.Event()

    def write() -> None:
        states = ("ready", "broken")
        for turn in range(30):
            put(another, f"{turn}-a", f"{turn}-b", at=turn)
            put(another, "0-a", "0-b", state=states[turn % 2], at=turn + 0.5)
        stop.set()

    def read(ask: Callable[[], object]) -> int:
        asked = 0
        while not stop.is_set():
            ask()
            asked += 1
        return asked

    def look(sort: str) -> Callable[[], object]:
        def ask() -> None:
            query = Query(sort=sort)
            page = inventory.page("box", query)
            counted = {view.name: view.values for view in page.facets}["state"]
            assert page.total % 2 == 0
            assert all(value.count % 2 == 0 for value in counted)
            assert sum(value.count for value in counted) == page.total
            assert len({row.id for row in page.rows}) == len(page.rows)
            inventory.stamp("box", query)

        return ask

    with ThreadPoolExecutor(5) as pool:
        readers = [pool.submit(read, look(sort)) for sort in ("id", "-state", "name", "-size")]
        writer = pool.submit(write)
        writer.result()
        assert all(reader.result() > 0 for reader in readers)
    assert inventory.page("box", Query()).total == 60


def test_a_stamp_changes_with_what_the_page_shows_and_with_nothing_else(
    inventory: Inventory, another: Inventory, clock: Clock
):
    put(inventory, *(f"{n:02}" for n in range(60)))
    first, second = (Query(sort="id", per_page=25, page=page) for page in (1, 2))
    only = Query(sort="id", facets={"state": ("broken",)})

    def stamps() -> list[str]:
        return [inventory.stamp("box", query) for query in (first, second, only)]

    before = stamps()
    assert len(set(before)) == 3
    assert stamps() == before
    another.store(
        "box", ACCOUNT, HERE, [box("30", Note="new")], NOON + timedelta(seconds=1), "read"
    )
    after = stamps()
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]
    put(another, "59", state="broken", at=2)
    assert [old == new for old, new in zip(after, stamps(), strict=True)] == [False] * 3


def test_a_stamp_changes_when_what_the_list_leads_to_has_another_name(engine: Engine, clock: Clock):
    kinds = {kind: make_resource(kind=kind) for kind in ("box", "part")}
    inventory, another = (Inventory(engine, kinds, clock) for _ in range(2))

    def part(at: int, **more: str) -> None:
        seen_at = NOON + timedelta(seconds=at)
        another.store("part", ACCOUNT, HERE, [box(7, **more)], seen_at, "read")

    put(inventory, 1)
    part(0, name="lid")
    inventory.warm("part")
    before = inventory.stamp("box", Query())
    part(1, name="lid", state="broken")
    assert inventory.stamp("box", Query()) == before
    part(2, name="cover", state="broken")
    renamed = inventory.stamp("box", Query())
    assert renamed != before
    part(3, name="cover")
    assert inventory.stamp("box", Query()) == renamed


@ON_SQLITE
def test_an_unchanged_stamp_asks_the_database_for_nothing(
    inventory: Inventory, another: Inventory, engine: Engine
):
    put(inventory, 1)
    told: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: told.append(args[2]))
    inventory.stamp("box", Query())
    assert told
    told.clear()
    inventory.stamp("box", Query())
    assert told == []
    another.ask("box")  # written, though nothing that a list shows
    told.clear()
    inventory.stamp("box", Query())
    assert len(told) == 2  # BEGIN and the revisions


@ON_POSTGRESQL
def test_an_unchanged_stamp_asks_postgresql_one_question(
    inventory: Inventory, another: Inventory, engine: Engine
):
    put(inventory, 1)
    told: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: told.append(args[2]))
    inventory.stamp("box", Query())
    before = inventory.written()
    told.clear()
    inventory.stamp("box", Query())
    assert len(told) == 1
    assert inventory.written() == before, "while nothing is written, what was recalled holds"
    another.ask("box")  # written, though nothing that a list shows
    told.clear()
    inventory.stamp("box", Query())
    assert len(told) == 1
    assert inventory.written() != before


def test_a_list_page_reads_no_description_until_it_is_asked_for(
    inventory: Inventory, engine: Engine
):
    put(inventory, *range(9))
    told: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: told.append(args[2]))
    rows = inventory.page("box", Query(sort="id")).rows
    assert not [statement for statement in told if "documents" in statement]
    assert [row.description["BoxId"] for row in rows] == [f"box-{n}" for n in range(9)]
    assert len([statement for statement in told if "documents" in statement]) == 1


def test_an_export_holds_few_rows_at_a_time(inventory: Inventory):
    note = "x" * 2000
    made = [box(f"{n:04}", Note=note) for n in range(3000)]
    inventory.store("box", ACCOUNT, HERE, made, NOON, "read")
    ids(inventory)
    tracemalloc.start()
    try:
        written = sum(len(json.dumps(row.cells)) for row in inventory.export("box", Query()))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert written > 6_000_000
    assert most < written / 2
