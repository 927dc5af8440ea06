from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from app.inventory import Inventory, finder
from app.inventory.expressions import Equals
from app.inventory.query import Query
from tests.inventory.boxes import ACCOUNT, HERE, NOON, Clock, Cloud, box, make_resource

DATABASES = ("sqlite",)  # the same on every one


@pytest.fixture
def both(engine: Engine, clock: Clock) -> Inventory:
    """An inventory of boxes and crates."""
    listing = Cloud().listing()
    return Inventory(
        engine, {kind: make_resource(listing, kind) for kind in ("box", "crate")}, clock
    )


def found(inventory: Inventory, text: str, limit: int = 20) -> list[str]:
    return [row.id for row in inventory.search(text, limit)]


def test_a_search_gives_the_very_id_then_beginnings_then_the_rest(inventory: Inventory):
    made = [
        box("7", name="lid of box-1"),
        box("1"),
        box("10"),
        box("2", name="BOX-1's neighbour"),
        box("3", tags={"near": "box-1"}),
        box("4", tags={"not": "a box-1"}),
        box("5", tags={"box-1": ""}),
        box("6", name="another"),
    ]
    inventory.store("box", ACCOUNT, HERE, made, NOON, "read")
    expected = ["box-1", "box-10", "box-2", "box-3", "box-4", "box-5", "box-7"]
    assert found(inventory, "box-1") == expected
    assert found(inventory, " Box-1 ") == expected
    assert found(inventory, "box-1", limit=2) == expected[:2]
    assert found(inventory, "") == []
    assert found(inventory, "\0") == []


def test_the_kinds_take_turns_in_a_search(both: Inventory):
    for kind in ("box", "crate"):
        made = [{**box(n, name="same"), "BoxId": f"{kind}-{n}"} for n in range(3)]
        both.store(kind, ACCOUNT, HERE, made, NOON, "read")
    assert found(both, "same", 4) == ["box-0", "crate-0", "box-1", "crate-1"]
    assert [row.kind for row in both.search("crate-1", 1)] == ["crate"]


def test_what_is_gone_is_found_last_and_marked(inventory: Inventory, clock: Clock):
    made = [box(n, name="same") for n in range(3)]
    inventory.store("box", ACCOUNT, HERE, made, NOON, "read")
    inventory.forget("box", ACCOUNT, HERE, ["box-0"], clock.move(1))
    assert [(row.id, row.gone) for row in inventory.search("same", 9)] == [
        ("box-1", False),
        ("box-2", False),
        ("box-0", True),
    ]
    assert [row.id for row in inventory.search("box-0", 9)] == ["box-0"]


def test_what_is_gone_is_listed_newest_first_and_counted(inventory: Inventory, clock: Clock):
    made = [box(n, name="a%b" if n else "") for n in range(5)]
    inventory.store("box", ACCOUNT, HERE, made, NOON, "read")
    for n in range(4):
        inventory.forget("box", ACCOUNT, HERE, [f"box-{n}"], clock.move(1))
    rows, total = inventory.gone("box", "", 0, 2)
    assert ([row.id for row in rows], total) == (["box-3", "box-2"], 4)
    rows, total = inventory.gone("box", "", 2, 2)
    assert ([row.id for row in rows], total) == (["box-1", "box-0"], 4)
    rows, total = inventory.gone("box", "A%", 0, 9)
    assert ([row.id for row in rows], total) == (["box-3", "box-2", "box-1"], 3)
    assert inventory.gone("box", "_", 0, 9) == ([], 0)
    assert inventory.gone("box", "", 9, 9) == ([], 4)


def test_of_what_is_gone_only_the_newest_is_looked_through(
    inventory: Inventory, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(finder, "GONE_SEARCHED", 2)
    inventory.store("box", ACCOUNT, HERE, [box(n) for n in range(3)], NOON, "read")
    for n in range(3):
        inventory.forget("box", ACCOUNT, HERE, [f"box-{n}"], clock.move(1))
    assert found(inventory, "box-") == ["box-2", "box-1"]


def test_values_are_offered_with_how_many_have_them(inventory: Inventory):
    zones = ["Zürich", "zug", "zug", "Basel-Z", "basel"]
    made = [box(n, zone=zone, tags={"k=": zone}) for n, zone in enumerate(zones)]
    inventory.store("box", ACCOUNT, HERE, made, NOON, "read")
    expected = [("zug", 2), ("Zürich", 1), ("Basel-Z", 1)]
    assert inventory.values("box", "zone", "Z", 9) == expected
    assert inventory.values("box", "tag:k=", "z", 9) == expected
    assert inventory.values("box", "zone", "z", 1) == [("zug", 2)]
    assert inventory.values("box", "zone", "", 9, Equals("id", "box-4")) == [("basel", 1)]
    assert inventory.values("box", "tag:other", "", 9) == []
    assert inventory.tag_keys("box") == [("k=", 5)]


def test_the_name_of_what_is_gone_is_still_told(inventory: Inventory, clock: Clock):
    inventory.store("box", ACCOUNT, HERE, [box(1, name="old")], NOON, "read")
    inventory.forget("box", ACCOUNT, HERE, ["box-1"], clock.move(1))
    assert inventory.names("box", ["box-1", "box-2"]) == {"box-1": "old"}


def test_tag_keys_without_number_cost_no_more_than_their_text(inventory: Inventory):
    made = [box(n, tags={f"key-{n}-{m}": "😀" * 256 for m in range(20)}) for n in range(200)]
    inventory.store("box", ACCOUNT, HERE, made, NOON, "read")
    assert len(inventory.tag_keys("box")) == 4000
    with inventory._index("box") as index:
        assert index.tags.nbytes < 2.5 * 4000 * 4 * 256
    query = Query(expression=Equals("tag:key-7-3", "😀" * 256))
    assert [row.id for row in inventory.page("box", query).rows] == ["box-7"]
    inventory.store_all("box", ACCOUNT, HERE, [[]], NOON + timedelta(hours=1))
    assert inventory.tag_keys("box") == []
