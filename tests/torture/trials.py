"""What else befalls a console: lost answers, its database, its disk, its clock, its machine."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.torture.arena import Arena
from tests.torture.faults import Fault
from tests.torture.verdict import Verdict

HOUR = 3600.0
# SNS takes its time, so that there is always something under way.
SLOW = Fault("Publish", "done", "wait", wait=0.005, up_to=0.03, times=-1)


@dataclass(frozen=True)
class Outcome:
    """What a trial came to. ``settled_s``: until all was well, once the trouble was over.

    ``stopped_s``: how long a stop took, where one was asked for.
    """

    verdict: Verdict
    settled_s: float
    stopped_s: float = 0.0


def lose_answers(arena: Arena, count: int, notices: int) -> Outcome:
    """So many answers of SNS get lost after the deed: each excuses one repeat."""
    arena.aws.faults(Fault("Publish", "done", "cut", times=count, chance=0.5))
    arena.replicas(2)
    arena.load.make(notices, within=1)
    settled = arena.settle()
    return Outcome(arena.verdict(in_doubt=count), round(settled, 1))


def trouble(
    arena: Arena, befall: Callable[[], None], times: int, replicas: int, a_second: float = 20
) -> Outcome:
    """Something befalls the database so many times under load; nobody is killed."""
    arena.aws.faults(SLOW)
    arena.replicas(replicas)
    arena.load.start(a_second, within=0.5)
    for _ in range(times):
        time.sleep(random.uniform(0.5, 1.5))
        befall()
    time.sleep(0.5)
    arena.load.stop()
    settled = arena.settle()
    return Outcome(arena.verdict(), round(settled, 1))


def step_clocks(arena: Arena, times: int) -> Outcome:
    """The clocks of three machines step by hours, each by itself, again and again."""
    arena.aws.faults(SLOW)
    names = arena.replicas(3)
    arena.load.start(20, within=0.5)
    for _ in range(times):
        time.sleep(0.5)
        number = random.randrange(len(names)) + 1
        arena.rack.clocks.step(number, random.choice((-3, -1, 0, 1, 3)) * HOUR)
    arena.load.stop()
    settled = arena.settle()
    return Outcome(arena.verdict(), round(settled, 1))


def freeze(arena: Arena, notices: int) -> Outcome:
    """A process stands still with a message that is out, for longer than its lease; then goes on.

    For the others it is as if it had died, so it excuses a repeat, as a kill does.
    """
    # It gets its answer late, so that it stands still in the middle of the call for certain.
    arena.aws.faults(Fault("Publish", "done", "freeze"), Fault("Publish", "done", "wait", wait=8))
    names = arena.replicas(2)
    arena.load.make(notices, within=0.5)
    arena.wait_for(lambda: bool(arena.aws.told().struck), "Nobody was frozen.")
    [struck] = arena.aws.told().struck
    frozen = int(struck["process"])
    name = next(each for each in names if arena.rack.process(each) == frozen)
    while not arena.can_write():
        # With SQLite's lock in another thread's hand it would keep everybody from everything.
        arena.rack.send(name, signal.SIGCONT)
        time.sleep(0.02)
        arena.rack.send(name, signal.SIGSTOP)
    settled = arena.settle()
    arena.rack.send(name, signal.SIGCONT)
    arena.load.make(notices, within=0)
    arena.settle()
    arena.rest()
    return Outcome(arena.verdict(crashed=[frozen]), round(settled, 1))


def stop(arena: Arena, notices: int) -> Outcome:
    """SIGTERM in the middle of the work: what it leaves is another's at once."""
    arena.aws.faults(Fault("Publish", "done", "wait", wait=0.05, times=-1))
    [name] = arena.replicas(1)
    arena.load.make(notices)
    arena.wait_for(lambda: len(arena.aws.told().published) > notices // 10, "It does not publish.")
    begun = time.monotonic()
    arena.rack.stop(name)
    stopped = time.monotonic() - begun
    arena.aws.faults()
    arena.replicas(1)
    settled = arena.settle()
    return Outcome(arena.verdict(), round(settled, 1), round(stopped, 1))


def stop_while_sns_hangs(arena: Arena) -> Outcome:
    """SIGTERM while SNS does not answer: the end is not put off, and the notice is in doubt."""
    arena.aws.faults(Fault("Publish", "done", "wait", wait=60))
    [name] = arena.replicas(1)
    arena.load.make(3)
    arena.wait_for(lambda: bool(arena.aws.told().published), "It does not publish.")
    begun = time.monotonic()
    arena.rack.stop(name)
    stopped = time.monotonic() - begun
    arena.replicas(1)
    settled = arena.settle()
    return Outcome(arena.verdict(in_doubt=1), round(settled, 1), round(stopped, 1))
