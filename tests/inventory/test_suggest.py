from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inventory.suggest import Spot, spot
from tests.inventory.boxes import Cloud, make_resource

BOX = make_resource(Cloud().listing())


def here(marked: str) -> Spot:
    """The spot at the ``|`` in a text."""
    return spot(marked.replace("|", "", 1), marked.index("|"), BOX)


@pytest.mark.parametrize(
    ("marked", "start", "end", "typed"),
    [
        ("|", 0, 0, ""),
        ("st|", 0, 2, "st"),
        ("s|ta = ready", 0, 3, "s"),
        ("web st|", 4, 6, "st"),
        ("web |", 4, 4, ""),
        ("(st|", 1, 3, "st"),
        ("not st|", 4, 6, "st"),
        ("not|", 0, 3, "not"),
        ("a or |", 5, 5, ""),
        ("state = ready |", 14, 14, ""),
        ("state = ready zo|", 14, 16, "zo"),
        ('name = "a b" zo|', 13, 15, "zo"),
        ("tag:|", 0, 4, "tag:"),
        ("tag:Na|", 0, 6, "tag:Na"),
        ("tag:aws:|", 0, 8, "tag:aws:"),
        ("tag:aws:cl|", 0, 10, "tag:aws:cl"),
        ('tag:"my tag"|', 0, 12, 'tag:"my tag"'),
        ('tag:"my t|', 0, 9, 'tag:"my t'),
        ("arn:aws:sns|", 0, 11, "arn:aws:sns"),
        ("état|", 0, 4, "état"),
    ],
)
def test_a_key_or_word_is_being_typed(marked: str, start: int, end: int, typed: str):
    assert here(marked) == Spot("key", start, end, typed)


@pytest.mark.parametrize(
    ("marked", "key"),
    [
        ("state |", "state"),
        ("web STATE  |", "state"),
        ("(zone |)", "zone"),
        ("tag:Name |", "tag:Name"),
        ('tag:"my tag" |', "tag:my tag"),
    ],
)
def test_after_a_key_and_a_space_an_operator_may_follow(marked: str, key: str):
    at = marked.index("|")
    assert here(marked) == Spot("operator", at, at, "", key)


@pytest.mark.parametrize(
    ("marked", "start", "end", "typed", "key", "operator"),
    [
        ("state =|", 7, 7, "", "state", "="),
        ("state = |", 8, 8, "", "state", "="),
        ("state = re|", 8, 10, "re", "state", "="),
        ("state = re|ady zone = a", 8, 13, "re", "state", "="),
        ("(state=re|)", 7, 9, "re", "state", "="),
        ("web Zone != |", 12, 12, "", "zone", "!="),
        ("name:w|", 5, 6, "w", "name", ":"),
        ("size >= 1|", 8, 9, "1", "size", ">="),
        ('name = "a b|', 7, 11, "a b", "name", "="),
        ('name = "a| b" zone = x', 7, 12, "a", "name", "="),
        ('name = "a b"|', 7, 12, "a b", "name", "="),
        (r'name = "a \"b|', 7, 13, 'a "b', "name", "="),
        ("tag:Name = w|", 11, 12, "w", "tag:Name", "="),
        ("tag:Name: |", 10, 10, "", "tag:Name", ":"),
        ('tag:"my tag" = |', 15, 15, "", "tag:my tag", "="),
        ("colour = r|", 9, 10, "r", "", "="),
        ("state = ready or state = |", 25, 25, "", "state", "="),
        ("name = web(1)|", 7, 13, "web(1)", "name", "="),
    ],
)
def test_a_value_is_being_typed(
    marked: str, start: int, end: int, typed: str, key: str, operator: str
):
    found = here(marked)
    assert replace(found, begins=0) == Spot("value", start, end, typed, key, operator)


@pytest.mark.parametrize(
    ("marked", "begins"), [("state = r|", 0), ("web (Zone = |", 5), ("not tag:a = |", 4)]
)
def test_a_value_knows_where_its_condition_begins(marked: str, begins: int):
    assert here(marked).begins == begins


@given(st.text(st.sampled_from('ab ()"\\=!<>^:tag1é😀') | st.characters(), max_size=30), st.data())
def test_wherever_the_cursor_is_a_choice_replaces_what_is_around_it(text: str, data: st.DataObject):
    cursor = data.draw(st.integers(-1, len(text) + 1))
    found = spot(text, cursor, BOX)
    assert 0 <= found.start <= max(0, min(cursor, len(text))) <= found.end <= len(text)
