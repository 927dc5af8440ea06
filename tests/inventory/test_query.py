from __future__ import annotations

import math
from dataclasses import replace

import pytest
from werkzeug.datastructures import MultiDict

from app.inventory import FilterError, Query
from app.inventory.filters import Between, Equals
from tests.inventory.boxes import NOON, make_resource

BOX = make_resource()


def parse(*args: tuple[str, str]) -> Query:
    return Query.parse(BOX, MultiDict(args))


def test_without_arguments_a_query_is_the_first_page_in_the_kinds_order():
    query = parse()
    assert (query.q, query.facets, query.sort, query.page, query.per_page) == (
        "",
        {},
        "name",
        1,
        50,
    )
    assert query.args() == {}
    assert query.url_args() == ""
    assert not query.narrowed


def test_a_query_reads_filter_facets_sort_and_page():
    query = parse(
        ("q", "size = 3"),
        ("state", "ready"),
        ("state", "broken"),
        ("region", "us-east-1"),
        ("sort", "-size"),
        ("page", "3"),
        ("per_page", "100"),
    )
    assert query.expression == Equals("size", "3")
    assert query.facets == {"state": ("ready", "broken"), "region": ("us-east-1",)}
    assert (query.sort, query.descending) == ("-size", True)
    assert (query.page, query.per_page) == (3, 100)
    assert query.narrowed


def test_the_arguments_of_a_query_lead_to_the_same_query():
    args = [("q", "a b"), ("state", "ready"), ("sort", "-size"), ("page", "2"), ("per_page", "25")]
    query = parse(*args)
    again = Query.parse(BOX, MultiDict(query.args()))
    assert again == query
    assert query.url_args() == "?q=a+b&state=ready&sort=-size&per_page=25&page=2"


def test_whatever_changes_the_list_leads_to_its_first_page():
    query = parse(("page", "4"), ("q", "web"))
    assert query.args(page=5)["page"] == "5"
    assert "page" not in query.args(q="db")
    assert "page" not in query.args(sort="-size")
    assert "page" not in query.args(state=["ready"])
    assert query.args(state=["ready"])["state"] == ["ready"]


def test_a_facets_value_is_chosen_and_unchosen():
    query = parse(("state", "ready"))
    assert query.toggled("state", "broken") == {"state": ("ready", "broken")}
    assert query.toggled("state", "ready") == {}
    assert query.args(facets=query.toggled("state", "ready")) == {}
    assert parse().args(facets=parse().toggled("zone", "a")) == {"zone": ["a"]}


def test_a_click_on_a_columns_head_turns_its_order_around():
    assert parse().sorted_by("size") == "size"
    assert parse(("sort", "size")).sorted_by("size") == "-size"
    assert parse(("sort", "-size")).sorted_by("size") == "size"


@pytest.mark.parametrize("page", ["0", "-1", "one", "", "1.5", " 1", "+1", "1_0", "²", "١"])
def test_a_page_that_is_no_number_from_one_on_is_refused(page: str):
    with pytest.raises(FilterError) as caught:
        parse(("page", page))
    assert caught.value.field == "page"


def test_a_page_number_of_any_length_is_taken():
    assert parse(("page", "9" * 400)).page > 1_000_000


@pytest.mark.parametrize("per_page", ["0", "1", "51", "-25", "25.0", "many", ""])
def test_only_the_page_sizes_on_offer_are_taken(per_page: str):
    with pytest.raises(FilterError, match="25, 50, 100, 250") as caught:
        parse(("per_page", per_page))
    assert caught.value.field == "per_page"


@pytest.mark.parametrize("sort", ["colour", "-", "--size", "tag:Name", "size desc"])
def test_a_sort_by_no_column_is_refused(sort: str):
    with pytest.raises(FilterError, match="Columns are") as caught:
        parse(("sort", sort))
    assert caught.value.field == "sort"


def test_an_unknown_argument_is_refused_unless_it_is_somebody_elses():
    with pytest.raises(FilterError) as caught:
        parse(("tab", "public"))
    assert caught.value.field == "tab"
    Query.parse(BOX, MultiDict([("tab", "public")]), ignore=["tab"])


def test_the_columns_to_be_shown_are_read_in_their_order():
    query = parse(("columns", "size,tag:Name,state,size,"))
    assert query.columns == ("size", "tag:Name", "state")
    assert query.url_args() == "?columns=size%2Ctag%3AName%2Cstate"
    assert parse(("columns", "")).columns == ()


def test_the_key_of_a_tag_among_the_columns_may_hold_commas_and_percents():
    columns = ("tag:a,b", "tag:100%2C", "size")
    args = replace(parse(), columns=columns).args()
    assert Query.parse(BOX, MultiDict(args)).columns == columns


@pytest.mark.parametrize(
    "columns", ["colour", "tag:", "size;state", ",".join(map("tag:{}".format, range(61)))]
)
def test_columns_that_cannot_be_shown_are_refused(columns: str):
    with pytest.raises(FilterError) as caught:
        parse(("columns", columns))
    assert caught.value.field == "columns"


def test_other_columns_do_not_lead_away_from_the_page():
    query = parse(("page", "4"), ("columns", "size"))
    assert query.args(columns=("state",)) == {"columns": "state", "page": "4"}
    assert query.args(columns=()) == {"page": "4"}


def test_ages_are_counted_from_the_time_that_is_given():
    query = Query.parse(BOX, MultiDict({"q": "started < 1d"}), now=NOON)
    yesterday = NOON.timestamp() - 86400
    assert query.expression == Between("started", yesterday, math.inf, False, False)


def test_a_filter_that_does_not_parse_is_refused_with_its_place():
    with pytest.raises(FilterError) as caught:
        parse(("q", "colour = red"))
    assert (caught.value.field, caught.value.position) == ("q", 0)
