"""Killing, again and again: at random, and at the moments that matter."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tests.torture.arena import TOPICS, Arena
from tests.torture.faults import Fault
from tests.torture.rack import TortureError
from tests.torture.verdict import Verdict

AIMED_PATIENCE = 3.0  # seconds until a moment that does not come is given up
SPARED_SECONDS = 60.0  # longer than a lease
_SOON = 0.03

# Moments of a call at which its process dies. After an answer: while it is read and written down.
MOMENTS = {
    "claimed, not published": Fault("Publish", "received", "kill"),
    "published, not answered": Fault("Publish", "done", "kill"),
    "answered, not committed": Fault("Publish", "answered", "kill"),
    "while that is committed": Fault("Publish", "answered", "kill", up_to=_SOON),
    "asking for states": Fault("DescribeSnapshots", "received", "kill"),
    "outcomes read, not committed": Fault("DescribeSnapshots", "answered", "kill"),
    "while these are committed": Fault("DescribeSnapshots", "answered", "kill", up_to=_SOON),
}
MOMENTS_OF_WRITERS = {
    "intended, not made": Fault("CreateSnapshot", "received", "kill"),
    "made, not answered": Fault("CreateSnapshot", "done", "kill"),
    "made, not bound": Fault("CreateSnapshot", "answered", "kill"),
    "while that is bound": Fault("CreateSnapshot", "answered", "kill", up_to=_SOON),
}
RANDOM = "at random"


@dataclass
class Killed:
    """What a killing came to. ``recovered_s``: from the last kill until all was as it should be.

    ``slowest_s``: the longest that a notice was late, from the end of its snapshot to Publish.
    """

    kills: int
    took_s: float
    recovered_s: float
    slowest_s: float
    verdict: Verdict
    moments: dict[str, int] = field(default_factory=dict)
    missed: int = 0  # aimed kills whose moment did not come
    start_ms: float = 0.0  # of a process, in the middle


def kill_all_day(
    arena: Arena,
    kills: int,
    *,
    replicas: int,
    writers: int = 0,
    a_second: float = 10,
    within: float = 2.0,
    patience: float = 300.0,
    say: Callable[[str], None] = lambda _: None,
) -> Killed:
    """Kill replicas (and writers) so many times, under load; then wait until all has recovered.

    Half of the kills come at random, half at one of MOMENTS. One replica after the other is spared
    for a while: where all die every few seconds for many minutes, nobody lives to take over what
    the dead have left. Raises TortureError if it does not recover within ``patience`` seconds.
    ``say`` is told how far it is.
    """
    names = arena.replicas(replicas)
    for number in range(writers):
        arena.rack.start(f"writer-{number}", "writer", given=list(TOPICS))
    moments = MOMENTS | (MOMENTS_OF_WRITERS if writers else {})
    tally: Counter[str] = Counter()
    missed, begun = 0, time.monotonic()
    arena.load.start(a_second, within)
    while len(arena.rack.killed()) < kills:
        spared = names[int((time.monotonic() - begun) / SPARED_SECONDS) % replicas]
        moment = random.choice([RANDOM] * len(moments) + list(moments))
        if moment == RANDOM:
            time.sleep(random.uniform(0, 0.3))
            arena.rack.kill(random.choice([each for each in names if each != spared]))
            tally[moment] += 1
        elif _aim(arena, replace(moments[moment], spare=arena.rack.process(spared))):
            tally[moment] += 1
        else:
            missed += 1
            if missed > kills + 10:
                raise TortureError(f"hardly any aimed kill strikes\n{arena.rack.logs()}")
        if (done := sum(tally.values())) % 100 == 0:
            say(f"  {done} in {time.monotonic() - begun:.0f} s")
    took = time.monotonic() - begun
    arena.stop_writing()
    recovered = arena.settle(patience)
    starts = sorted(arena.rack.start_seconds)
    return Killed(
        kills=len(arena.rack.killed()),
        took_s=round(took, 1),
        recovered_s=round(recovered, 1),
        slowest_s=round(max(arena.delays()), 1),
        verdict=arena.verdict(),
        moments=dict(tally),
        missed=missed,
        start_ms=round(1000 * starts[len(starts) // 2]),
    )


def _aim(arena: Arena, fault: Fault) -> bool:
    """Have the endpoint kill whoever comes to that moment next; False if nobody does."""
    before = len(arena.rack.killed())
    arena.aws.faults(fault)
    end = time.monotonic() + AIMED_PATIENCE
    while len(arena.rack.killed()) == before:
        if time.monotonic() > end:
            arena.aws.faults()
            return False
        time.sleep(0.005)
    return True
