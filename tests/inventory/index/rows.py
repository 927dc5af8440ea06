"""Rows of boxes, as the index takes them in; drawn, or as told."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from app.inventory.expressions import (
    All,
    Between,
    Contains,
    Equals,
    Expression,
    HasTag,
    Not,
    Some,
    Starts,
    Word,
)
from app.inventory.index import IndexRow
from app.inventory.keys import titles
from tests.inventory.boxes import Cloud, make_resource

BOX = make_resource(Cloud().listing())
KEYS = sorted(titles(BOX))
LETTERS = "abAB-=1ßİé😀"
TEXTS = st.text(LETTERS, max_size=4) | st.sampled_from(["", "8", "10", "1.0", "1", "yes", "ready"])
TAG_KEYS = st.sampled_from(["Name", "team", "te", "a=b", "tEÉ"])
NUMBERS = st.integers(-2, 12) | st.sampled_from([0.5, 1.0, -0.0, 1e300])


def row(seq: int, there: bool = True, **more: Any) -> IndexRow:
    """A row; ``cells`` and ``tags`` as they are to be."""
    given = {
        "id": f"box-{seq}",
        "name": "",
        "account": "1",
        "region": "here",
        "state": "ready",
        "changed": 1,
        "cells": {},
        "tags": {},
        **more,
    }
    return IndexRow(seq=seq, there=there, **given)


@st.composite
def rows(draw: st.DrawFn) -> IndexRow:
    cells = {
        "state": draw(st.sampled_from(["ready", "broken", "new"])),
        "zone": draw(TEXTS),
        "size": draw(st.none() | NUMBERS | TEXTS),
        "packed": draw(st.none() | st.sampled_from(["1%", "1.0%", "10%", "9%", "?"])),
        "started": draw(
            st.none()
            | st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00", "never"])
        ),
        "sealed": draw(st.none() | st.booleans() | st.integers(0, 1)),
        "parts": draw(st.none() | st.lists(TEXTS, max_size=3)),
        "note": draw(st.none() | TEXTS),
    }
    return row(
        draw(st.integers(1, 12)),
        draw(st.sampled_from([True, True, True, False])),
        id=draw(st.sampled_from(["box-1", "box-2", "BOX-1", "é"])),
        name=draw(TEXTS),
        account=draw(st.sampled_from(["1", "22"])),
        region=draw(st.sampled_from(["here", "there"])),
        changed=draw(st.integers(1, 9)),
        cells={key: value for key, value in cells.items() if value is not None},
        tags=draw(st.dictionaries(TAG_KEYS, TEXTS, max_size=3)),
    )


ANY_KEY = st.sampled_from(KEYS) | TAG_KEYS.map("tag:{}".format)
FOLDED = TEXTS.map(str.casefold)
LEAVES = (
    st.builds(Word, TEXTS)
    | st.builds(Equals, ANY_KEY, TEXTS)
    | st.builds(Contains, ANY_KEY, FOLDED)
    | st.builds(Starts, ANY_KEY, FOLDED)
    | st.builds(Between, ANY_KEY, NUMBERS, NUMBERS, st.booleans(), st.booleans())
    | st.builds(HasTag, TAG_KEYS.map("tag:{}".format))
)


def expressions() -> st.SearchStrategy[Expression]:
    def joined(parts: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        several = st.lists(parts, max_size=3).map(tuple)
        return st.builds(Not, parts) | st.builds(All, several) | st.builds(Some, several)

    return st.recursive(LEAVES, joined, max_leaves=5)
