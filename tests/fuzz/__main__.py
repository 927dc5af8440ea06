"""`make fuzz`: 20,000 requests, and figures of what came of them.

    python -m tests.fuzz [requests] [seed]

The same seed sends the same requests, as far as AWS's ids and tokens allow. Fails if anything did.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.console import fuzzing, go
from tests.fuzz.fuzzer import Figures

REQUESTS = 20_000


def main(requests: int = REQUESTS, seed: int = 1) -> int:
    """Returns the program's exit status."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, fuzzing(Path(folder), seed) as fuzzer:
        go(fuzzer, requests)
    tell(fuzzer.figures, seed, time.monotonic() - began)
    return 1 if fuzzer.figures.failures else 0


def tell(figures: Figures, seed: int, seconds: float) -> None:
    """Print what was done and what came of it."""
    for failure in figures.failures:
        print(failure, end="\n\n")
    sent = figures.statuses.total()
    print(f"{sent:,} requests in {seconds:.0f} s, seed {seed}")
    print("sort:   ", _counted(figures.kinds))
    print("as:     ", _counted(figures.roles))
    print("status: ", _counted(figures.statuses))
    print(f"routes:  {len(figures.routes)}; never sent to: {', '.join(figures.missed) or 'none'}")
    print("failures:", "none" if not figures.different else "")
    for what, times in figures.different.most_common():
        print(f"  {times} × {what}")


def _counted(counter: Counter) -> str:
    return ", ".join(f"{what} {times:,}" for what, times in counter.most_common())


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
