"""The index after random changes, against a plain evaluation over the same rows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.inventory import Query, match
from app.inventory.expressions import Expression
from app.inventory.index import IndexRow, KindIndex, column, finding, lists, order, values
from tests.inventory.index.rows import ANY_KEY, BOX, KEYS, TEXTS, expressions, row, rows


@pytest.fixture(autouse=True, params=["small", "as it is"])
def sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once so that values are put in one by one, and thrown out early."""
    if request.param == "small":
        monkeypatch.setattr(column, "_COMPACT_FROM", 2)
        monkeypatch.setattr(values, "_REMEMBERED", 1)
        monkeypatch.setattr(order, "_MANY", 0)


def key(row: IndexRow, name: str) -> tuple[Any, ...]:
    """What a row sorts by; what has no value has no key."""
    text, number = match.values(name, BOX, row)[0]
    if number is None and not text:
        return ()
    rest = (text.casefold(), row.id.casefold(), row.seq)
    return (0, number, *rest) if number is not None else (1, 0.0, *rest)


def in_order(found: list[IndexRow], name: str, descending: bool) -> list[int]:
    present = sorted((r for r in found if key(r, name)), key=lambda r: key(r, name))
    missing = sorted((r for r in found if not key(r, name)), key=lambda r: (r.id.casefold(), r.seq))
    return [r.seq for r in ([*reversed(present)] if descending else present) + missing]


def texts(row: IndexRow, name: str) -> set[str]:
    return {text for text, _ in match.values(name, BOX, row)}


DELTAS = st.lists(st.lists(rows(), max_size=6), min_size=1, max_size=3)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=60,
)
@given(
    deltas=DELTAS,
    expression=st.none() | expressions(),
    facets=st.dictionaries(st.sampled_from(KEYS), st.lists(TEXTS, min_size=1), max_size=2),
    sort=st.sampled_from(KEYS),
    descending=st.booleans(),
    page=st.tuples(st.integers(0, 6), st.integers(1, 4)),
)
def test_a_list_is_what_a_plain_evaluation_says_after_every_change(
    deltas: list[list[IndexRow]],
    expression: Expression | None,
    facets: dict[str, list[str]],
    sort: str,
    descending: bool,
    page: tuple[int, int],
):
    index = KindIndex(BOX)
    known: dict[int, IndexRow] = {}
    chosen = {name: tuple(dict.fromkeys(some)) for name, some in facets.items()}
    query = Query(facets=chosen, expression=expression)
    asked = f"-{sort}" if descending else sort
    for delta in deltas:
        index.apply(delta)
        known.update((row.seq, row) for row in delta)
        here = [row for row in known.values() if row.there]

        def fits(row: IndexRow, without: str = "") -> bool:
            held = expression is None or match.holds(expression, BOX, row)
            return held and all(
                name == without or texts(row, name) & set(some) for name, some in chosen.items()
            )

        found = [row for row in here if fits(row)]
        told = lists.select(index, query)
        slots = lists.ordered(index, asked, told.chosen)
        expected = in_order(found, sort, descending)
        seqs, changed = index.rows(slots)
        assert seqs == expected
        assert changed == [known[seq].changed for seq in seqs]
        offset, limit = page
        some = lists.ordered(index, asked, told.chosen, offset, limit)
        assert index.seqs(some).tolist() == expected[offset : offset + limit]
        assert told.total == len(found)
        assert len(index) == len(here)
        for view in told.facets:
            counts = Counter(
                text for row in here if fits(row, view.name) for text in texts(row, view.name)
            )
            assert {one.value: one.count for one in view.values if one.count} == counts
        assert index.tally() == Counter(
            (row.account, row.region, match.values("state", BOX, row)[0][0]) for row in here
        )


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=60,
)
@given(deltas=DELTAS, name=ANY_KEY, typed=TEXTS, expression=st.none() | expressions())
def test_the_values_of_a_key_are_those_that_contain_what_is_typed(
    deltas: list[list[IndexRow]], name: str, typed: str, expression: Expression | None
):
    index = KindIndex(BOX)
    known: dict[int, IndexRow] = {}
    for delta in deltas:
        index.apply(delta)
        known.update((row.seq, row) for row in delta)
    here = [
        row
        for row in known.values()
        if row.there and (expression is None or match.holds(expression, BOX, row))
    ]
    counts = Counter(text for row in here for text in texts(row, name))
    folded = typed.casefold()
    fitting = {text: n for text, n in counts.items() if text and folded in text.casefold()}
    expected = sorted(
        fitting.items(),
        key=lambda one: (not one[0].casefold().startswith(folded), -one[1], one[0]),
    )
    assert finding.values(index, name, typed, 100, expression) == expected
    assert finding.values(index, name, typed, 2, expression) == expected[:2]
    keys = Counter(tag for row in known.values() if row.there for tag in row.tags)
    assert dict(finding.tag_keys(index)) == keys


def test_equals_stay_sorted_by_id_when_a_place_is_given_to_another_id():
    index = KindIndex(BOX)
    index.apply([row(1, id="box-2"), row(2, id="box-1"), *(row(n) for n in range(3, 40))])
    assert index.rows(lists.ordered(index, "account", None))[0][0] == 2
    index.apply([row(1, id="box-0")])
    assert index.rows(lists.ordered(index, "account", None))[0][0] == 1
