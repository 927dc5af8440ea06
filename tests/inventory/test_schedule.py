from __future__ import annotations

from datetime import timedelta

import pytest

from app.inventory.schedule import Changing, Pace, Pauses, Settling
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


def test_what_is_to_be_read_soon_is_so_besides_what_it_is_due_for():
    settling = Settling()
    settling.add("key", ["a"], NOON)
    settling.soon("key", "a", NOON)
    settling.soon("key", "b", NOON)
    assert settling.due("key", NOON) == ["a", "b"]
    settling.done("key", ["a", "b"], NOON)
    assert settling.due("key", NOON) == []
    assert settling.due("key", NOON + 2 * SECOND) == ["a"]


def test_a_clock_that_is_set_back_keeps_nothing_from_settling():
    settling = Settling()
    settling.add("key", ["a"], NOON)
    earlier = NOON - timedelta(hours=1)
    assert settling.due("key", earlier) == ["a"]
    settling.done("key", ["a"], earlier)
    assert settling.due("key", earlier) == []


@pytest.fixture
def changing() -> Changing:
    return Changing(every=4 * SECOND, leeway=6 * SECOND)


def test_what_changes_is_due_after_its_interval_the_longest_waiting_first(changing: Changing):
    changing.know({"key": {"a": NOON, "b": NOON - SECOND, "c": NOON + SECOND}})
    assert changing.due("key", NOON + 3 * SECOND) == (["b"], 1.0)
    assert changing.due("key", NOON + 4 * SECOND) == (["b", "a"], 1.25)
    changing.read("key", ["a", "b"], NOON + 4 * SECOND)
    assert changing.due("key", NOON + 7 * SECOND) == (["c"], 1.5)
    assert changing.due("other", NOON) == ([], 0.0)


def test_what_somebody_else_reads_is_left_to_them_for_a_while(changing: Changing):
    changing.know({"key": {"a": NOON}})
    changing.learnt("key", ["a", "unheard of"], NOON)
    assert changing.due("key", NOON + 5 * SECOND) == ([], 0.0)
    assert changing.due("key", NOON + 6 * SECOND) == (["a"], 1.0)


def test_when_it_was_read_is_kept_as_long_as_it_changes(changing: Changing):
    changing.know({"key": {"a": NOON}})
    changing.read("key", ["a"], NOON + MINUTE)
    changing.know({"key": {"a": NOON, "b": NOON + MINUTE}})
    assert changing.due("key", NOON + MINUTE + 3 * SECOND) == ([], 0.0)
    changing.know({"key": {"b": NOON + MINUTE}})
    assert changing.due("key", NOON + 2 * MINUTE)[0] == ["b"]


def test_a_clock_that_is_set_back_makes_all_that_changes_due(changing: Changing):
    changing.know({"key": {"a": NOON}})
    assert changing.due("key", NOON - MINUTE) == (["a"], 1.0)


def test_a_place_is_slow_while_a_call_takes_long_and_until_one_does_not():
    present = [0.0]
    pace = Pace(lambda: present[0])
    with pace.call("here"), pace.call("there"):
        present[0] += 1
        assert pace.slow() == set()
        present[0] += 2
        assert pace.slow() == {"here", "there"}
    with pace.call("there"):
        present[0] += 1
    assert pace.slow() == {"here"}


def test_a_call_that_fails_late_is_slow_as_well():
    present = [0.0]
    pace = Pace(lambda: present[0])

    def call() -> None:
        with pace.call("here"):
            present[0] += 5
            raise RuntimeError

    with pytest.raises(RuntimeError):
        call()
    assert pace.slow() == {"here"}


def test_a_call_that_waits_for_its_turn_is_not_slow():
    present = [0.0]
    pace = Pace(lambda: present[0])
    with pace.call("here") as number:
        present[0] += 1
        with pace.waiting(number):
            present[0] += 60
            assert pace.slow() == set()
        present[0] += 1
        assert pace.slow() == set()
    assert pace.slow() == set()
    with pace.call("here") as number:
        with pace.waiting(number):
            present[0] += 60
        present[0] += 3
    assert pace.slow() == {"here"}
