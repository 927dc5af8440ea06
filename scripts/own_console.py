"""A console of one's own with a sandbox of its own: for browser tests and screenshots."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 90.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NotRunning(Exception):
    """The console did not start; the text holds what it wrote."""


def free_port() -> int:
    """A port of the loopback interface that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class OwnConsole:
    """`python -m app.cli run` in a folder of its own, on ports of its own."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        """``settings``: further environment variables, such as ENCANTE_POLL_SECONDS."""
        self.data = folder / "data"
        self.errors = folder / "errors.txt"
        self.port, self.sandbox_port = free_port(), free_port()
        kept = {name: text for name, text in os.environ.items() if not name.startswith("ENCANTE_")}
        self.environment = {
            **kept,
            "ENCANTE_DATA": str(self.data),
            "ENCANTE_PORT": str(self.port),
            "ENCANTE_SANDBOX_PORT": str(self.sandbox_port),
            **(settings or {}),
        }
        self.first_link = ""  # what the last start has printed
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """The console's address, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> str:
        """Start it; returns the link that it printed. Raises NotRunning."""
        self.errors.parent.mkdir(parents=True, exist_ok=True)
        with self.errors.open("a") as errors:
            # the process ends with the one that started it, however that ends
            self._process = self._command("run", "--with-parent", errors=errors)
        assert self._process.stdout is not None  # noqa: S101
        said = ""
        for line in self._process.stdout:
            said += line
            if "/login?token=" in line:
                self.first_link = _link_in(line)
                return self.first_link
        self._process.wait(10)
        raise NotRunning(f"The console did not start.\n{said}{self.errors.read_text()}")

    def link(self) -> str:
        """A fresh link that signs in, as `make link` prints it."""
        process = self._command("link")
        out, _ = process.communicate(timeout=START_SECONDS)
        return _link_in(out)

    def _command(self, *arguments: str, errors: IO[str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "app.cli", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait until both ports are free again."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        process.communicate(timeout=60)
        self._wait_until_free()

    def _wait_until_free(self) -> None:
        end = time.monotonic() + 60
        while any(map(_answers, (self.port, self.sandbox_port))):
            if time.monotonic() > end:
                raise NotRunning("The console's processes have not ended.")
            time.sleep(0.05)

    def sandbox(self, page: str, body: Any = None, method: str = "") -> Any:
        """What a page under `/_sandbox/` answers, as JSON; ``body`` is posted to it."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.sandbox_port}/_sandbox/{page}",
            data=data,
            method=method or ("GET" if data is None else "POST"),
        )
        with _DIRECT.open(asked, timeout=30) as answer:
            return json.load(answer)

    def advance(self, seconds: float) -> None:
        """Let time pass in the sandbox at once."""
        self.sandbox("clock", {"advance": seconds})


def _link_in(text: str) -> str:
    found = re.search(r"http://\S+/login\?token=\S+", text)
    if found is None:
        raise NotRunning(f"There is no link in {text!r}")
    return found[0]


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
