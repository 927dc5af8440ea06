"""The processes that are tortured, as the one who does it sees them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scripts.own_console import ROOT
from tests.torture.clocks import Clocks
from tests.torture.nursery import PIDS

PATIENCE = 120.0


class TortureError(Exception):
    """Something that the torture itself needs did not happen; the text says what."""


@dataclass(frozen=True)
class End:
    """A process that has ended: its exit code, or minus the number of the signal."""

    name: str
    process: int
    code: int
    at: float


@dataclass
class _Member:
    asked: Mapping[str, Any]
    process: int = 0
    is_up: bool = False
    keep: bool = True  # start another one when it ends
    running: int = 0  # processes asked for that have not ended
    asked_at: float = 0.0


class Rack:
    """Starts processes, kills them, and starts them again when they have ended."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is for their logs."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.clocks = folder, Clocks(folder / "clocks")
        self.ended: list[End] = []
        self.start_seconds: list[float] = []
        self.environment: Mapping[str, str] = {}  # what those find in theirs that start from now on
        self._members: dict[str, _Member] = {}
        self._told = threading.Condition()
        kept = {name: text for name, text in os.environ.items() if not name.startswith("ENCANTE_")}
        with (folder / "nursery.log").open("ab") as log:
            self._nursery = subprocess.Popen(
                [sys.executable, "-m", "tests.torture.nursery", str(folder)],
                cwd=ROOT,
                env=kept,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
            )
        self._reader = threading.Thread(target=self._read, name="rack", daemon=True)
        self._ready = False
        self._reader.start()
        self.wait_for(lambda: self._ready, "The nursery did not start.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill them all."""
        with self._told:
            for member in self._members.values():
                member.keep = False
        assert self._nursery.stdin is not None
        self._nursery.stdin.close()
        self._nursery.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self._nursery.stdout is not None
        self._nursery.stdout.close()

    def clear(self) -> None:
        """Kill them all and forget them."""
        with self._told:
            for member in self._members.values():
                member.keep = False
                if member.process and self._end_of(member.process) is None:
                    _signal(member.process, signal.SIGKILL)
        members = self._members.values()
        self.wait_for(lambda: not any(each.running for each in members), "One did not end.")
        with self._told:
            self._members, self.ended, self.start_seconds = {}, [], []
        for log in self.folder.glob("*.log"):
            log.unlink()

    def start(
        self,
        name: str,
        role: str = "replica",
        clock: int = 0,
        given: Any = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start a process, and again whenever it ends, until it is stopped."""
        asked = {
            "name": name,
            "role": role,
            "clock": clock,
            "given": given,
            "environment": {**self.environment, **(environment or {})},
        }
        with self._told:
            self._members[name] = member = _Member(asked)
            self._ask(member)

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> End:
        """End a process and do not start it again; returns how it ended."""
        process = 0
        while not process:
            self.process(name)
            with self._told:
                member = self._members[name]
                if member.is_up:  # it may have been killed just now, and be about to start again
                    member.keep, process = False, member.process
        _signal(process, how)
        self.wait_for(lambda: self._end_of(process) is not None, f"{name} did not end.")
        found = self._end_of(process)
        assert found is not None
        return found

    def kill(self, name: str) -> int:
        """Kill a process that is up, with SIGKILL, and wait until it has ended; which it was."""
        process = self.process(name)
        _signal(process, signal.SIGKILL)
        self.wait_for(lambda: self._end_of(process) is not None, f"{name} was not killed.")
        return process

    def send(self, name: str, how: signal.Signals) -> None:
        """Send a process a signal: SIGSTOP, SIGCONT."""
        _signal(self.process(name), how)

    def process(self, name: str) -> int:
        """The number of a process, as soon as it is up."""
        self.wait_for(lambda: self._members[name].is_up, f"{name} is not up.")
        return self._members[name].process

    def names(self, role: str) -> list[str]:
        """Those of a role that were started."""
        return [name for name, each in self._members.items() if each.asked["role"] == role]

    def is_up(self, name: str) -> bool:
        """Whether it has begun."""
        return self._members[name].is_up

    def killed(self) -> list[End]:
        """Those that were killed so far."""
        with self._told:
            return [each for each in self.ended if each.code == -signal.SIGKILL]

    def wait_for(self, ready: Callable[[], bool], problem: str, seconds: float = PATIENCE) -> None:
        """Wait until what the nursery tells makes ``ready`` true. Raises TortureError."""
        with self._told:
            if not self._told.wait_for(lambda: ready() or not self._is_alive(), seconds):
                raise TortureError(f"{problem}\n{self.logs()}")
            if not ready():
                raise TortureError(f"{problem} The nursery has ended.\n{self.logs()}")

    def logs(self) -> str:
        """The ends of what all of them wrote."""
        texts = {path.name: path.read_text()[-3000:] for path in self.folder.glob("*.log")}
        return "\n".join(f"== {name}\n{text}" for name, text in texts.items())

    def wrote(self, text: str) -> int:
        """How often they have written that, all together."""
        return sum(path.read_text().count(text) for path in self.folder.glob("*.log"))

    def _is_alive(self) -> bool:
        return self._reader.is_alive()

    def _end_of(self, process: int) -> End | None:
        return next((each for each in reversed(self.ended) if each.process == process), None)

    def _ask(self, member: _Member) -> None:
        assert self._nursery.stdin is not None
        member.running += 1
        member.asked_at = time.monotonic()
        self._nursery.stdin.write(json.dumps(member.asked) + "\n")

    def _read(self) -> None:
        assert self._nursery.stdout is not None
        for line in self._nursery.stdout:
            with self._told:
                self._hear(json.loads(line))
                self._told.notify_all()
        with self._told:
            self._told.notify_all()

    def _hear(self, told: Mapping[str, Any]) -> None:
        if "ready" in told:
            self._ready = True
        elif "started" in told or "up" in told:
            # The child may have said that it is up before the nursery says that it was started.
            member = self._members[told.get("started") or told["up"]]
            member.process = told["process"]
            if "up" in told:
                member.is_up = True
                self.start_seconds.append(time.monotonic() - member.asked_at)
            elif not member.keep:  # it was started again just before that was forbidden
                _signal(member.process, signal.SIGKILL)
        elif "ended" in told:
            self.ended.append(End(told["ended"], told["process"], told["code"], time.time()))
            member = self._members[told["ended"]]
            member.is_up = False
            member.running -= 1
            if member.keep:
                self._ask(member)


def _signal(process: int, how: signal.Signals) -> None:
    os.kill(process % PIDS, how)
