"""Lists of a large account: 175,000 resources in 30 scopes, beside one a tenth of that."""

from __future__ import annotations

import itertools
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from app.resources import RESOURCES
from tests.bench import weight
from tests.bench.estate import Estate, estate
from tests.bench.fakeaws.items import JOBS, TEAMS
from tests.bench.served import Console, NotReadyError
from tests.bench.timing import Samples

SCALES = (0.1, 1.0)
KINDS = ("snapshot", "volume", "instance", "image")
SAMPLES = 150  # of each sort of page
REFRESHES = 2
TABS, TAB_SECONDS, WATCHED = 200, 5.0, 20.0
_TOOK = re.compile(r"app;dur=([\d.]+)")


@dataclass
class Taken:
    """Milliseconds: over HTTP, and what the server says of itself."""

    http: Samples = field(default_factory=Samples)
    server: Samples = field(default_factory=Samples)

    def told(self) -> dict[str, dict[str, float]]:
        """Both, as Samples tell."""
        return {"server": self.server.told(), "http": self.http.told()}


def run(folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Both sizes, the small one first; each with its figures."""
    found = {}
    for scale in SCALES:
        say(f"  an estate of {round(175_000 * scale):,} resources …")
        with estate(folder / f"{scale}", scale) as made:
            found[f"{round(100_000 * scale):,} snapshots"] = measured(made)
    return found


def measured(made: Estate) -> dict[str, Any]:
    """Everything about one estate."""
    pages = _pages(made.console)
    memory = {"collected": made.console.memory()}
    tabs = many_tabs(made)
    during, refresh = while_refreshing(made)
    memory["after refreshes"] = made.console.memory()
    return {
        "first_load_bytes": weight.run(made.console, "/instances"),
        "collected_s": round(made.collected_s, 1),
        "collected_cpu_s": round(made.collected_cpu_s, 1),
        "calls_to_collect": sum(made.calls().values()),
        "pages": {name: taken.told() for name, taken in (pages | during).items()},
        "refresh": refresh,
        "tabs": tabs,
        "memory_mb": memory,
    }


def addresses(seed: int = 1) -> dict[str, Iterator[str]]:
    """Endless addresses of each sort; hardly one comes twice, so that nothing is remembered."""
    rnd = random.Random(seed)

    def kind() -> str:
        return rnd.choices(KINDS, (4, 3, 2, 1))[0]

    def at(name: str, **arguments: Any) -> str:
        return f"/{RESOURCES[name].slug}?{urlencode(arguments)}"

    def sort(name: str) -> str:
        columns = ["name", "id", "region", *(c.name for c in RESOURCES[name].columns)]
        return rnd.choice(["", "-"]) + rnd.choice([c for c in columns if c != "tags"])

    def condition(name: str) -> str:
        number, size = rnd.randrange(4000), rnd.randrange(8, 208)
        common = [
            f"tag:team = {rnd.choice(TEAMS)} and not tag:revised",
            f"name ^ {rnd.choice(JOBS)}-{number % 40}",
            f"tag:env = dev or name = {rnd.choice(JOBS)}-{number}",
            f"region != us-east-{rnd.randint(1, 2)} and name : {number % 100}",
        ]
        own = {
            "snapshot": [f"size > {size}", f"started < {number % 300 + 1}d", f"size <= {size}"],
            "volume": [f"size = {size}", f"size > {size} and tag:team = shop"],
            "instance": [f"launched < {number % 300 + 1}d", "state = stopped"],
            "image": [f"name : {number % 100}"],
        }
        return rnd.choice(common + own[name])

    def endless(make: Callable[[str], str]) -> Iterator[str]:
        return (make(kind()) for _ in itertools.count())

    return {
        "first page": endless(lambda name: at(name)),
        "any filter": endless(lambda name: at(name, q=condition(name))),
        "any sort": endless(lambda name: at(name, sort=sort(name))),
        "any page": endless(lambda name: at(name, page=rnd.randint(1, 2000))),
        "a rare word": endless(
            lambda name: at(name, q=f"{rnd.choice(JOBS)}-{rnd.randrange(4000)}")
        ),
        "a common word": endless(
            lambda name: at(name, q=rnd.choice(JOBS + TEAMS)[: rnd.randint(2, 6)])
        ),
        "filter, sort and page": endless(
            lambda name: at(name, q=condition(name), sort=sort(name), page=rnd.randint(1, 20))
        ),
        "facets": endless(
            lambda name: at(name, region=rnd.choice(["us-east-1", "eu-west-1"]), sort=sort(name))
        ),
        "global search": (
            f"/search?q={quote(f'{rnd.choice(JOBS)}-{rnd.randrange(400)}')}"
            for _ in itertools.count()
        ),
    }


def _pages(console: Console) -> dict[str, Taken]:
    sorts = addresses()
    found = {name: Taken() for name in sorts} | {"unchanged poll": Taken()}
    for addressed in sorts.values():  # once unmeasured
        for _ in range(5):
            console.get(next(addressed))
    revision = console.get("/snapshots").headers["hx-ptag"]
    for _ in range(SAMPLES):  # in turns, so that what disturbs one disturbs all
        for name, addressed in sorts.items():
            ask(console, next(addressed), found[name])
        headers = {"HX-Request": "true", "HX-PTag": revision}
        ask(console, "/snapshots", found["unchanged poll"], 304, **headers)
    return found


def ask(console: Console, path: str, into: Taken, status: int = 200, **headers: str) -> None:
    """One request, measured. Raises NotReadyError for another status."""
    begun = time.perf_counter()
    answer = console.get(path, **headers)
    into.http.wall.append(time.perf_counter() - begun)
    into.http.own.append(0.0)
    if answer.status != status:
        raise NotReadyError(f"{path} was answered with {answer.status}")
    took = _TOOK.search(answer.headers.get("server-timing", ""))
    if took is None:
        raise NotReadyError(f"{path} does not tell its time")
    into.server.wall.append(float(took[1]) / 1000)
    into.server.own.append(0.0)


def while_refreshing(made: Estate) -> tuple[dict[str, Taken], dict[str, Any]]:
    """Pages while the largest list is read anew, a hundredth of it changed; and what that wrote."""
    pages = Taken()
    sorts = addresses(seed=2)
    mixed = itertools.cycle([sorts[name] for name in sorts if name != "global search"])
    cpu, seconds, changed, written = 0.0, 0.0, 0, 0
    for _ in range(REFRESHES):
        changed += made.change("DescribeSnapshots", 100)
        before, over = int(made.inventory.revision("snapshot")), threading.Event()
        cpu_before, begun = made.cpu(), time.monotonic()

        def refresh(over: threading.Event = over) -> None:
            made.refresh("snapshot")
            over.set()

        thread = threading.Thread(target=refresh)
        thread.start()
        while not over.is_set():
            ask(made.console, next(next(mixed)), pages)
            time.sleep(0.02)
        thread.join()
        seconds += time.monotonic() - begun
        cpu += made.cpu() - cpu_before
        written += made.written_since("snapshot", before)
    return {"any of these, during a refresh of all snapshots": pages}, {
        "seconds": round(seconds / REFRESHES, 1),
        "cpu_s": round(cpu / REFRESHES, 1),
        "changed": changed // REFRESHES,
        "written": written // REFRESHES,
    }


def many_tabs(made: Estate) -> dict[str, float]:
    """The share of a core that so many open lists cost, over that of none."""

    def share(do: Callable[[], None]) -> float:
        cpu, begun = made.cpu(), time.monotonic()
        while time.monotonic() - begun < WATCHED:
            do()
        return (made.cpu() - cpu) / (time.monotonic() - begun)

    idle = share(lambda: time.sleep(0.1))
    revision = made.console.get("/snapshots").headers["hx-ptag"]
    headers = {"HX-Request": "true", "HX-PTag": revision}
    pause, polls = TAB_SECONDS / TABS, Taken()
    due = time.monotonic()

    def poll() -> None:
        nonlocal due
        time.sleep(max(0.0, due - time.monotonic()))
        due += pause
        ask(made.console, "/snapshots", polls, 304, **headers)

    watched = share(poll)
    return {
        "tabs": TABS,
        "every_s": TAB_SECONDS,
        "idle_core": round(idle, 3),
        "core": round(watched, 3),
        "polls": len(polls.http.wall),
    }
