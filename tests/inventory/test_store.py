from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.exc import OperationalError

from app.db import make_engine
from app.inventory import ActivityQuery, Inventory, Query
from app.inventory.store import Trust
from app.inventory.tables import documents, resources
from tests.databases import ON_SQLITE, impatient, lock
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
EVERYTHING = ActivityQuery()


@pytest.fixture
def writes(engine: Engine) -> Iterator[list[str]]:
    """The statements that changed something since the test began, or cleared the list."""
    told: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            told.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield told
    event.remove(engine, "before_cursor_execute", note)


def ids(inventory: Inventory) -> list[str]:
    return [row.id for row in inventory.all("box")]


def test_what_was_stored_is_given_back(inventory: Inventory):
    inventory.store(*BOXES, [box(1, "packing", name="first", Size=8, Parts=["p-1"])], NOON)
    row = inventory.get("box", "box-1")
    assert row is not None
    assert (row.kind, row.id, row.name) == ("box", "box-1", "first")
    assert (row.account, row.region) == (ACCOUNT, HERE)
    assert (row.state, row.state_class) == ("packing", "changing")
    assert row.tags == {"Name": "first"}
    assert row.cells["size"] == 8
    assert row.cells["parts"] == ["p-1"]
    assert row.description["Place"] == {"Zone": "a"}
    assert row.seen_at == NOON
    assert not row.gone


def test_what_is_not_known_is_none(inventory: Inventory):
    assert inventory.get("box", "box-1") is None
    assert inventory.locate("box-1") is None


def test_an_unknown_kind_is_an_error_of_the_programmer(inventory: Inventory):
    with pytest.raises(KeyError):
        inventory.get("crate", "crate-1")


def test_a_refresh_that_finds_nothing_changed_writes_no_row(
    inventory: Inventory, writes: list[str]
):
    page = [box(1, tags={"b": "2", "a": "1"}), box(2)]
    inventory.store_all(*BOXES, [page], NOON)
    revision = inventory.revision("box")
    writes.clear()
    other_order = [box(2), box(1, tags={"a": "1", "b": "2"})]
    inventory.store_all(*BOXES, [other_order], NOON + timedelta(minutes=5))
    assert [statement for statement in writes if "collections" not in statement] == []
    assert inventory.revision("box") == revision
    row = inventory.get("box", "box-1")
    assert row is not None
    assert row.seen_at == NOON + timedelta(minutes=5)


_NOTE = """
    CREATE TRIGGER WHAT_TAB AFTER WHAT ON TAB
    BEGIN INSERT INTO touched VALUES ('WHAT', 'TAB'); END
"""


@pytest.fixture
def touched(engine: Engine) -> Callable[[], list[tuple[str, str]]]:
    """The rows written since it was last asked: what was done to which table."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE touched (what TEXT, tab TEXT)"))
        for table in ("resources", "documents", "changes", "kinds"):
            for what in ("INSERT", "UPDATE", "DELETE"):
                connection.exec_driver_sql(_NOTE.replace("WHAT", what).replace("TAB", table))

    def ask() -> list[tuple[str, str]]:
        with engine.begin() as connection:
            found = connection.execute(text("DELETE FROM touched RETURNING what, tab"))
            return sorted((row.what, row.tab) for row in found)

    return ask


@ON_SQLITE  # by its triggers
def test_of_a_refresh_in_which_one_in_a_hundred_changed_only_that_is_written(
    inventory: Inventory, touched: Callable[[], list[tuple[str, str]]]
):
    pages = [[box(n) for n in range(start, start + 500)] for start in (0, 500, 1000)]
    inventory.store_all(*BOXES, pages, NOON)
    touched()
    changed = [
        [box(n, "broken") if n % 100 == 3 else box(n) for n in range(start, start + 500)]
        for start in (0, 500, 1000)
    ]
    inventory.store_all(*BOXES, changed, NOON + timedelta(minutes=5))
    assert Counter(touched()) == {
        ("UPDATE", "resources"): 15,
        ("UPDATE", "documents"): 15,
        ("INSERT", "changes"): 15,
        ("UPDATE", "kinds"): 3,  # a revision for each page
    }
    inventory.store_all(*BOXES, changed, NOON + timedelta(minutes=10))
    assert touched() == []


def test_each_written_row_carries_the_revision_it_was_written_at(
    inventory: Inventory, engine: Engine, clock: Clock
):
    inventory.store_all(*BOXES, [[box(1), box(2), box(3)]], clock())
    before = int(inventory.revision("box"))
    inventory.store(*BOXES, [box(1), box(2, "broken")], clock.move(5), trust="read")
    inventory.forget(*BOXES, ["box-3"], clock.move(5))
    with engine.connect() as connection:
        statement = select(resources.c.id, resources.c.changed).order_by(resources.c.id)
        found = [tuple(row) for row in connection.execute(statement)]
    [one, two, three] = found
    assert one[1] <= before < two[1] < three[1] == int(inventory.revision("box"))


def test_while_nothing_differs_nobody_waits_for_the_lock(
    inventory: Inventory, engine: Engine, clock: Clock
):
    inventory.store_all(*BOXES, [[box(1)]], clock())
    with engine.begin():  # holds the write lock
        inventory.store(*BOXES, [box(1)], clock.move(5), trust="read")


def test_a_database_that_is_locked_fails_a_refresh_and_loses_nothing(
    inventory: Inventory, engine: Engine, clock: Clock
):
    inventory.store_all(*BOXES, [[box(1), box(2)]], clock())
    hasty = make_engine(engine.url.render_as_string(hide_password=False))
    impatient(hasty)
    other = Inventory(hasty, {"box": make_resource(Cloud().listing())}, clock)
    later = clock.move(120)
    with engine.connect() as holder:
        lock(holder)
        with pytest.raises(OperationalError, match="lock"):
            other.store_all(*BOXES, [[box(1, "broken")]], later)
        assert inventory.counts() == {"box": {"ready": 2}}
    other.store_all(*BOXES, [[box(1, "broken")]], later)
    assert inventory.counts() == {"box": {"broken": 1}}
    told = [(change.id, change.field, change.after) for change in inventory.activity(EVERYTHING)]
    assert told == [("box-2", "resource", "gone"), ("box-1", "state", "broken")]
    hasty.dispose()


def test_every_difference_gives_a_new_revision(inventory: Inventory):
    revisions = {inventory.revision("box")}
    inventory.store(*BOXES, [box(1)], NOON)
    revisions.add(inventory.revision("box"))
    inventory.store(*BOXES, [box(1, Note="fragile")], NOON)
    revisions.add(inventory.revision("box"))
    inventory.forget(*BOXES, ["box-1"], NOON)
    revisions.add(inventory.revision("box"))
    assert len(revisions) == 4


def test_the_end_of_the_first_refresh_is_a_new_revision_though_there_is_nothing(
    inventory: Inventory,
):
    before = inventory.revision("box")
    inventory.store_all(*BOXES, [[]], NOON)
    assert inventory.revision("box") != before


def test_what_a_complete_refresh_does_not_show_is_gone(inventory: Inventory):
    inventory.store_all(*BOXES, [[box(1), box(2)], [box(3)]], NOON)
    inventory.store_all(*BOXES, [[box(1)], [box(3)]], NOON + timedelta(minutes=5))
    assert ids(inventory) == ["box-1", "box-3"]
    assert inventory.counts() == {"box": {"ready": 2}}
    assert inventory.find("box", "id", ["box-2"]) == []
    row = inventory.get("box", "box-2")
    assert row is not None
    assert row.gone
    assert row.state_class == "gone"


def test_a_refresh_of_one_region_takes_nothing_from_another(inventory: Inventory):
    inventory.store_all("box", ACCOUNT, THERE, [[box(7)]], NOON)
    inventory.store_all(*BOXES, [[box(1)]], NOON + timedelta(minutes=5))
    assert ids(inventory) == ["box-1", "box-7"]


def test_a_refresh_that_breaks_off_takes_nothing_away(inventory: Inventory):
    inventory.store_all(*BOXES, [[box(1), box(2)], [box(3)]], NOON)

    def broken() -> Iterator[list[dict]]:
        yield [box(1, "broken")]
        raise trouble("throttled")

    with pytest.raises(Exception, match="did not work"):
        inventory.store_all(*BOXES, broken(), NOON + timedelta(minutes=5))
    assert ids(inventory) == ["box-1", "box-2", "box-3"]
    row = inventory.get("box", "box-1")
    assert row is not None
    assert row.state == "broken"
    [place] = inventory.freshness("box")
    assert place.seen_at == NOON


def test_an_empty_page_and_a_page_that_comes_twice_do_no_harm(inventory: Inventory):
    page = [box(1), box(2), box(1)]
    inventory.store_all(*BOXES, [page, [], page, []], NOON)
    assert ids(inventory) == ["box-1", "box-2"]


def test_what_was_made_while_a_refresh_ran_does_not_vanish_with_it(
    inventory: Inventory, clock: Clock
):
    clock.move(5)
    inventory.store(*BOXES, [box(9)], clock())
    inventory.store_all(*BOXES, [[box(1)]], NOON)
    assert ids(inventory) == ["box-1", "box-9"]


def test_what_was_made_just_before_a_refresh_does_not_vanish_though_aws_lags(
    inventory: Inventory, clock: Clock
):
    inventory.store(*BOXES, [box(9)], NOON)
    inventory.store_all(*BOXES, [[box(1)]], clock.move(5))
    assert ids(inventory) == ["box-1", "box-9"]
    inventory.store_all(*BOXES, [[box(1)]], clock.move(60))
    assert ids(inventory) == ["box-1"]


def test_what_was_deleted_while_a_refresh_ran_does_not_come_back_with_it(
    inventory: Inventory, clock: Clock
):
    inventory.store_all(*BOXES, [[box(1), box(2)]], NOON - timedelta(minutes=5))
    clock.move(5)
    inventory.forget(*BOXES, ["box-2"], clock())
    inventory.store_all(*BOXES, [[box(1), box(2)]], NOON)
    assert ids(inventory) == ["box-1"]


def test_what_was_deleted_does_not_come_back_while_aws_lags(inventory: Inventory, clock: Clock):
    inventory.store(*BOXES, [box(1)], NOON - timedelta(minutes=5), trust="read")
    inventory.forget(*BOXES, ["box-1"], NOON)
    inventory.store(*BOXES, [box(1)], clock.move(5), trust="read")
    inventory.store(*BOXES, [box(1)], clock.move(5), trust="reread")
    assert ids(inventory) == []
    inventory.store(*BOXES, [box(1)], clock.move(60), trust="read")
    assert ids(inventory) == ["box-1"]


def test_what_others_make_does_not_flicker_while_answers_disagree(
    inventory: Inventory, clock: Clock
):
    inventory.store_all(*BOXES, [[box(1)]], clock())
    inventory.store_all(*BOXES, [[box(1), box(2)]], clock.move(13))
    inventory.store_all(*BOXES, [[box(1)]], clock.move(13))  # an answer from before
    assert ids(inventory) == ["box-1", "box-2"]
    inventory.store_all(*BOXES, [[box(1)]], clock.move(13))
    assert ids(inventory) == ["box-1"]


def test_what_others_delete_does_not_flicker_while_answers_disagree(
    inventory: Inventory, clock: Clock
):
    inventory.store_all(*BOXES, [[box(1), box(2)]], clock())
    inventory.store_all(*BOXES, [[box(1)]], clock.move(60))
    inventory.store_all(*BOXES, [[box(1), box(2)]], clock.move(13))  # an answer from before
    assert ids(inventory) == ["box-1"]
    inventory.store_all(*BOXES, [[box(1), box(2)]], clock.move(13))
    assert ids(inventory) == ["box-1", "box-2"]


def test_what_was_made_again_under_its_old_id_is_there_at_once(inventory: Inventory, clock: Clock):
    inventory.store(*BOXES, [box(1)], NOON)
    inventory.forget(*BOXES, ["box-1"], clock.move(1))
    inventory.store(*BOXES, [box(1)], clock.move(1), trust="reply")
    assert ids(inventory) == ["box-1"]


def test_an_older_reading_undoes_no_newer_one(inventory: Inventory, clock: Clock):
    inventory.store(*BOXES, [box(1, "broken")], clock.move(5))
    inventory.store_all(*BOXES, [[box(1, "ready")]], NOON)
    assert inventory.counts() == {"box": {"broken": 1}}


def test_a_clock_that_was_set_back_does_not_freeze_what_is_known(
    inventory: Inventory, clock: Clock
):
    inventory.store_all(*BOXES, [[box(1), box(2)]], clock())
    clock.move(-3600)
    inventory.store_all(*BOXES, [[box(1, "broken")]], clock())
    assert inventory.counts() == {"box": {"broken": 1}}
    inventory.forget(*BOXES, ["box-1"], clock())
    assert ids(inventory) == []


def test_the_extras_stay_when_a_reading_comes_without_them(inventory: Inventory, clock: Clock):
    inventory.store_all(*BOXES, [[box(1)]], NOON)
    inventory.store(*BOXES, [{**box(1), "_Protected": True}], clock.move(5), trust="reread")
    revision = inventory.revision("box")
    inventory.store_all(*BOXES, [[box(1)]], clock.move(5))
    row = inventory.get("box", "box-1")
    assert row is not None
    assert row.description["_Protected"] is True
    assert inventory.revision("box") == revision
    inventory.store(*BOXES, [{**box(1), "_Protected": False}], clock.move(5), trust="reread")
    row = inventory.get("box", "box-1")
    assert row is not None
    assert row.description["_Protected"] is False


def test_a_reply_that_tells_little_leaves_the_rest_as_it_was(inventory: Inventory, clock: Clock):
    inventory.store(*BOXES, [box(1, name="first", Size=3)], NOON, trust="read")
    inventory.store(*BOXES, [{"BoxId": "box-1", "State": "broken"}], clock.move(5))
    row = inventory.get("box", "box-1")
    assert row is not None
    assert (row.name, row.state, row.cells["size"]) == ("first", "broken", 3)


@pytest.mark.parametrize("trust", ["reply", "reread"])
def test_what_was_before_an_action_does_not_flicker_up_while_aws_lags(
    inventory: Inventory, clock: Clock, trust: Trust
):
    inventory.store_all(*BOXES, [[box(1)]], NOON)
    inventory.store(*BOXES, [box(1, "packing")], clock.move(5), trust)
    inventory.store(*BOXES, [box(1)], clock.move(1), trust="reread")
    inventory.store(*BOXES, [box(1)], clock.move(5), trust="read")
    assert inventory.counts() == {"box": {"packing": 1}}
    assert [change.after for change in inventory.timeline("box", "box-1")] == ["packing"]
    inventory.store(*BOXES, [box(1)], clock.move(10), trust="read")
    assert inventory.counts() == {"box": {"ready": 1}}


def test_what_an_action_of_ours_undoes_at_once_is_shown_at_once(inventory: Inventory, clock: Clock):
    inventory.store_all(*BOXES, [[box(1)]], NOON)
    inventory.store(*BOXES, [box(1, tags={"a": "b"})], clock.move(5), "reread", "deed")
    inventory.acted(*BOXES, ["box-1"], "undoing", clock.move(5) + timedelta(minutes=1))
    inventory.store(*BOXES, [box(1)], clock.move(1), "reread", "undoing")
    row = inventory.get("box", "box-1")
    assert row is not None
    assert row.tags == {}


def test_anything_else_that_a_reading_shows_after_an_action_is_believed(
    inventory: Inventory, clock: Clock
):
    inventory.store_all(*BOXES, [[box(1)]], NOON)
    inventory.store(*BOXES, [box(1, "packing")], clock.move(5), "reply", "deed")
    inventory.store(*BOXES, [box(1, "packing", Size=3)], clock.move(1), "reread", "deed")
    inventory.store(*BOXES, [box(1)], clock.move(1), trust="read")
    assert inventory.counts() == {"box": {"packing": 1}}
    inventory.store(*BOXES, [box(1, "broken")], clock.move(1), trust="read")
    assert inventory.counts() == {"box": {"broken": 1}}
    inventory.store(*BOXES, [box(1)], clock.move(1), trust="read")
    assert inventory.counts() == {"box": {"ready": 1}}


def test_what_aws_still_shows_as_scrapped_is_listed(inventory: Inventory):
    inventory.store_all(*BOXES, [[box(1, "scrapped")]], NOON)
    [row] = inventory.all("box")
    assert row.state_class == "gone"
    assert not row.gone


def test_what_is_long_gone_is_forgotten_for_good(
    inventory: Inventory, clock: Clock, engine: Engine
):
    inventory.store(*BOXES, [box(1), box(2)], NOON)
    inventory.forget(*BOXES, ["box-1"], clock.move(1))
    clock.move(6 * 86400)
    assert inventory.sweep(timedelta(days=7)) == 0
    clock.move(2 * 86400)
    assert inventory.sweep(timedelta(days=7)) == 1
    assert inventory.get("box", "box-1") is None
    assert ids(inventory) == ["box-2"]
    with engine.connect() as connection:
        for table in (resources, documents):
            assert connection.scalar(select(func.count()).select_from(table)) == 1


def test_a_description_without_an_id_is_left_out_and_the_rest_is_stored(inventory: Inventory):
    inventory.store_all(*BOXES, [[{"State": "ready"}, box(1), {"BoxId": None}]], NOON)
    assert ids(inventory) == ["box-1"]


def test_a_description_that_a_column_cannot_read_is_shown_without_it(inventory: Inventory):
    inventory.store(*BOXES, [{"BoxId": "box-1", "Tags": None}], NOON)
    [row] = inventory.page("box", Query()).rows
    assert row.cells["zone"] is None
    assert (row.name, row.state, row.tags) == ("", "", {})


def test_nul_and_halves_of_characters_are_replaced(inventory: Inventory):
    odd = {**box(1, name="a\0b"), "Note": "half \ud83d of a smile 😀"}
    inventory.store_all(*BOXES, [[odd]], NOON)
    [row] = inventory.all("box")
    assert row.name == "a\ufffdb"
    assert row.cells["note"] == "half \ufffd of a smile 😀"
    revision = inventory.revision("box")
    inventory.store_all(*BOXES, [[odd]], NOON + timedelta(minutes=5))
    assert inventory.revision("box") == revision


def test_a_state_that_aws_has_added_since_counts_as_changing(inventory: Inventory):
    inventory.store(*BOXES, [box(1, "levitating")], NOON)
    assert [row.state_class for row in inventory.changing()] == ["changing"]


def test_what_lies_outside_the_scopes_is_no_longer_listed(inventory: Inventory, clock: Clock):
    inventory.store_all(*BOXES, [[box(1)]], NOON)
    inventory.store_all("box", ACCOUNT, THERE, [[box(2)]], NOON)
    inventory.store_all("box", "999999999999", HERE, [[box(3)]], NOON)
    clock.move(1)
    inventory.keep({(ACCOUNT, HERE)})
    assert ids(inventory) == ["box-1"]
    assert [place.region for place in inventory.freshness("box")] == [HERE]


def test_a_whole_account_is_given_up_in_short_transactions(
    inventory: Inventory, engine: Engine, clock: Clock
):
    inventory.store_all(*BOXES, [[box(number) for number in range(2500)]], clock())
    inventory.keep([])
    assert inventory.counts() == {"box": {}}
    assert inventory.collections() == {}
    statement = select(func.count(resources.c.seq)).group_by(resources.c.changed)
    with engine.connect() as connection:
        assert sorted(connection.scalars(statement)) == [500, 1000, 1000]


def test_more_than_fit_into_one_statement_are_stored_and_found_again(inventory: Inventory):
    many = [box(n) for n in range(1200)]
    inventory.store_all(*BOXES, [many], NOON)
    inventory.store_all(*BOXES, [many[:600]], NOON + timedelta(minutes=5))
    assert inventory.counts() == {"box": {"ready": 600}}
    assert len(list(inventory.export("box", Query()))) == 600
