from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inventory.index import blob
from app.inventory.index.blob import Blob, Growing

LINES = st.lists(st.text("abAB-é1", max_size=6), max_size=30)
NEEDLES = st.text("ab-é1", max_size=3)


def made(lines: list[str], once: bool = False) -> Blob:
    found = Blob(once)
    found.extend([line.encode() for line in lines])
    return found


def places(lines: list[str], needle: str) -> list[tuple[int, int]]:
    """Every place of ``needle``, by plain Python; letters of ASCII stand for both cases."""
    wanted = re.compile(b"(?=" + re.escape(needle.encode()) + b")", re.IGNORECASE)
    return [
        (number, match.start())
        for number, line in enumerate(lines)
        for match in wanted.finditer(line.encode())
    ]


@pytest.fixture(autouse=True, params=[1, 7, 64 * 1024])
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blob, "_WINDOW", request.param)


@given(lines=LINES, needle=NEEDLES.filter(bool))
def test_a_word_is_found_wherever_it_is_and_never_across_lines(lines: list[str], needle: str):
    numbers, at = made(lines).hits(needle.encode())
    found = list(zip(numbers.tolist(), at.tolist(), strict=True))
    assert found == places(lines, needle)


@given(lines=LINES, needle=NEEDLES.filter(bool))
def test_where_one_place_is_enough_the_first_of_each_line_is_told(lines: list[str], needle: str):
    numbers, at = made(lines, once=True).hits(needle.encode())
    first: dict[int, int] = {}
    for number, place in places(lines, needle):
        first.setdefault(number, place)
    told: dict[int, int] = {}
    for number, place in zip(numbers.tolist(), at.tolist(), strict=True):
        told.setdefault(number, place)
    assert told == first


@given(lines=LINES, more=LINES, needle=NEEDLES)
def test_only_what_came_since_is_looked_through_if_asked(
    lines: list[str], more: list[str], needle: str
):
    both = made(lines)
    both.extend([line.encode() for line in more])
    numbers, at = both.hits(needle.encode(), since=len(lines))
    alone, at_alone = made(more).hits(needle.encode())
    assert (numbers - len(lines)).tolist() == alone.tolist()
    assert at.tolist() == at_alone.tolist()


def test_nothing_is_in_every_line():
    assert made(["a", "", "b"]).hits(b"")[0].tolist() == [0, 1, 2]


@given(lines=LINES, more=LINES)
def test_lines_come_back_as_they_went_in(lines: list[str], more: list[str]):
    found = made(lines)
    found.extend([line.encode() for line in more])
    found.fit()
    every = [line.encode() for line in (*lines, *more)]
    assert found.every() == every
    assert found.lines(range(len(every))) == every
    assert [found.line(number) for number in range(len(every))] == every
    assert len(found) == len(every)


def test_texts_of_more_than_two_gigabytes_have_wider_numbers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(blob, "_FAR", 5)
    found = made(["abc"])
    found.extend([b"def"])
    assert found.lines([0, 1]) == [b"abc", b"def"]
    assert found._starts.view.dtype == np.int64


def test_a_view_stays_as_it_was_when_more_is_added():
    growing = Growing(np.int32)
    growing.extend([1, 2])
    before = growing.view
    growing.extend(np.arange(1000))
    assert before.tolist() == [1, 2]
    assert growing.view[:3].tolist() == [1, 2, 0]
