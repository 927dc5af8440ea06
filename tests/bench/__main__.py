"""Run all benchmarks, print them as tables, and write bench-results.json."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.own_console import ROOT
from tests.bench import calls, large, promises, refresh, starts

RESULTS = ROOT / "bench-results.json"
_MIDDLE_AND_WORST = ("median_ms", "p99_ms")
_OF_AN_ESTATE: dict[str, Callable[[dict[str, Any]], float]] = {
    "seconds to collect all": lambda told: told["collected_s"],
    "… processor seconds": lambda told: told["collected_cpu_s"],
    "… AWS calls": lambda told: told["calls_to_collect"],
    "refresh of all snapshots, 1% changed: seconds": lambda told: told["refresh"]["seconds"],
    "… processor seconds of it": lambda told: told["refresh"]["cpu_s"],
    "… changed at AWS": lambda told: told["refresh"]["changed"],
    "… rows written": lambda told: told["refresh"]["written"],
    "200 open lists: share of a core": lambda told: told["tabs"]["core"],
    "… none open": lambda told: told["tabs"]["idle_core"],
    "memory of the serving process, MB": lambda told: told["memory_mb"]["collected"]["now"],
    "… the most it ever had": lambda told: told["memory_mb"]["after refreshes"]["most"],
}


def main() -> None:
    """Everything, one after the other; takes about twenty minutes."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="encante-bench-") as name:
        folder = Path(name)
        say("Starts …")
        found: dict[str, Any] = {"machine": machine(), "starts": starts.run(folder / "starts")}
        say("AWS calls …")
        found["calls_an_hour"] = calls.run(folder / "calls")
        say("Watches: notices a second, and how soon they are told …")
        found["promises"] = promises.run(folder / "promises")
        say("A refresh against boto3's own loop …")
        found["refresh"] = refresh.run(folder / "refresh")
        say("Lists of a large account, after those of one a tenth as large …")
        found["large"] = large.run(folder / "large", say)
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
    for size, told in found["large"].items():
        table(
            (f"{size}: milliseconds", "server: median", "99th %", "HTTP: median", "99th %"),
            [
                (name, *(f"{taken[at][what]:,.1f}" for at in taken for what in _MIDDLE_AND_WORST))
                for name, taken in told["pages"].items()
            ],
        )
    table(
        ("", *found["large"]),
        [
            (name, *(f"{read(told):,}" for told in found["large"].values()))
            for name, read in _OF_AN_ESTATE.items()
        ],
    )
    table(
        ("processor seconds of a refresh", "first", "nothing changed", "boto3's loop", "peak MB"),
        [
            (
                name,
                told["first_refresh_cpu_s"],
                told["refresh_cpu_s"],
                told["boto3_cpu_s"],
                told["peak_mb"]["refreshes"],
            )
            for name, told in found["refresh"].items()
        ],
    )
    columns = ["html", "css", "js", "svg", "total", "requests"]
    [*_, weighed] = (told["first_load_bytes"] for told in found["large"].values())
    table(
        ("bytes of a first page load", *columns),
        [
            (name, *(f"{told.get(column, 0):,}" for column in columns))
            for name, told in weighed.items()
        ],
    )
    table(
        ("AWS calls an hour", "DescribeSnapshots", "all"),
        [
            (name, f"{told['DescribeSnapshots']:,}", f"{told['total']:,}")
            for name, told in found["calls_an_hour"].items()
        ],
    )
    show_promises(found["promises"])
    again = found["starts"]["again_s"]
    table(
        ("start until the link is printed, seconds", ""),
        [
            ("first, with a new database", f"{found['starts']['first_s']:.1f}"),
            ("after that (median)", f"{again[len(again) // 2]:.1f}"),
        ],
    )


def show_promises(found: dict[str, Any]) -> None:
    """Print the tables of the watches."""
    table(
        ("notices that were owed at the start", *found),
        [
            ("sent a second", *(f"{told['sending']['a_second']:.0f}" for told in found.values())),
            ("processor seconds", *(f"{told['sending']['cpu_s']:.1f}" for told in found.values())),
        ],
    )
    table(
        (
            "from a snapshot's end to Publish, seconds",
            *("median", "95th %", "99th %", "longest"),
            *("DescribeSnapshots a second", "most", "share of a core"),
        ),
        [
            (
                f"{database}, {int(number):,} pending",
                *(f"{seconds:.1f}" for seconds in told["delay_s"].values()),
                f"{told['a_second']:.2f}",
                told["most_in_a_second"],
                f"{told['core']:.2f}",
            )
            for database, both in found.items()
            for number, told in both["waiting"].items()
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
