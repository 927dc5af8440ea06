"""A console of three accounts and ten regions, collected from the generated endpoint."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from sqlalchemy import Engine, func, select

from app.db import make_engine
from app.inventory import Inventory
from app.inventory.tables import resources
from app.resources import RESOURCES
from app.settings import Settings
from scripts.own_console import free_port
from tests.bench.fakeaws.__main__ import ACCOUNTS
from tests.bench.served import Console, NotReadyError, program

FIRST, SECOND, THIRD = ACCOUNTS[:3]
SCOPES = 30
PATIENCE = 900.0
_DIRECT = build_opener(ProxyHandler({}))
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Estate:
    """A running console and the endpoint that it collects from."""

    console: Console
    engine: Engine
    endpoint: str
    collected_s: float
    collected_cpu_s: float

    @property
    def inventory(self) -> Inventory:
        """The inventory, as this process reads it."""
        return self.console.inventory

    def change(self, operation: str, every: int) -> int:
        """Change every so manyth resource at the endpoint; how many."""
        asked = f"{self.endpoint}/_fake/change?operation={operation}&every={every}"
        return int(_json(Request(asked, data=b"", method="POST"))["changed"])

    def calls(self) -> dict[str, int]:
        """What the endpoint has been asked so far, by operation."""
        found: dict[str, int] = _json(Request(f"{self.endpoint}/_fake/calls"))
        return found

    def cpu(self) -> float:
        """Processor seconds of the serving process since its start."""
        return cpu_of(self.console.worker())

    def written_since(self, kind: str, revision: int) -> int:
        """How many rows of a kind were written after a revision."""
        statement = select(func.count()).where(
            resources.c.kind == kind, resources.c.changed > revision
        )
        with self.engine.connect() as connection:
            return connection.scalar(statement) or 0

    def refresh(self, kind: str) -> None:
        """Have a kind read anew in every scope, and wait until it is."""
        begun = self.inventory.now()
        self.inventory.ask(kind)
        wait_until(lambda: _read_since(self.inventory, kind, begun), f"No refresh of {kind}.")


@contextmanager
def estate(folder: Path, scale: float) -> Iterator[Estate]:
    """An endpoint of that scale, and a console that has collected all of it once.

    Afterwards it refreshes nothing by itself within the time of a benchmark.
    """
    with program("tests.bench.fakeaws", "--scale", str(scale)) as out:
        endpoint = out.readline().strip()
        environment = _environment(folder, endpoint)
        values = {
            name.removeprefix("ENCANTE_").lower(): text
            for name, text in environment.items()
            if name.startswith("ENCANTE_")
        }
        settings = Settings(**values)  # type: ignore[arg-type]  # as text, like the environment's
        pid = str(folder / "gunicorn.pid")
        with program("gunicorn", "-c", "gunicorn.conf.py", "-p", pid, environment=environment):
            begun = time.monotonic()
            engine = make_engine(settings.database_url)
            console = Console(settings, Inventory(engine, RESOURCES))
            wait_until(lambda: _answers(console), "The console did not answer.")
            console.sign_in()
            wait_until(lambda: _all_read(console.inventory), "The collection did not end.")
            taken = time.monotonic() - begun
            console.close()  # the server has closed the connection meanwhile
            yield Estate(console, engine, endpoint, taken, cpu_of(console.worker()))


def _environment(folder: Path, endpoint: str) -> dict[str, str]:
    folder.mkdir(parents=True)
    role = "role:arn:aws:iam::{}:role/Encante"
    return {
        "ENCANTE_AWS": "aws",
        "ENCANTE_DATA": str(folder),
        "ENCANTE_PORT": str(free_port()),
        "ENCANTE_ACCOUNTS": f"first,second={role.format(SECOND)},third={role.format(THIRD)}",
        "ENCANTE_REGIONS": "all",
        "ENCANTE_REFRESH_SECONDS": "3600",
        "ENCANTE_IDLE_REFRESH_SECONDS": "3600",
        "ENCANTE_REQUESTS_PER_MINUTE": "0",  # it asks faster than people
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": f"AKIA{FIRST}",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1",
    }


def cpu_of(process: int) -> float:
    """Processor seconds that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def wait_until(ready: Any, problem: str) -> None:
    """Ask ``ready`` until it says yes. Raises NotReadyError when patience is at its end."""
    end = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > end:
            raise NotReadyError(problem)
        time.sleep(0.2)


def _answers(console: Console) -> bool:
    try:
        return console.get("/healthz").status == 200
    except OSError:
        console.close()
        return False


def _all_read(inventory: Inventory) -> bool:
    for kind in RESOURCES:
        places = inventory.freshness(kind)
        if len(places) < SCOPES or not all(place.seen_at and not place.trying for place in places):
            return False
    return True


def _read_since(inventory: Inventory, kind: str, begun: Any) -> bool:
    places = inventory.freshness(kind)
    return all(place.seen_at and place.seen_at >= begun and not place.trying for place in places)


def _json(asked: Request) -> Any:
    with _DIRECT.open(asked, timeout=60) as answer:
        return json.load(answer)
