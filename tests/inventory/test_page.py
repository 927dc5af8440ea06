from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, event
from werkzeug.datastructures import MultiDict

from app.aws.listing import Description
from app.inventory import Inventory, Page, Query
from tests.databases import ON_SQLITE
from tests.inventory.boxes import ACCOUNT, HERE, NOON, THERE, Clock, box, make_resource

DATABASES = ("sqlite",)  # the same on every one

BOX = make_resource()


def fill(inventory: Inventory, *made: Description, region: str = HERE) -> None:
    inventory.store_all("box", ACCOUNT, region, [list(made)], NOON)


def page(inventory: Inventory, **args: str | list[str]) -> Page:
    return inventory.page("box", Query.parse(BOX, MultiDict(args)))


def listed(inventory: Inventory, **args: str | list[str]) -> list[str]:
    return [row.id.removeprefix("box-") for row in page(inventory, **args).rows]


def facet(found: Page, name: str) -> dict[str, int]:
    [view] = [view for view in found.facets if view.name == name]
    return {value.value: value.count for value in view.values}


def test_an_empty_inventory_has_one_empty_page(inventory: Inventory):
    found = page(inventory)
    assert (found.rows, found.total, found.pages, found.query.page) == ([], 0, 1, 1)
    assert inventory.freshness("box") == []


def test_pages_follow_each_other_and_leave_nothing_out(inventory: Inventory):
    fill(inventory, *(box(f"{n:03}", name=f"n{n:03}") for n in range(60)))
    first, last = page(inventory, per_page="25"), page(inventory, per_page="25", page="3")
    assert (first.total, first.pages, len(first.rows), len(last.rows)) == (60, 3, 25, 10)
    every = [box for number in "123" for box in listed(inventory, per_page="25", page=number)]
    assert every == [f"{n:03}" for n in range(60)]


@pytest.mark.parametrize("number", ["4", "999999999", "9" * 300])
def test_a_page_beyond_the_last_gives_the_last(inventory: Inventory, number: str):
    fill(inventory, *(box(f"{n:03}") for n in range(60)))
    found = page(inventory, per_page="25", page=number)
    assert (found.query.page, len(found.rows)) == (3, 10)


def test_numbers_sort_as_numbers_and_what_has_none_comes_last(inventory: Inventory):
    fill(inventory, box(1, Size=8), box(2, Size=100), box(3, Size=20), box(4), box(5, Size=0.5))
    assert listed(inventory, sort="size") == ["5", "1", "3", "2", "4"]
    assert listed(inventory, sort="-size") == ["2", "3", "1", "5", "4"]


def test_percentages_and_times_sort_by_what_they_mean(inventory: Inventory):
    fill(
        inventory,
        box(1, Packed="9%", Started="2026-01-01T00:00:00.5Z"),
        box(2, Packed="100%", Started="2026-01-01T00:00:00Z"),
        box(3, Packed="", Started="2025-12-31T23:59:59Z"),
        box(4, Packed="soon"),
    )
    assert listed(inventory, sort="packed") == ["1", "2", "4", "3"]
    assert listed(inventory, sort="-started") == ["1", "2", "3", "4"]


def test_names_sort_without_regard_to_case(inventory: Inventory):
    fill(inventory, box(1, name="beta"), box(2, name="Alpha"), box(3, name="ALPHA"), box(4))
    assert listed(inventory) == ["2", "3", "1", "4"]


def test_equals_are_sorted_by_id_in_either_direction(inventory: Inventory):
    fill(inventory, *(box(n, name="same", Size=1) for n in "bdac"))
    assert listed(inventory, sort="size") == ["a", "b", "c", "d"]
    assert listed(inventory, sort="-size") == ["d", "c", "b", "a"]


def test_a_descending_page_crosses_into_what_has_no_value(inventory: Inventory):
    fill(inventory, *(box(f"{n:02}", Size=n if n < 30 else None) for n in range(60)))
    order = [f"{n:02}" for n in [*range(29, -1, -1), *range(30, 60)]]
    for number in (1, 2, 3):
        some = listed(inventory, sort="-size", per_page="25", page=str(number))
        assert some == order[25 * (number - 1) : 25 * number]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("web", "12"),
        ("WEB", "12"),
        ("web fragile-0", "1"),
        ("box-3", "3"),
        ('"team=red"', "2"),
        ("red", "2"),
        ("us-east", "123"),
        ("zürich", "3"),
        ("ZÜRICH", "3"),
        ("%", ""),
        ("_", ""),
        ("state = ready", "12"),
        ("state = Ready", ""),
        ("state != ready", "3"),
        ("zone : A", "12"),
        ("size = 8", "1"),
        ('size = ""', "23"),
        ("sealed = yes", "1"),
        ("sealed = no", "2"),
        ("parts = p-2", "12"),
        ("parts != p-2", "3"),
        ("parts : -1", "1"),
        ("tag:team", "2"),
        ("tag:team = red", "2"),
        ("tag:Team = red", ""),
        ("tag:team != red", "13"),
        ("tag:team : RE", "2"),
        ('tag:empty = ""', "3"),
        ("note : fragile", "1"),
        ("region = us-east-1", "123"),
        ("name : web zone = a sealed = yes", "1"),
    ],
)
def test_a_filter_finds_what_it_says(inventory: Inventory, q: str, expected: str):
    fill(
        inventory,
        box(1, name="web 1 fragile-0", Size=8, Sealed=True, Parts=["p-1", "p-2"], Note="Fragile!"),
        box(2, name="Web 2", tags={"team": "red"}, Sealed=False, Parts=["p-2"]),
        box(3, "broken", zone="Zürich", tags={"empty": ""}),
    )
    assert "".join(sorted(listed(inventory, q=q))) == expected


def test_free_text_looks_at_no_column_that_the_list_does_not_show(inventory: Inventory):
    fill(inventory, box(1, Note="fragile"))
    assert listed(inventory, q="fragile") == []


def test_words_are_text_and_no_pattern(inventory: Inventory):
    fill(inventory, box(1, name="50%_off/[a]*"), box(2, name="50 coff"))
    for word in ("50%", "%_off", "f/[", "[a]", "]*"):
        assert listed(inventory, q=f'"{word}"') == ["1"]


def test_facets_narrow_and_several_values_of_one_widen(inventory: Inventory):
    fill(inventory, box(1, zone="a"), box(2, zone="b"), box(3, "broken", zone="b"))
    assert listed(inventory, zone="b") == ["2", "3"]
    assert listed(inventory, zone=["a", "b"]) == ["1", "2", "3"]
    assert listed(inventory, zone="b", state="broken") == ["3"]
    assert listed(inventory, zone="nowhere") == []


def test_a_facet_counts_over_everything_but_its_own_selection(inventory: Inventory):
    fill(inventory, box(1, zone="a"), box(2, zone="b"), box(3, "broken", zone="b"))
    found = page(inventory, zone="b")
    assert facet(found, "zone") == {"b": 2, "a": 1}
    assert facet(found, "state") == {"ready": 1, "broken": 1}
    found = page(inventory, zone="b", state="broken")
    assert facet(found, "zone") == {"b": 1}
    assert facet(found, "state") == {"ready": 1, "broken": 1}
    found = page(inventory, q="state = broken")
    assert facet(found, "state") == {"broken": 1}


def test_a_chosen_value_stays_to_be_seen_though_nothing_has_it(inventory: Inventory):
    fill(inventory, box(1, zone="a"))
    [view] = [view for view in page(inventory, zone="z").facets if view.name == "zone"]
    assert [(v.value, v.count, v.selected) for v in view.values] == [
        ("a", 1, False),
        ("z", 0, True),
    ]


def test_a_column_that_is_no_facet_narrows_too_and_is_shown_while_it_does(inventory: Inventory):
    fill(inventory, box(1, Size=8), box(2, Size=9))
    assert "size" not in [view.name for view in page(inventory).facets]
    found = page(inventory, size="9")
    assert [row.id for row in found.rows] == ["box-2"]
    assert facet(found, "size") == {"8": 1, "9": 1}


def test_every_item_of_a_list_is_a_value_of_its_facet(inventory: Inventory):
    fill(inventory, box(1, Parts=["p-1", "p-2", "p-1"]), box(2, Parts=["p-2"]), box(3, Parts=[]))
    assert facet(page(inventory), "parts") == {"p-2": 2, "p-1": 1, "": 1}
    found = page(inventory, parts=["p-1", "p-2"])
    assert found.total == 2
    assert [row.id for row in found.rows] == ["box-1", "box-2"]


def test_the_region_is_a_facet_where_there_are_several(inventory: Inventory):
    fill(inventory, box(1))
    assert "region" not in [view.name for view in page(inventory).facets]
    fill(inventory, box(2), region=THERE)
    found = page(inventory)
    assert facet(found, "region") == {HERE: 1, THERE: 1}
    assert "account" not in [view.name for view in found.facets]
    assert listed(inventory, region=THERE) == ["2"]


def test_a_facet_of_many_values_shows_the_commonest(inventory: Inventory):
    fill(inventory, *(box(n, zone=f"z{n % 70}") for n in range(140)), box("x", zone="z1"))
    values = facet(page(inventory), "zone")
    assert len(values) == 50
    assert next(iter(values.items())) == ("z1", 3)


def test_counts_follow_every_change(inventory: Inventory, clock: Clock):
    fill(inventory, box(1), box(2))
    assert page(inventory).total == 2
    assert page(inventory, q="box").total == 2
    inventory.forget("box", ACCOUNT, HERE, ["box-2"], clock.move(1))
    assert page(inventory).total == 1
    assert page(inventory, q="box").total == 1
    assert inventory.counts() == {"box": {"ready": 1}}


def test_an_export_gives_all_in_the_querys_order(inventory: Inventory):
    fill(inventory, *(box(f"{n:04}", Size=n) for n in range(1100)))
    query = Query.parse(BOX, MultiDict({"sort": "-size", "q": "box", "page": "2"}))
    exported = [row.cells["size"] for row in inventory.export("box", query)]
    assert exported == list(range(1099, -1, -1))


def test_an_export_survives_what_goes_meanwhile(inventory: Inventory, clock: Clock):
    fill(inventory, *(box(f"{n:04}") for n in range(600)))
    rows = inventory.export("box", Query())
    assert next(rows).id == "box-0000"
    inventory.store_all("box", ACCOUNT, HERE, [[box("0000")]], clock.move(300))
    clock.move(1)
    assert inventory.sweep(timedelta(0)) == 599
    assert len(list(rows)) >= 499


def test_find_gives_those_whose_column_has_one_of_the_values(inventory: Inventory):
    fill(inventory, box(1, Parts=["p-1", "p-2"]), box(2, Parts=["p-2"]), box(3, Size=8))
    fill(inventory, box(4, Parts=["p-1"]), region=THERE)
    assert [row.id for row in inventory.find("box", "parts", ["p-1"])] == ["box-1", "box-4"]
    found = inventory.find("box", "parts", ["p-1", "p-2"])
    assert [row.id for row in found] == ["box-1", "box-2", "box-4"]
    assert [row.id for row in inventory.find("box", "parts", ["p-1"], region=THERE)] == ["box-4"]
    assert [row.id for row in inventory.find("box", "id", ["box-3", "box-9"])] == ["box-3"]
    assert [row.id for row in inventory.find("box", "size", ["8"])] == ["box-3"]
    assert inventory.find("box", "parts", []) == []
    assert inventory.find("box", "parts", ["", "p-9"]) == []
    assert len(inventory.find("box", "state", ["ready"], limit=2)) == 2


def test_all_gives_them_by_name_the_nameless_last(inventory: Inventory):
    fill(inventory, box(1), box(2, name="b"), box(3, name="A"))
    fill(inventory, box(4, name="c"), region=THERE)
    assert [row.id for row in inventory.all("box")] == ["box-3", "box-2", "box-4", "box-1"]
    assert [row.id for row in inventory.all("box", region=THERE)] == ["box-4"]
    assert len(inventory.all("box", limit=2)) == 2


def test_locate_finds_an_id_of_any_kind(engine: Engine, clock: Clock):
    kinds = {kind: make_resource(kind=kind) for kind in ("box", "crate")}
    inventory = Inventory(engine, kinds, clock)
    inventory.store("crate", ACCOUNT, HERE, [{**box(1), "BoxId": "crate-1"}], NOON)
    row = inventory.locate("crate-1")
    assert row is not None
    assert row.kind == "crate"
    assert inventory.locate("box-1") is None


def test_an_id_that_two_regions_have_is_given_as_the_one_that_is_there(
    inventory: Inventory, clock: Clock
):
    fill(inventory, box(1, name="here"))
    fill(inventory, box(1, name="there"), region=THERE)
    inventory.forget("box", ACCOUNT, THERE, ["box-1"], clock.move(1))
    row = inventory.get("box", "box-1")
    assert row is not None
    assert row.name == "here"


def test_names_are_told_of_those_that_have_one(inventory: Inventory):
    fill(inventory, box(1, name="first"), box(2))
    assert inventory.names("box", ["box-1", "box-2", "box-3"]) == {"box-1": "first"}


@ON_SQLITE
def test_a_page_is_read_with_few_statements(inventory: Inventory, engine: Engine):
    fill(inventory, *(box(n) for n in range(30)))
    told: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: told.append(args[2]))
    page(inventory, q="box", state="ready", zone="a")
    assert len(told) <= 9
    told.clear()
    page(inventory, q="box", state="ready", zone="a", page="2")
    assert len(told) <= 4  # BEGIN, the rows, and twice how fresh they are
    told.clear()
    inventory.stamp("box", Query())
    told.clear()
    inventory.stamp("box", Query())
    inventory.revision("box")
    assert told == []
