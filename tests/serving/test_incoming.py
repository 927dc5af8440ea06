"""Where a request ends, whatever comes and however it is cut."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.serving.incoming import MAX_BODY, MAX_HEAD, NoLength, TooLong, frame_of, head_of
from app.serving.turns import Turns
from app.settings.wire import sender

names = st.sampled_from(
    ["Content-Length", "content-length ", "Transfer-Encoding", "X", "", "Host", "Expect"]
)
values = st.one_of(
    st.sampled_from(["0", "3", "+3", "3, 3", "chunked", "gzip, chunked", "³", "99999999999999"]),
    st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=20),
)
heads = st.lists(st.tuples(names, values), max_size=6).map(
    lambda pairs: "".join(
        ["POST / HTTP/1.1\r\n", *(f"{name}:{value}\r\n" for name, value in pairs), "\r\n"]
    ).encode("latin-1")
)


@given(heads, st.binary(max_size=30), st.integers(1, 20))
def test_a_head_is_found_wherever_it_is_cut(head: bytes, after: bytes, step: int) -> None:
    whole = head_of(head + after)
    assert whole is not None
    searched = 0
    for end in range(step, len(head) + len(after) + step, step):
        found = head_of((head + after)[:end], searched)
        searched = end
        if found is not None:
            assert found == whole
            return
    raise AssertionError("it was not found")


@given(heads)
def test_only_a_single_plain_length_says_how_much_follows(head: bytes) -> None:
    found = head_of(head)
    assert found is not None
    try:
        frame = frame_of(found)
    except NoLength:
        assert found.all("transfer-encoding")
        return
    follows = frame.size - found.size
    assert 0 <= follows <= MAX_BODY
    if follows:
        assert found.all("content-length") == [found.all("content-length")[0]]
        assert not found.all("transfer-encoding")


def test_a_head_has_an_end() -> None:
    assert head_of(b"GET / HTTP/1.1\r\nX: " + b"a" * (MAX_HEAD - 100)) is None
    with pytest.raises(TooLong):
        head_of(b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEAD)


def test_of_a_body_that_is_too_large_nothing_is_awaited() -> None:
    for length, last in ((MAX_BODY, False), (MAX_BODY + 1, True)):
        head = head_of(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode())
        assert head is not None
        assert frame_of(head).last is last


class Asking:
    """Somebody who waits for a thread."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys


def test_one_address_or_session_leaves_threads_to_others() -> None:
    turns = Turns(8)
    greedy = [Asking("10.0.0.1", f"session {number}") for number in range(20)]
    other = Asking("10.0.0.2")
    for asking in (*greedy, other):
        turns.add(asking)
    assert list(turns.take()) == [*greedy[:6], other]
    turns.done(greedy[0])
    assert list(turns.take()) == [greedy[6]]
    roaming = [Asking(f"10.0.1.{number}", "one session") for number in range(9)]
    turns = Turns(8)
    for asking in roaming:
        turns.add(asking)
    assert list(turns.take()) == roaming[:6]


def test_with_one_thread_everybody_has_it_in_turn() -> None:
    turns = Turns(1)
    first, second = Asking("a"), Asking("a")
    turns.add(first)
    turns.add(second)
    assert list(turns.take()) == [first]
    turns.done(first)
    assert list(turns.take()) == [second]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60), st.integers(1, 9))
def test_nobody_is_forgotten(came: list[tuple[str, bool]], threads: int) -> None:
    turns = Turns(threads)
    working: list[Any] = []
    begun = 0
    for key, ends in [*came, *[("d", True)] * len(came), *[("d", True)] * len(came)]:
        turns.add(Asking(key))
        if ends and working:
            turns.done(working.pop(0))
        taken = list(turns.take())
        begun += len(taken)
        working += taken
        assert len(working) <= threads
    while working:
        turns.done(working.pop(0))
        taken = list(turns.take())
        begun += len(taken)
        working += taken
    assert begun == 3 * len(came)


def test_a_stranger_is_not_believed() -> None:
    trusted = (ip_network("10.0.0.2"),)
    assert sender("192.0.2.1", "1.1.1.1", trusted) == "192.0.2.1"
    assert sender("10.0.0.2", "1.1.1.1", trusted) == "1.1.1.1"
