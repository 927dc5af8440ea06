"""Start a few programs, wait for them, and see to it that all of them end.

The programs end when the supervisor is told to stop (Ctrl-C, SIGTERM, a closed terminal), when
one of them dies, when anything goes wrong in between, and, on Linux, when the supervisor itself
is killed with no chance to do anything.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Self

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Stopped(Exception):
    """A signal asked the supervisor to stop."""


class ProgramDied(Exception):
    """A program ended that should have gone on; the text names it and says how."""


class NotReady(Exception):
    """A program did not become ready in time."""


class Supervisor:
    """A context in which programs run; leaving it ends them, the last started first.

    Used from the main thread of a process (signal handlers can only be set there).
    """

    def __init__(self, grace: float = 20.0) -> None:
        """`grace`: seconds that a program has to end by itself before it is killed."""
        self._grace = grace
        self._programs: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._signals: list[int] = []
        self._reader, self._writer = socket.socketpair()
        self._poll = select.poll()

    def __enter__(self) -> Self:
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        # Each signal, SIGCHLD too, puts a byte into the socket, so one poll() waits for all.
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._poll.register(self._reader, select.POLLIN)
        for number in (*STOPPING, signal.SIGCHLD):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                signal.signal(number, self._note)
        if os.isatty(0):
            # When a terminal closes, the kernel tells the session's leader only, and that can be
            # a `make` that keeps it to itself. No events are asked for: a hang-up always comes.
            self._poll.register(0, 0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for _, process in reversed(self._programs):
            self._end(process)
        signal.set_wakeup_fd(-1)
        for number in STOPPING:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._reader.close()
        self._writer.close()

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start `command` as the program `name`, in a session of its own.

        A session of its own keeps the terminal's Ctrl-C from it: only the supervisor hears that,
        and ends the programs in order. Standard output is dropped, errors go to ours.
        """
        process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid()),
        )
        self._programs.append((name, process))

    def wait_until(self, ready: Callable[[], bool], what: str, seconds: float) -> None:
        """Ask `ready` again and again until it says yes.

        Raises NotReady (naming `what`) after `seconds`, ProgramDied, or Stopped.
        """
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end:
                raise NotReady(f"{what} did not answer within {seconds:.0f} seconds.")
            self._wait(0.05)

    def watch(self) -> None:
        """Wait until there is a reason to stop: raises Stopped or ProgramDied."""
        while True:
            self._wait(None)

    def _wait(self, seconds: float | None) -> None:
        if not self._signals:
            self._sleep(seconds)
        if self._signals:
            raise Stopped(signal.Signals(self._signals[0]).name)
        for name, process in self._programs:
            if (status := process.poll()) is not None:
                raise ProgramDied(f"The {name} ended unexpectedly ({_describe(status)}).")

    def _sleep(self, seconds: float | None) -> None:
        """Wait for a signal, a hang-up, or the time to be up."""
        for descriptor, _ in self._poll.poll(None if seconds is None else seconds * 1000):
            if descriptor == 0:
                self._poll.unregister(0)
                self._signals.append(signal.SIGHUP)
        with suppress(BlockingIOError):
            self._reader.recv(4096)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._signals.append(number)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Ask a program to end. Kill it, and what it started, when it does not end in time, or
        when Ctrl-C comes once more."""
        before = len(self._signals)
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        end = time.monotonic() + self._grace
        while process.poll() is None and time.monotonic() < end:
            if signal.SIGINT in self._signals[before:]:
                break
            self._sleep(0.1)
        # Also after a proper end: a child that it left behind is in its group.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def follow_parent() -> None:
    """Ask the kernel to send SIGTERM to this process when the one that started it ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _die_with(parent: int) -> Callable[[], None]:
    """What a new program does before it becomes itself: tie its life to that of `parent`."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None

    def tie() -> None:
        if library is not None:
            library.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it died before the call
                os._exit(1)

    return tie


def _describe(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"
