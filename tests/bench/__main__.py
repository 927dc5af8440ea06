"""Run all benchmarks, print them as tables, and write bench-results.json."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.own_console import ROOT
from tests.bench import calls, lists, starts

RESULTS = ROOT / "bench-results.json"


def main() -> None:
    """Everything, one after the other; takes about three minutes."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="encante-bench-") as name:
        folder = Path(name)
        say("Starts …")
        found: dict[str, Any] = {"machine": machine(), "starts": starts.run(folder / "starts")}
        say("AWS calls …")
        found["calls_an_hour"] = calls.run(folder / "calls")
        say("Lists (two sandboxes, two consoles) …")
        found |= lists.run(folder / "lists")
    found["machine"]["load_after"] = os.getloadavg()[0]
    found["took_s"] = round(time.monotonic() - begun, 1)
    show(found)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    say(f"Took {found['took_s']:.0f} s; written to {RESULTS.name}")


def say(line: str) -> None:
    """Tell how far it is."""
    print(line, file=sys.stderr, flush=True)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
    }


def show(found: dict[str, Any]) -> None:
    """Print the tables."""
    times = found["times"]
    table(
        ("milliseconds", "median", "99th %", "samples"),
        [
            (name, f"{told['median_ms']:,.1f}", f"{told['p99_ms']:,.1f}", told["samples"])
            for name, told in times.items()
        ],
    )
    columns = ["html", "css", "js", "svg", "total", "requests"]
    table(
        ("bytes of a first page load", *columns),
        [
            (name, *(f"{told.get(column, 0):,}" for column in columns))
            for name, told in found["first_load_bytes"].items()
        ],
    )
    table(
        ("AWS calls an hour", "DescribeSnapshots", "all"),
        [
            (name, f"{told['DescribeSnapshots']:,}", f"{told['total']:,}")
            for name, told in found["calls_an_hour"].items()
        ],
    )
    table(
        ("memory of the serving process, MB", "now", "most"),
        [
            (name, f"{told['now']:.0f}", f"{told['most']:.0f}")
            for name, told in found["memory_mb"].items()
        ],
    )
    again = found["starts"]["again_s"]
    table(
        ("start until the link is printed, seconds", ""),
        [
            ("first, with a new database", f"{found['starts']['first_s']:.1f}"),
            ("after that (median)", f"{again[len(again) // 2]:.1f}"),
        ],
    )


def table(heads: Sequence[str], lines: Sequence[Sequence[Any]]) -> None:
    """Print lines in columns: the first to the left, others to the right."""
    texts = [[str(cell) for cell in line] for line in (heads, *lines)]
    widths = [max(len(line[at]) for line in texts) for at in range(len(heads))]
    for line in texts:
        rest = (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
        print("  ".join([line[0].ljust(widths[0]), *rest]).rstrip())
    print()


if __name__ == "__main__":
    main()
