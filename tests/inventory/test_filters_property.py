"""Filters as read and as held; order, facets and totals, against a plain evaluation."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from app.inventory import Inventory, Query, make_row, match
from app.inventory.filters import (
    All,
    Between,
    Contains,
    Equals,
    Expression,
    FilterError,
    HasTag,
    Not,
    Some,
    Starts,
    Word,
    parse,
)
from app.inventory.keys import titles
from tests.inventory.boxes import ACCOUNT, HERE, NOON, THERE, Clock, box, make_resource

DATABASES = ("sqlite",)  # the same on every one

BOX = make_resource()
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


class Written(NamedTuple):
    """A filter as text, and what it is to be read as."""

    text: str
    wanted: Expression


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def clean(text: str) -> str:
    return text.replace("\0", "\ufffd")


@st.composite
def conditions(draw: st.DrawFn) -> Written:
    """A word, a tag that is there, or a key compared with something that fits it."""
    what = draw(st.sampled_from(["word", "tag", "text", "text", "number", "time"]))
    text = draw(TEXTS)
    if what == "word":
        return Written(quoted(text), Word(clean(text)))
    tag = draw(TAG_KEYS)
    if what == "tag":
        return Written(f"tag:{quoted(tag)}", HasTag(f"tag:{tag}"))
    gap = draw(st.sampled_from(["", " "]))
    if what == "text":
        return draw(texts_compared(tag, text, gap))
    if what == "number":
        key = draw(st.sampled_from(["size", "packed", "tag"]))
        number = draw(st.integers(-3, 30) | st.floats(-2, 12))
        name = key if key != "tag" else f"tag:{tag}"
    else:
        key = name = "started"
        number = draw(st.sampled_from([1767139200.5, 1767225600.25, 1767312000.75]))
    operator, wanted = draw(st.sampled_from(ranges(name, float(number))))
    value = f"{number!r}" if key != "started" else moment(float(number))
    written = f"tag:{quoted(tag)}" if key == "tag" else key
    return Written(f"{written}{gap}{operator}{gap}{value}", wanted)


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def ranges(key: str, number: float) -> list[tuple[str, Expression]]:
    inf = math.inf
    return [
        (">", Between(key, number, inf, False, False)),
        (">=", Between(key, number, inf, True, False)),
        ("<", Between(key, -inf, number, False, False)),
        ("<=", Between(key, -inf, number, False, True)),
    ]


@st.composite
def texts_compared(draw: st.DrawFn, tag: str, text: str, gap: str) -> Written:
    key = draw(st.sampled_from(KEYS) | st.just("tag"))
    # what is said otherwise of dates, percentages and flags has tests of its own
    if key in ("started", "packed", "sealed"):
        text = draw(st.sampled_from(["", "never", "x"]))
    written, key = (f"tag:{quoted(tag)}", f"tag:{tag}") if key == "tag" else (key, key)
    exact, folded = clean(text), clean(text).casefold()
    offered: list[tuple[str, Expression]] = [
        ("=", Equals(key, exact)),
        ("!=", Not(Equals(key, exact))),
        (":", Contains(key, folded)),
        ("^", Starts(key, folded)),
    ]
    operator, wanted = draw(st.sampled_from(offered))
    return Written(f"{written}{gap}{operator}{gap}{quoted(text)}", wanted)


def joined(some: list[Written], operator: str, how: type[All] | type[Some]) -> Written:
    flat: list[Expression] = []
    for one in some:
        flat += one.wanted.of if isinstance(one.wanted, how) else [one.wanted]
    return Written(operator.join(f"({one.text})" for one in some), how(tuple(flat)))


def larger(smaller: st.SearchStrategy[Written]) -> st.SearchStrategy[Written]:
    several = st.lists(smaller, min_size=2, max_size=3)
    return st.one_of(
        smaller.map(lambda one: Written(f"not ({one.text})", Not(one.wanted))),
        st.builds(joined, several, st.sampled_from([" and ", " ", ""]), st.just(All)),
        st.builds(joined, several, st.sampled_from([" or ", "OR"]), st.just(Some)),
    )


FILTERS = st.recursive(conditions(), larger, max_leaves=6)


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


def numbers(key: str, description: dict[str, Any], found: dict[str, list[str]]) -> list[float]:
    """The numbers among the values of a key."""
    if key == "started":
        return [datetime.fromisoformat(t).timestamp() for t in found[key] if t and t != "never"]
    if not key.startswith("tag:") and key not in ("size", "packed"):
        return []
    if key == "size" and isinstance(description["Size"], bool | None):
        return []
    some = []
    for text in found.get(key, []):
        try:
            some.append(float(text.removesuffix("%")))
        except ValueError:
            continue
    return [number for number in some if math.isfinite(number)]


def holds(wanted: Expression, one: dict[str, Any], found: dict[str, list[str]]) -> bool:
    match wanted:
        case Not(of):
            return not holds(of, one, found)
        case All(of):
            return False not in [holds(part, one, found) for part in of]
        case Some(of):
            return True in [holds(part, one, found) for part in of]
        case HasTag(key):
            return key in found
        case Word(text):
            return text.casefold() in "\n".join(searched(found)).casefold()
        case Equals(key, text):
            return text in found.get(key, [])
        case Contains(key, folded):
            return any(folded in text.casefold() for text in found.get(key, []))
        case Starts(key, folded):
            return any(text.casefold()[: len(folded)] == folded for text in found.get(key, []))
        case Between(key, low, high, low_included, high_included):
            return any(
                low <= n <= high and (n != low or low_included) and (n != high or high_included)
                for n in numbers(key, one, found)
            )
    raise AssertionError(wanted)


def searched(found: dict[str, list[str]]) -> list[str]:
    columns = [text for key in found if key != "note" for text in found[key]]
    tags = [f"{key[4:]}={text}" for key in found if key.startswith("tag:") for text in found[key]]
    return [*columns, *tags]


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
        inventory.counts()  # a process learns of what has gone long before it is forgotten
        inventory.sweep(timedelta(0))

    return replace


def read(text: str) -> Expression | None:
    return parse(text, BOX, NOON)


@given(written=FILTERS)
def test_a_filter_is_read_as_it_was_written(written: Written):
    assert read(written.text) == written.wanted


@given(text=st.text(st.sampled_from('ab01 ()"\\=!<>^:.-%\0') | st.characters(), max_size=40))
def test_whatever_is_typed_is_read_or_refused_with_its_place(text: str):
    places = []
    try:
        read(text)
    except FilterError as error:
        places.append(error.position)
    assert all(place is not None and 0 <= place <= len(text) for place in places)


@given(
    words=st.lists(
        st.sampled_from(["a", "and", "or", "not", "(", ")", "tag:a", "size", ">", "=", "3", '"']),
        max_size=60,
    )
)
def test_any_order_of_parts_is_read_or_refused(words: list[str]):
    with suppress(FilterError):
        read(" ".join(words))


@given(here=boxes(), written=FILTERS)
def test_a_filter_holds_where_a_plain_evaluation_says_so(
    here: list[dict[str, Any]], written: Written
):
    for one in here:
        row = make_row(BOX, ACCOUNT, HERE, one, NOON)
        assert match.holds(written.wanted, BOX, row) == holds(written.wanted, one, texts(one, HERE))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(
    here=boxes(),
    there=boxes(),
    written=FILTERS | st.none(),
    facets=st.dictionaries(st.sampled_from(KEYS), st.lists(VALUES, min_size=1), max_size=2),
    sort=st.sampled_from(KEYS),
    descending=st.booleans(),
)
def test_a_list_is_what_a_plain_evaluation_says(
    inventory: Inventory,
    moving: Any,
    here: list[dict[str, Any]],
    there: list[dict[str, Any]],
    written: Written | None,
    facets: dict[str, list[str]],
    sort: str,
    descending: bool,
):
    there = [{**one, "BoxId": f"{one['BoxId']}-there"} for one in there]
    moving(here, there)
    every = [(one, texts(one, HERE)) for one in here] + [(one, texts(one, THERE)) for one in there]

    def chosen(one: dict[str, Any], found: dict[str, list[str]], without: str = "") -> bool:
        return (written is None or holds(written.wanted, one, found)) and all(
            name == without or set(values) & set(found[name]) for name, values in facets.items()
        )

    args = [
        ("q", written.text if written else ""),
        ("sort", f"-{sort}" if descending else sort),
        *((name, value) for name, values in facets.items() for value in values),
    ]
    query = Query.parse(BOX, MultiDict(args))
    page = inventory.page("box", query)

    matching = [(one, found) for one, found in every if chosen(one, found)]
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
            if chosen(one, found, without=view.name)
            for text in set(found[view.name])
        )
        assert {value.value: value.count for value in view.values if value.count} == counts
