"""How long `make run` takes until its link is printed, its set-up done before."""

from __future__ import annotations

import time
from pathlib import Path

from scripts.own_console import OwnConsole

SECOND_STARTS = 3


def run(folder: Path) -> dict[str, float | list[float]]:
    """Seconds of a first start (a new database and sandbox), and of starts after it."""
    console = OwnConsole(folder)
    first = _start(console)
    again = sorted(_start(console) for _ in range(SECOND_STARTS))
    return {"first_s": first, "again_s": again}


def _start(console: OwnConsole) -> float:
    begun = time.perf_counter()
    console.start()
    taken = time.perf_counter() - begun
    console.stop()
    return taken
