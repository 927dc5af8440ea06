"""Measuring in turns, and what is told of it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Way:
    """One thing to measure: called ``times`` in each of its turns."""

    name: str
    do: Callable[[], object]
    times: int = 1


@dataclass
class Samples:
    """How long each call took, in seconds; ``own`` is this process's processor time of it."""

    wall: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)

    def told(self) -> dict[str, float]:
        """Median, 99th percentile and number; milliseconds."""
        ordered = sorted(self.wall)
        return {
            "median_ms": statistics.median(ordered) * 1000,
            # nearest rank: of fewer than a hundred, the slowest
            "p99_ms": ordered[-(-99 * len(ordered) // 100) - 1] * 1000,
            "own_cpu_ms": statistics.median(self.own) * 1000,
            "samples": len(ordered),
        }


def in_turns(ways: list[Way], rounds: int) -> Mapping[str, Samples]:
    """Measure the ways in turns, A B C A B C …, so that what disturbs one disturbs all.

    Each is called once beforehand, unmeasured.
    """
    found = {way.name: Samples() for way in ways}
    for way in ways:
        way.do()
    for _ in range(rounds):
        for way in ways:
            for _ in range(way.times):
                measure(way.do, found[way.name])
    return found


def measure(do: Callable[[], object], into: Samples) -> None:
    """Call ``do`` once and note how long it took."""
    own, wall = time.process_time(), time.perf_counter()
    do()
    into.wall.append(time.perf_counter() - wall)
    into.own.append(time.process_time() - own)
