from __future__ import annotations

from datetime import timedelta

from app.inventory.schedule import Pauses, Settling
from tests.inventory.boxes import NOON

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def lasts(pauses: Pauses, key: str) -> int:
    """For how many seconds the pause that begins at noon is on."""
    return next(n for n in range(1000) if not pauses.on(key, NOON + n * SECOND))


def test_a_pause_doubles_from_failure_to_failure_up_to_its_most():
    pauses = Pauses()
    lengths = []
    for _ in range(5):
        pauses.grow("here", NOON, 10 * SECOND, MINUTE)
        lengths.append(lasts(pauses, "here"))
    assert lengths == [10, 20, 40, 60, 60]


def test_a_pause_is_over_when_it_works_again():
    pauses = Pauses()
    pauses.grow("here", NOON, 10 * SECOND, MINUTE)
    pauses.grow("here", NOON, 10 * SECOND, MINUTE)
    pauses.clear("here")
    assert not pauses.on("here", NOON)
    pauses.grow("here", NOON, 10 * SECOND, MINUTE)
    assert lasts(pauses, "here") == 10


def test_pauses_know_nothing_of_each_other():
    pauses = Pauses()
    pauses.grow("here", NOON, 10 * SECOND, MINUTE)
    assert not pauses.on("there", NOON)
    pauses.clear("there")


def test_a_clock_that_is_set_back_ends_a_pause():
    pauses = Pauses()
    pauses.grow("here", NOON, 10 * SECOND, MINUTE)
    assert not pauses.on("here", NOON - MINUTE)


def test_what_settles_is_due_a_few_times_and_then_no_more():
    settling = Settling()
    settling.add("key", ["a", "b"], NOON)
    assert settling.due("key", NOON) == []
    read = []
    for second in range(120):
        now = NOON + second * SECOND
        due = settling.due("key", now)
        if due:
            read.append((second, due))
            settling.done("key", due, now)
    assert read == [(second, ["a", "b"]) for second in (2, 5, 10, 20, 45)]
    assert settling.due("key", NOON + timedelta(hours=1)) == []


def test_missed_times_are_not_made_up_for():
    settling = Settling()
    settling.add("key", ["a"], NOON)
    settling.done("key", settling.due("key", NOON + 12 * SECOND), NOON + 12 * SECOND)
    assert settling.due("key", NOON + 19 * SECOND) == []
    assert settling.due("key", NOON + 20 * SECOND) == ["a"]


def test_what_is_touched_again_settles_anew():
    settling = Settling()
    settling.add("key", ["a"], NOON)
    settling.done("key", ["a", "unheard of"], NOON + MINUTE)
    settling.add("key", ["a"], NOON + MINUTE)
    assert settling.due("key", NOON + MINUTE + 2 * SECOND) == ["a"]
