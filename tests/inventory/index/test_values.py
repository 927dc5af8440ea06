from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.inventory.index import values as module
from app.inventory.index.values import Value, Values

TEXTS = st.text("aAbB-ßİéſ10", max_size=4)
NUMBERS = st.none() | st.sampled_from([0.0, 1.0, 1.5, -3.0])


@st.composite
def value(draw: st.DrawFn) -> Value:
    number = draw(NUMBERS)
    return Value(draw(TEXTS), number, int(number is not None))


SOME = st.lists(value(), max_size=12, unique_by=lambda one: (one.text, one.group))


@pytest.fixture(params=["all hashes differ", "all hashes are the same"])
def hashes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "all hashes are the same":
        monkeypatch.setattr(
            module, "_hashes", lambda texts, groups: np.zeros(len(texts), np.uint32)
        )


@pytest.mark.usefixtures("hashes")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(first=SOME, second=SOME)
def test_a_value_has_one_code_whenever_it_comes(first: list[Value], second: list[Value]):
    held = Values()
    codes: dict[tuple[str, int], int] = {}
    for some in (first, second):
        for one, code in zip(some, held.add(some).tolist(), strict=True):
            assert codes.setdefault((one.text, one.group), code) == code
    assert len(held) == len(codes)
    assert len(set(codes.values())) == len(codes)
    for (text, group), code in codes.items():
        assert held.codes(text, (group,)).tolist() == [code]
        assert held.texts([code]) == [text]
    assert held.codes("nowhere").tolist() == []


def key(one: Value) -> tuple[int, float, str]:
    if one.number is not None:
        return (0, one.number, one.text.casefold())
    return (1, 0.0, one.text.casefold()) if one.text else (2, 0.0, "")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(batches=st.lists(SOME, max_size=5), few=st.sampled_from([0, 1, 100]))
def test_ranks_sort_as_a_plain_sort_does(
    monkeypatch: pytest.MonkeyPatch, batches: list[list[Value]], few: int
):
    monkeypatch.setattr(module, "_FEW", few)
    held = Values()
    for some in batches:
        held.add(some)
        every = held.values(np.arange(len(held)))
        ranks = held.ranks().tolist()
        keys = [key(one) for one in every]
        for a in range(len(every)):
            for b in range(len(every)):
                assert (ranks[a] < ranks[b]) == (keys[a] < keys[b])
                assert (ranks[a] == ranks[b]) == (keys[a] == keys[b])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(batches=st.lists(SOME, max_size=4), folded=TEXTS.map(str.casefold))
def test_a_word_is_found_in_values_whatever_their_case(batches: list[list[Value]], folded: str):
    held = Values()
    for some in batches:
        held.add(some)
        hits = held.hits(folded)
        texts = held.texts(range(len(held)))
        assert set(hits.codes.tolist()) == {
            code for code, text in enumerate(texts) if folded in text.casefold()
        }
        assert set(hits.codes[hits.places == 0].tolist()) == {
            code for code, text in enumerate(texts) if text.casefold().startswith(folded)
        }


def test_hits_are_kept_and_only_new_values_are_looked_through(monkeypatch: pytest.MonkeyPatch):
    held = Values()
    held.add([Value(f"web-{n}", None, 0) for n in range(10)])
    assert len(held.hits("web").codes) == 10
    looked: list[int] = []
    whole = held._texts.hits

    def noting(needle: bytes, since: int) -> object:
        looked.append(since)
        return whole(needle, since)

    monkeypatch.setattr(held._texts, "hits", noting)
    held.add([Value("web-10", None, 0)])
    assert len(held.hits("web").codes) == 11
    assert len(held.hits("web").codes) == 11
    assert looked == [10]


def test_half_a_character_is_nowhere_and_no_error():
    held = Values()
    held.add([Value("é", None, 0)])
    assert held.hits("\ud800").codes.tolist() == []
    assert held.codes("\ud800").tolist() == []
