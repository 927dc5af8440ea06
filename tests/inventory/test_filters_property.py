"""Filters, order, facets and totals in SQL against a plain evaluation over the same rows."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from app.inventory import Inventory, Query
from app.inventory.filters import Compare, HasTag, Term, Word, parse, quote
from app.inventory.query import titles
from tests.inventory.boxes import ACCOUNT, HERE, THERE, Clock, Cloud, box, make_resource

BOX = make_resource(Cloud().listing())
KEYS = sorted(titles(BOX))
LETTERS = "abAB ßéİ%_'\"\\-=:10/*[]\0😀"
SHORT = st.text(LETTERS, max_size=4)
VALUES = st.sampled_from(["a", "B", "ab", "", "yes", "no", "1", "10", "8", "ready", HERE, "box-1"])
TEXTS = SHORT | VALUES
TAG_KEYS = st.sampled_from(["Name", "team", "a:b", "name", 'odd "key"'])


@st.composite
def one_box(draw: st.DrawFn) -> dict[str, Any]:
    return box(
        0,
        draw(st.sampled_from(["ready", "packing", "broken", "new"])),
        zone=draw(TEXTS),
        tags=draw(st.dictionaries(TAG_KEYS, TEXTS, max_size=3)),
        Size=draw(st.none() | st.integers(-3, 30) | st.floats(-2, 2) | TEXTS),
        Packed=draw(st.none() | st.sampled_from(["1%", "10%", "9%", "?"])),
        Started=draw(st.none() | st.sampled_from(["2026-01-01T00:00:00Z", "never"])),
        Sealed=draw(st.none() | st.booleans()),
        Parts=draw(st.none() | st.lists(TEXTS, max_size=3)),
        Note=draw(st.none() | TEXTS),
    )


def boxes() -> st.SearchStrategy[list[dict[str, Any]]]:
    some = st.lists(one_box(), max_size=6)
    return some.map(lambda made: [{**one, "BoxId": f"box-{n}"} for n, one in enumerate(made)])


WORDS = TEXTS.filter(str.strip).map(Word)
COMPARES = st.builds(
    Compare,
    st.sampled_from(KEYS) | TAG_KEYS.map("tag:{}".format),
    st.sampled_from(["=", "!=", ":"]),
    TEXTS,
)
FILTERS = st.lists(WORDS | COMPARES | TAG_KEYS.map("tag:{}".format).map(HasTag), max_size=3)


def written(term: Term) -> str:
    if isinstance(term, Word):
        return '"' + term.text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    tag = term.key.startswith("tag:")
    key = f"tag:{quote(term.key[4:])}" if tag else term.key
    return key if isinstance(term, HasTag) else f"{key} {term.operator} {quote(term.value)}"


# The plain evaluation: nothing of it is shared with the code that it judges.


def shown(value: Any) -> list[str]:
    if isinstance(value, list):
        return [shown(item)[0] for item in value] or [""]
    if value is None:
        return [""]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, float) and value == int(value):
        return [str(int(value))]
    return [str(value).replace("\0", "\ufffd")]


def texts(description: dict[str, Any], region: str) -> dict[str, list[str]]:
    tags = {tag["Key"]: tag["Value"] for tag in description["Tags"]}
    raw = {
        "id": description["BoxId"],
        "name": tags.get("Name", ""),
        "account": ACCOUNT,
        "region": region,
        "state": description["State"],
        "zone": description["Place"]["Zone"],
        "size": description["Size"],
        "packed": description["Packed"],
        "started": description["Started"],
        "sealed": description["Sealed"],
        "parts": description["Parts"],
        "note": description["Note"],
    }
    return {
        **{key: shown(value) for key, value in raw.items()},
        **{f"tag:{key}": shown(value) for key, value in tags.items()},
    }


def holds(term: Term, found: dict[str, list[str]]) -> bool:
    if isinstance(term, HasTag):
        return term.key in found
    if isinstance(term, Word):
        word = term.text.replace("\0", "\ufffd").casefold()
        searched = [found[key] for key in found if key not in ("account", "note")]
        tags = [
            f"{key[4:]}={text}" for key in found if key.startswith("tag:") for text in found[key]
        ]
        return any(word in text.casefold() for some in [*searched, tags] for text in some)
    value = term.value.replace("\0", "\ufffd")
    there = found.get(term.key, [])
    if term.operator == ":":
        return any(value.casefold() in text.casefold() for text in there)
    return (value in there) == (term.operator == "=")


def key(column: str, description: dict[str, Any], found: dict[str, list[str]]) -> tuple[Any, ...]:
    """What a box sorts by: numbers before texts, then its id. What has no value has no key."""
    text = found[column][0]
    number: float | None = None
    try:
        if column == "size" and not isinstance(description["Size"], bool):
            number = float(description["Size"])
        if column == "packed":
            number = float(text.removesuffix("%"))
        if column == "started":
            number = datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError):
        pass
    if number is None and not text:
        return ()
    rest = (text.casefold(), description["BoxId"])
    return (0, number, *rest) if number is not None else (1, 0.0, *rest)


@pytest.fixture
def moving(inventory: Inventory, clock: Clock) -> Any:
    """Replaces what the inventory knows, as two refreshes of another day would."""

    def replace(here: list[dict[str, Any]], there: list[dict[str, Any]]) -> None:
        clock.move(86400)
        inventory.store_all("box", ACCOUNT, HERE, [here], clock())
        inventory.store_all("box", ACCOUNT, THERE, [there], clock())
        clock.move(1)
        inventory.sweep(timedelta(0))

    return replace


@given(terms=FILTERS)
def test_a_filter_is_read_as_it_was_written(terms: list[Term]):
    assert parse(" ".join(map(written, terms)), KEYS) == tuple(terms)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    here=boxes(),
    there=boxes(),
    terms=FILTERS,
    facets=st.dictionaries(st.sampled_from(KEYS), st.lists(VALUES, min_size=1), max_size=2),
    sort=st.sampled_from(KEYS),
    descending=st.booleans(),
)
def test_a_list_is_what_a_plain_evaluation_says(
    inventory: Inventory,
    moving: Any,
    here: list[dict[str, Any]],
    there: list[dict[str, Any]],
    terms: list[Term],
    facets: dict[str, list[str]],
    sort: str,
    descending: bool,
):
    there = [{**one, "BoxId": f"{one['BoxId']}-there"} for one in there]
    moving(here, there)
    every = [(one, texts(one, HERE)) for one in here] + [(one, texts(one, THERE)) for one in there]

    def chosen(found: dict[str, list[str]], without: str = "") -> bool:
        return all(holds(term, found) for term in terms) and all(
            name == without or set(values) & set(found[name]) for name, values in facets.items()
        )

    args = [
        ("q", " ".join(map(written, terms))),
        ("sort", f"-{sort}" if descending else sort),
        *((name, value) for name, values in facets.items() for value in values),
    ]
    query = Query.parse(BOX, MultiDict(args))
    page = inventory.page("box", query)

    matching = [(one, found) for one, found in every if chosen(found)]
    keys = {one["BoxId"]: key(sort, one, found) for one, found in matching}
    present = sorted((i for i in keys if keys[i]), key=lambda i: keys[i], reverse=descending)
    missing = sorted(i for i in keys if not keys[i])
    assert [row.id for row in page.rows] == present + missing
    assert [row.id for row in inventory.export("box", query)] == present + missing
    assert page.total == len(matching)
    for view in page.facets:
        counts = Counter(
            text
            for one, found in every
            if chosen(found, without=view.name)
            for text in set(found[view.name])
        )
        assert {value.value: value.count for value in view.values if value.count} == counts
