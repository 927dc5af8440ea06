"""Clocks of the tortured processes that whoever tortures them can set, also while they run.

One file, mapped into all of them, with a number for each process: by how many seconds its clock
is ahead. What the console takes its time from (``app.db.now``) is replaced before anything that
uses it is imported. Time that merely passes (the steady clock) is not set by that; but both can be
made to run faster than the true time, so that a test need not wait for a lease.
"""

from __future__ import annotations

import mmap
import struct
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import SupportsIndex

_HEAD = struct.Struct("ddd")  # how fast, and since when: time of day, steady time
_NUMBER = struct.Struct("d")
_MOST = 64
_boot_time = time.clock_gettime
_sleep = time.sleep


class Clocks:
    """The clocks in a file; made by the first who opens it."""

    def __init__(self, path: Path) -> None:
        is_new = not path.exists()
        if is_new:
            path.write_bytes(bytes(_HEAD.size + _NUMBER.size * _MOST))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        if is_new:
            self.reset()

    def reset(self, rate: float = 1.0) -> None:
        """Let all of them show the true time, and run at ``rate`` from now on."""
        self._map[:] = bytes(len(self._map))
        _HEAD.pack_into(self._map, 0, rate, time.time(), _boot_time(time.CLOCK_BOOTTIME))

    def step(self, number: int, seconds: float) -> None:
        """Set a clock ahead of the others (behind, if negative)."""
        _NUMBER.pack_into(self._map, _place(number), seconds)

    def now(self, number: int) -> datetime:
        """What a clock shows."""
        rate, since, _ = _HEAD.unpack_from(self._map, 0)
        (ahead,) = _NUMBER.unpack_from(self._map, _place(number))
        return datetime.fromtimestamp(since + (time.time() - since) * rate + ahead, UTC)

    def steady(self, clock: int) -> float:
        """What ``time.clock_gettime`` is to say: the steady clock of them all runs with ours."""
        true = _boot_time(clock)
        if clock != time.CLOCK_BOOTTIME:
            return true
        rate, _, since = _HEAD.unpack_from(self._map, 0)
        return float(since + (true - since) * rate)

    def sleep(self, seconds: float | SupportsIndex) -> None:
        """What ``time.sleep`` is to do: so long by these clocks."""
        rate, _, _ = _HEAD.unpack_from(self._map, 0)
        _sleep(float(seconds) / rate)


def _place(number: int) -> int:
    return _HEAD.size + number * _NUMBER.size
