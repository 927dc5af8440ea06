"""What is measured, as it runs in earnest: programs of their own, and a console under gunicorn."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.db import make_engine
from app.inventory import Inventory
from app.people import login_tokens
from app.settings import Settings
from scripts.own_console import ROOT

# As a browser asks on a loopback address.
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}


class NotReadyError(Exception):
    """A program did not get as far as it should; the text says which."""


@contextmanager
def program(
    *command: str, environment: dict[str, str] | None = None, log: IO[bytes] | None = None
) -> Iterator[IO[str]]:
    """Run a program; gives its standard output, and ends it afterwards.

    ``log``: where what it logs goes, instead of to our own standard error.
    """
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ENCANTE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**kept, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout
    finally:
        process.terminate()
        process.communicate(timeout=60)


@dataclass
class Answer:
    """What came over the wire: the body as sent (compressed), and the bytes of the head."""

    status: int
    headers: dict[str, str]
    body: bytes
    head_bytes: int


@dataclass
class Console:
    """A console under gunicorn in a process of its own, and one connection to it."""

    settings: Settings
    inventory: Inventory
    cookie: str = ""
    _connection: http.client.HTTPConnection | None = None

    def get(self, path: str, **headers: str) -> Answer:
        """GET a page on a connection that is kept open, as a browser does."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.settings.port)
        sent = {**BROWSER, "Cookie": self.cookie, **headers}
        self._connection.request("GET", path, headers=sent)
        response = self._connection.getresponse()
        body = response.read()
        pairs = response.getheaders()
        head = sum(len(f"{name}: {value}\r\n".encode()) for name, value in pairs)
        kept = {name.lower(): value for name, value in pairs}
        return Answer(response.status, kept, body, head + len("HTTP/1.1 200 OK\r\n\r\n"))

    def sign_in(self) -> None:
        """Open a start link; keep the cookie."""
        token = login_tokens.create(make_engine(self.settings.database_url))
        answer = self.get(f"/login?token={token}")
        self.cookie = answer.headers["set-cookie"].partition(";")[0]

    def worker(self) -> int:
        """The process that serves pages."""
        [worker] = _children(int((self.settings.data / "gunicorn.pid").read_text()))
        return worker

    def close(self) -> None:
        """Let go of the connection; the next request makes a new one."""
        self._connection = None

    def memory(self) -> dict[str, float]:
        """Resident memory of the worker in MB (10^6 bytes): now, and at its highest."""
        status = Path(f"/proc/{self.worker()}/status").read_text()
        pairs = dict(line.split(":", 1) for line in status.splitlines())
        return {
            what: int(pairs[key].split()[0]) * 1024 / 1e6
            for what, key in (("now", "VmRSS"), ("most", "VmHWM"))
        }


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]
