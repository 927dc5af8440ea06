"""Clocks of the tortured processes that whoever tortures them can move, also while they run.

One file, mapped into all of them, with a number for each process: by how many seconds its clock
is ahead. What the console takes its time from (``app.db.now``) is replaced before anything that
uses it is imported. Time that merely passes (``time.monotonic``) is as true as ever.
"""

from __future__ import annotations

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

_NUMBER = struct.Struct("d")
_MOST = 64


class Clocks:
    """The clocks in a file; made by the first who opens it."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_NUMBER.size * _MOST))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def step(self, number: int, seconds: float) -> None:
        """Set a clock ahead of the true time (behind, if negative)."""
        _NUMBER.pack_into(self._map, number * _NUMBER.size, seconds)

    def reset(self) -> None:
        """Let all of them show the true time."""
        self._map[:] = bytes(len(self._map))

    def now(self, number: int) -> datetime:
        """What a clock shows."""
        (ahead,) = _NUMBER.unpack_from(self._map, number * _NUMBER.size)
        return datetime.now(UTC) + timedelta(seconds=ahead)
