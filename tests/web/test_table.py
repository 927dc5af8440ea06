"""A list's table: its heads, its rows, its columns."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from app.inventory import Query
from app.resources import RESOURCES
from app.resources.spec import Cell, Column, Row
from app.web import columns
from app.web.draw import no_names
from app.web.table import Body, heads

HOSTILE = "<script>alert('\"1\"')</script>"
CELLS: tuple[Cell, ...] = ("text", "code", "number", "size", "time", "percent")
INSTANCE = RESOURCES["instance"]


def row(tags: dict[str, str] | None = None, **cells: Any) -> Row:
    """An instance with these cells."""
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    return Row(
        "instance",
        "i-1",
        HOSTILE,
        "1",
        "us-east-1",
        "running",
        "ok",
        tags or {},
        cells,
        dict,
        moment,
    )


def column(cell: Cell, title: str = "It") -> Column:
    """A column that is drawn so."""
    return Column("it", title, lambda description: None, cell)


def body(columns: list[Column], one: Row, pick: bool = True) -> str:
    """The row as HTML, in a table of these columns."""
    return str(Body(columns, pick, no_names, {"1": "shop"}).rows([one]))


def text_of(html: str) -> str:
    return re.sub(r"<[^>]*>", " ", html)


def test_a_table_tells_how_it_is_sorted_and_sorts_the_other_way() -> None:
    query = Query(q="a b", sort="name", default_sort="-launched")
    drawn = heads(INSTANCE, [column("text")], query, "/things", {"name", "id"})
    assert drawn.count('aria-sort="ascending"') == 1
    assert 'href="/things?q=a+b&amp;sort=-name"' in drawn


def test_a_column_that_cannot_be_sorted_by_has_no_link() -> None:
    query = Query()
    drawn = heads(INSTANCE, [column("text", "Colour")], query, "/things", {"name", "id"})
    assert '<th scope="col">Colour</th>' in drawn


def test_nothing_in_a_row_is_taken_for_html() -> None:
    shown = [
        column(cell, HOSTILE) for cell in ("text", "code", "number", "size", "time", "percent")
    ]
    tagged = columns.chosen(INSTANCE, [f"tag:{HOSTILE}", "tags"])
    drawn = body(shown + tagged, row({HOSTILE: HOSTILE, "a": "b", "c": "d"}, it=HOSTILE))
    assert "<script" not in drawn
    assert not re.search(r'="[^"]*<', drawn)


def test_a_row_can_be_ticked_and_leads_to_its_page() -> None:
    drawn = body([], row())
    assert 'name="id" value="i-1"' in drawn
    assert 'href="/instances/i-1"' in drawn
    assert "checkbox" not in body([], row(), pick=False)


def test_the_account_is_told_by_its_name() -> None:
    drawn = body([columns.ACCOUNT, columns.REGION], row())
    assert "shop" in text_of(drawn)
    assert 'title="1"' in drawn
    assert "us-east-1" in text_of(drawn)


def test_a_tag_can_be_a_column() -> None:
    shown = columns.chosen(INSTANCE, ["tag:team", "tag:none"])
    drawn = body(shown, row({"team": "data"}))
    assert ">data</td>" in drawn
    assert drawn.count("–") == 1


def test_columns_that_a_kind_does_not_have_are_left_out() -> None:
    found = columns.chosen(INSTANCE, ["state", "colour", "region", "state", "tag:"])
    assert [one.name for one in found] == ["state", "region"]


def test_account_and_region_stand_there_by_themselves_only_if_there_are_several() -> None:
    def names(accounts: int, regions: int) -> list[str]:
        return [one.name for one in columns.defaults(INSTANCE, accounts, regions)]

    assert names(3, 10)[:2] == ["state", "account"]
    assert names(3, 10)[-1] == "region"
    assert not {"account", "region"} & set(names(1, 1))
    assert names(1, 2)[-1] == "region"
