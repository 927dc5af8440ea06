"""``make torture``: the long form. Prints tables, and writes torture-results.json."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from scripts.own_console import ROOT
from tests.bench.__main__ import machine, say, table
from tests.postgres import PostgresServer, postgres_server
from tests.torture import trials
from tests.torture.arena import Arena, Stage, stage
from tests.torture.killing import Killed, kill_all_day
from tests.torture.rack import TortureError
from tests.torture.trials import Outcome

RESULTS = ROOT / "torture-results.json"
KILLS = 1000
RECOVERED_SECONDS = 60.0  # what is promised
STOP_SECONDS = 10.0
SORTS = ("sqlite", "postgresql")
_DISK_KB = 16 * 1024


def main() -> int:
    """Torture; returns the exit status: 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    default = int(os.environ.get("ENCANTE_TORTURE_KILLS", KILLS))
    parser.add_argument("--kills", type=int, default=default, help="on each database")
    parser.add_argument("--only", choices=SORTS, help="one of the databases")
    asked = parser.parse_args()
    begun = time.monotonic()
    found: dict[str, Any] = {"machine": machine(), "databases": {}}
    with tempfile.TemporaryDirectory(prefix="encante-torture-") as name, stage(Path(name)) as on:
        for sort in [asked.only] if asked.only else SORTS:
            found["databases"][sort] = torture(on, sort, asked.kills)
            RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    found["machine"]["load_after"] = os.getloadavg()[0]
    found["took_s"] = round(time.monotonic() - begun, 1)
    show(found["databases"])
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    say(f"Took {found['took_s']:.0f} s; written to {RESULTS.name}")
    wrong = [each for told in found["databases"].values() for each in _wrong(told)]
    for each in wrong:
        print(f"BROKEN: {each}")
    return 1 if wrong else 0


def torture(on: Stage, sort: str, kills: int) -> dict[str, Any]:
    """Everything on one sort of database."""
    with ExitStack() as stack:
        server = None
        if sort == "postgresql":
            server = stack.enter_context(postgres_server(durable=True))
        places = _places(on.folder, server)

        say(f"{sort}: {kills} kills …")
        with on.arena(next(places)) as arena:
            killed = kill_all_day(arena, kills, replicas=3, writers=2, say=say)
        found: dict[str, Any] = {"kills": _told(killed), "trials": {}}
        for name, trial in _trials(server).items():
            say(f"{sort}: {name} …")
            with on.arena(next(places)) as arena:
                found["trials"][name] = _tried(trial, arena)
        if server is None:
            found["trials"]["the disk is full, 10 times"] = _full_disk(on)
    return found


def _places(folder: Path, server: PostgresServer | None) -> Iterator[str]:
    """The addresses of databases that do not exist yet, or are empty."""
    number = 0
    while True:
        number += 1
        if server is None:
            yield f"sqlite:///{folder / f'{number}.db'}"
        else:
            server.create(f"torture_{number}")
            yield server.local_url(f"torture_{number}")


def _trials(server: PostgresServer | None) -> dict[str, Callable[[Arena], Outcome]]:
    found: dict[str, Callable[[Arena], Outcome]] = {
        "nothing at all": lambda arena: trials.lose_answers(arena, 0, 2000),
        "30 lost answers": lambda arena: trials.lose_answers(arena, 30, 200),
        "60 steps of the clocks": lambda arena: trials.step_clocks(arena, 60),
        "one stands still": lambda arena: trials.freeze(arena, 100),
        "SIGTERM": lambda arena: trials.stop(arena, 200),
        "SIGTERM while SNS hangs": trials.stop_while_sns_hangs,
    }
    if server is not None:
        for name, end in (("restarted", server.stop), ("killed", server.kill)):
            found[f"the database is {name}, 10 times"] = _going_away(server, end)
    return found


def _going_away(server: PostgresServer, end: Callable[[], None]) -> Callable[[Arena], Outcome]:
    def befall() -> None:
        end()
        time.sleep(1)
        server.start()

    return lambda arena: trials.trouble(arena, befall, times=10, replicas=3)


def _full_disk(on: Stage) -> dict[str, Any]:
    """On a disk of its own, filled to the last byte; where none can be mounted, it says so."""
    say("sqlite: the disk is full, 10 times …")
    with _small_disk(on.folder) as disk:
        if disk is None:
            return {"wrong": [], "left out": "no disk can be mounted here"}
        ballast = disk / "ballast"

        def fill() -> None:
            with ballast.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    time.sleep(2)  # full: that is what was wanted
            ballast.unlink()

        with on.arena(f"sqlite:///{disk / 'small.db'}") as arena:
            told = _tried(lambda tried: trials.trouble(tried, fill, times=10, replicas=3), arena)
            if not arena.rack.wrote("database or disk is full"):
                told["wrong"].append("the disk was never full")
            return told


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path | None]:
    disk = folder / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={_DISK_KB}k", "tmpfs", str(disk)]
    mounted = subprocess.run(["mount", *options], stderr=subprocess.DEVNULL).returncode == 0
    try:
        yield disk if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _tried(trial: Callable[[Arena], Outcome], arena: Arena) -> dict[str, Any]:
    """What a trial came to; one that came to no end is wrong, and the others go on."""
    try:
        return _told(trial(arena))
    except TortureError as error:
        return {"wrong": [str(error)]}


def _told(outcome: Killed | Outcome) -> dict[str, Any]:
    verdict = asdict(outcome.verdict)
    wrong = list(verdict.pop("wrong"))
    figures = asdict(replace(outcome, verdict=outcome.verdict))
    figures.pop("verdict")
    if isinstance(outcome, Killed) and outcome.recovered_s > RECOVERED_SECONDS:
        wrong.append(f"recovered only after {outcome.recovered_s} s")
    if isinstance(outcome, Outcome) and outcome.stopped_s > STOP_SECONDS:
        wrong.append(f"stopped only after {outcome.stopped_s} s")
    return {**figures, **verdict, "wrong": wrong}


def _wrong(told: dict[str, Any]) -> list[str]:
    each = [told["kills"], *told["trials"].values()]
    return [wrong for one in each for wrong in one["wrong"]]


def show(found: dict[str, Any]) -> None:
    """Print the tables."""
    rows = ["kills", "owed", "lost", "published", "repeats", "held"]
    rows += ["recovered_s", "slowest_s", "took_s"]
    table(
        ("killed", *found),
        [(row, *(f"{told['kills'][row]:,}" for told in found.values())) for row in rows],
    )
    moments = sorted({name for told in found.values() for name in told["kills"]["moments"]})
    table(
        ("moments of the kills", *found),
        [
            (name, *(told["kills"]["moments"].get(name, 0) for told in found.values()))
            for name in moments
        ],
    )
    for sort, told in found.items():
        columns = ("owed", "lost", "published", "repeats", "settled_s", "stopped_s")
        table(
            (sort, *columns, "wrong"),
            [
                (name, *(one.get(column, "–") for column in columns), len(one["wrong"]))
                for name, one in told["trials"].items()
            ],
        )


if __name__ == "__main__":
    sys.exit(main())
