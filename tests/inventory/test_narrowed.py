"""What somebody sees whose role is narrowed, against the whole with the rest left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from app.inventory import ActivityQuery, Inventory, Query, Scope
from app.inventory.bounds import Bounds
from app.inventory.filters import parse
from app.inventory.match import holds
from app.inventory.narrowed import Narrowed, Seen
from app.inventory.tables import resources
from app.people.who import Limits
from app.resources.spec import Row
from tests.inventory.boxes import ACCOUNT, HERE, NOON, THERE, Clock, box, make_resource

BOX = make_resource()
OTHER = "210987654321"
PLACES = [(ACCOUNT, HERE), (ACCOUNT, THERE), (OTHER, HERE), (OTHER, THERE)]
KEYS = st.sampled_from(["team", "Team", 'te"am', "te\\am", "té:am", "a=b", "a", ", ", ": "])
VALUES = st.sampled_from(
    ["web", "Web", "", "b=c", "b", 'w"b', "w\\", "\ufffd", "😀", ": ", "1", "%"]
)
TAGS = st.dictionaries(KEYS, VALUES, max_size=3)
LIMITS = st.builds(
    Limits,
    accounts=st.sampled_from([(), (ACCOUNT,), (OTHER,), (ACCOUNT, OTHER), ("0",)]),
    regions=st.sampled_from([(), (HERE,), (HERE, THERE)]),
    tag_key=st.just("") | KEYS,
    tag_value=VALUES,
)
BOUNDS = st.lists(LIMITS, max_size=3).map(lambda some: Bounds(tuple(some)))
MADE = st.lists(st.tuples(st.sampled_from(PLACES), TAGS, st.booleans()), max_size=8)


class Case:
    """An inventory of some boxes, and what of it is within some bounds."""

    def __init__(self, engine: Engine, made: list[Any], within: Bounds) -> None:
        with engine.begin() as connection:
            for table in reversed(resources.metadata.sorted_tables):
                if table.name in {"resources", "documents", "changes", "kinds", "collections"}:
                    connection.execute(table.delete())
        clock = Clock()
        self.within = within
        self.whole = Inventory(engine, {"box": BOX}, clock)
        for at in PLACES:
            self.whole.store_all("box", at[0], at[1], [], NOON)
        for number, (at, tags, gone) in enumerate(made):
            name = f"box {number}"
            tags = {"Name": name, **tags}
            self.whole.store("box", at[0], at[1], [box(number, tags=tags)], NOON, "read")
            if gone:
                self.whole.forget("box", at[0], at[1], [f"box-{number}"], clock.move(60))
        self.seen: Seen = Narrowed(self.whole, within)
        self.ids = {f"box-{number}" for number in range(len(made))}
        rows = [self.whole.get("box", each) for each in sorted(self.ids)]
        self.rows = [row for row in rows if row is not None]
        self.own = {row.id for row in self.rows if within.covers(row)}


def ids(rows: list[Row]) -> set[str]:
    return {row.id for row in rows}


SLOWLY = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SLOWLY
@given(made=MADE, within=BOUNDS)
def test_python_the_filter_and_sql_mean_the_same_bounds(engine: Engine, made, within):
    here = Case(engine, made, within)
    with engine.connect() as connection:
        told = set(connection.scalars(select(resources.c.id).where(within.condition())))
    assert told == here.own
    assert {row.id for row in here.rows if holds(within.expression, BOX, row)} == here.own


@SLOWLY
@given(made=MADE, within=BOUNDS, q=st.sampled_from(["", "box", "not zone = a", "tag:team"]))
def test_what_is_read_is_the_whole_without_what_is_outside(engine: Engine, made, within, q):
    here = Case(engine, made, within)
    there = {row.id for row in here.rows if not row.gone} & here.own
    query = Query(q=q, expression=parse(q, BOX, NOON))
    whole, page = here.whole.page("box", query), here.seen.page("box", query)
    wanted = [row.id for row in whole.rows if row.id in here.own]
    assert [row.id for row in page.rows] == wanted
    assert page.total == len(wanted)
    assert [row.id for row in here.seen.export("box", query)] == wanted
    for facet in page.facets:
        if facet.name in ("account", "region"):
            held = {getattr(row, facet.name) for row in page.rows}
            assert {value.value for value in facet.values} == held
    assert ids(here.seen.all("box")) == there
    assert ids(here.seen.all("box", HERE)) == {
        row.id for row in here.rows if row.id in there and row.region == HERE
    }
    assert ids(here.seen.find("box", "zone", ["a"])) == there
    assert ids(here.seen.search("box", 20)) == here.own
    assert ids(here.seen.gone("box", "", 0, 20)[0]) == here.own - there
    assert here.seen.gone("box", "", 0, 1)[1] == len(here.own - there)
    assert here.seen.names("box", sorted(here.ids)).keys() == here.own
    assert sum(here.seen.counts()["box"].values()) == len(there)


@SLOWLY
@given(made=MADE, within=BOUNDS)
def test_single_rows_and_what_is_offered_are_within_the_bounds(engine: Engine, made, within):
    here = Case(engine, made, within)
    there = [row for row in here.rows if not row.gone and row.id in here.own]
    for each in here.ids:
        found, located = here.seen.get("box", each), here.seen.locate(each)
        assert (found is not None, located is not None) == (each in here.own,) * 2
        assert bool(here.seen.timeline("box", each)) == (each in here.own)
    assert {change.id for change in here.seen.activity(ActivityQuery())} == here.own
    keys = {key for row in there for key in row.tags}
    assert {key for key, _ in here.seen.tag_keys("box")} == keys
    assert {value for value, _ in here.seen.values("box", "id", "box", 20)} == ids(there)
    for place in here.seen.freshness("box"):
        assert within.reach(place.account, place.region)
        mine = [row for row in there if (row.account, row.region) == (place.account, place.region)]
        assert place.count == len(mine)


def test_without_limits_nothing_is_seen(inventory: Inventory):
    inventory.store("box", ACCOUNT, HERE, [box(1)], NOON, "read")
    seen = Narrowed(inventory, Bounds(()))
    assert seen.get("box", "box-1") is None
    assert seen.all("box") == []
    assert seen.page("box", Query()).total == 0
    assert seen.counts() == {"box": {}}


@pytest.mark.parametrize("loaded", [True, False])
def test_counts_are_narrowed_while_the_index_is_being_read_too(engine: Engine, loaded: bool):
    writer = Inventory(engine, {"box": BOX}, Clock())
    made = [box(1, tags={"team": "web"}), box(2, tags={"team": "db"}), box(3)]
    writer.store("box", ACCOUNT, HERE, made, NOON, "read")
    reader = Inventory(engine, {"box": BOX}, Clock())
    if loaded:
        reader.warm("box")
    seen = Narrowed(reader, Bounds((Limits(tag_key="team", tag_value="web"),)))
    assert seen.counts() == {"box": {"ready": 1}}


def test_the_stamp_of_a_list_is_another_for_whoever_sees_something_else(inventory: Inventory):
    made = [box(1, tags={"team": "web"}), box(2, tags={"team": "db"})]
    inventory.store("box", ACCOUNT, HERE, made, NOON, "read")
    web, db = (
        Narrowed(inventory, Bounds((Limits(tag_key="team", tag_value=team),)))
        for team in ("web", "db")
    )
    stamps = {seen.stamp("box", Query()) for seen in (inventory, web, db)}
    assert len(stamps) == 3


def test_a_resource_whose_tag_is_taken_off_is_seen_no_more(inventory: Inventory, clock: Clock):
    seen = Narrowed(inventory, Bounds((Limits(tag_key="team", tag_value="web"),)))
    inventory.store("box", ACCOUNT, HERE, [box(1, tags={"team": "web"})], NOON, "read")
    assert seen.page("box", Query()).total == 1
    inventory.store("box", ACCOUNT, HERE, [box(1)], clock.move(1), "read")
    assert seen.page("box", Query()).total == 0
    assert seen.get("box", "box-1") is None
    assert seen.timeline("box", "box-1") == []


def test_how_far_a_reading_has_come_is_told_only_to_whoever_sees_all_of_it(
    inventory: Inventory, clock: Clock
):
    scope = Scope("box", ACCOUNT, HERE)
    inventory.claim(scope, "me", clock())
    inventory.renew("me", {scope: 7}, clock())
    tagged = Narrowed(inventory, Bounds((Limits(tag_key="team", tag_value="web"),)))
    placed = Narrowed(inventory, Bounds((Limits(accounts=(ACCOUNT,)),)))
    assert [place.read_count for place in placed.freshness("box")] == [7]
    assert [place.read_count for place in tagged.freshness("box")] == [None]
