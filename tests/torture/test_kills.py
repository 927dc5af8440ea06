"""The short form of ``make torture``: processes killed, and nothing lost."""

from __future__ import annotations

from tests.torture.arena import Arena
from tests.torture.killing import kill_all_day


def test_nothing_is_lost_by_kills_and_each_repeats_one_notice_at_most(hasty: Arena) -> None:
    killed = kill_all_day(hasty, 15, replicas=3, writers=1)
    assert killed.verdict.wrong == []
    assert killed.kills >= 15
    assert killed.verdict.owed > 15


def test_without_a_crash_nothing_is_published_twice(arena: Arena) -> None:
    arena.replicas(3)
    arena.load.make(60, within=1)
    arena.settle()
    verdict = arena.verdict()
    assert verdict.wrong == []
    assert (verdict.published, verdict.repeats) == (60, 0)
