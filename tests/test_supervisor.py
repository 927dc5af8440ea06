"""The supervisor, run for real: a process of its own with small programs below it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Starts two programs (`first` and `second`), tells their process ids, and watches them.
HARNESS = """
import os, sys
from app.supervisor import *

with_code = lambda code: [sys.executable, "-c", code]
try:
    with Supervisor(grace=float(sys.argv[1])) as programs:
        for name, code in zip(("first", "second"), sys.argv[2:]):
            programs.start(name, with_code(code), os.environ)
        print(*(process.pid for _, process in programs._programs), flush=True)
        programs.wait_until(lambda: os.path.exists("ready"), "The pair", 30)
        print("ready", flush=True)
        programs.watch()
except (Stopped, ProgramDied, NotReady) as reason:
    print(type(reason).__name__, reason, flush=True)
"""
READY = "open('ready', 'w').close(); "
SLEEP = "import time; time.sleep(300)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "


class Harness:
    """A running supervisor: its process, and the process ids of its programs."""

    def __init__(self, folder: Path, grace: float, terminal: int, nohup: bool, *codes: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HARNESS, str(grace), *codes],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=terminal,
            stdout=subprocess.PIPE,
            text=True,
            # Said in any case: it must not matter how these tests are themselves started.
            preexec_fn=lambda: signal.signal(
                signal.SIGHUP, signal.SIG_IGN if nohup else signal.SIG_DFL
            ),
        )
        self.pids = [int(pid) for pid in self.line().split()]

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Harness]]:
    """Start a supervisor with programs given as Python code; all are gone after the test."""
    started: list[Harness] = []

    def start(
        *codes: str,
        grace: float = 20,
        terminal: int = subprocess.DEVNULL,
        nohup: bool = False,
    ) -> Harness:
        started.append(Harness(tmp_path, grace, terminal, nohup, *codes))
        return started[-1]

    yield start
    for harness in started:
        for pid in (harness.process.pid, *harness.pids):
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        harness.process.communicate()


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pids: list[int]) -> bool:
    """Whether all the processes end; gives them time."""
    for _ in range(300):
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_every_program(
    supervise: Callable[..., Harness], number: signal.Signals
) -> None:
    harness = supervise(SLEEP, READY + SLEEP)
    assert harness.line() == "ready"
    harness.process.send_signal(number)
    assert harness.line() == f"Stopped {number.name}"
    assert gone(harness.pids)
    assert harness.process.wait(30) == 0


def test_a_signal_during_the_start_stops_what_was_started(
    supervise: Callable[..., Harness],
) -> None:
    harness = supervise(SLEEP, SLEEP)
    harness.process.send_signal(signal.SIGINT)
    assert harness.line() == "Stopped SIGINT"
    assert gone(harness.pids)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_a_killed_supervisor_takes_its_programs_with_it(
    supervise: Callable[..., Harness],
) -> None:
    harness = supervise(SLEEP, READY + SLEEP)
    assert harness.line() == "ready"
    harness.process.kill()
    assert gone(harness.pids)


def test_a_program_that_dies_is_named_and_the_other_stopped(
    supervise: Callable[..., Harness],
) -> None:
    harness = supervise(SLEEP, READY + SLEEP)
    assert harness.line() == "ready"
    os.kill(harness.pids[1], signal.SIGKILL)
    assert harness.line() == "ProgramDied The second ended unexpectedly (killed by SIGKILL)."
    assert gone(harness.pids)


def test_a_program_that_fails_to_start_is_named(supervise: Callable[..., Harness]) -> None:
    harness = supervise(SLEEP, "raise SystemExit(3)")
    assert harness.line() == "ProgramDied The second ended unexpectedly (exit status 3)."
    assert gone(harness.pids)


def test_a_program_that_does_not_listen_is_killed_with_its_children(
    supervise: Callable[..., Harness], tmp_path: Path
) -> None:
    child = (
        "import subprocess, sys; "
        f"child = subprocess.Popen([sys.executable, '-c', {DEAF + SLEEP!r}]); "
        "open('child', 'w').write(str(child.pid)); "
    )
    harness = supervise(DEAF + child + READY + SLEEP, grace=0.2)
    assert harness.line() == "ready"
    grandchild = int((tmp_path / "child").read_text())
    assert alive(grandchild)
    harness.process.send_signal(signal.SIGINT)
    assert harness.line() == "Stopped SIGINT"
    assert gone([*harness.pids, grandchild])


def test_a_second_ctrl_c_does_not_wait_for_a_slow_program(
    supervise: Callable[..., Harness],
) -> None:
    harness = supervise(DEAF + READY + SLEEP, grace=600)
    assert harness.line() == "ready"
    harness.process.send_signal(signal.SIGINT)
    while harness.process.poll() is None and alive(harness.pids[0]):
        harness.process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    assert gone(harness.pids)


def test_a_closed_terminal_stops_every_program_without_any_signal(
    supervise: Callable[..., Harness],
) -> None:
    ours, theirs = os.openpty()
    harness = supervise(SLEEP, READY + SLEEP, terminal=theirs)
    os.close(theirs)
    assert harness.line() == "ready"
    os.close(ours)
    assert harness.line() == "Stopped SIGHUP"
    assert gone(harness.pids)


def test_a_program_under_nohup_outlives_its_terminal(supervise: Callable[..., Harness]) -> None:
    harness = supervise(SLEEP, READY + SLEEP, nohup=True)
    assert harness.line() == "ready"
    harness.process.send_signal(signal.SIGHUP)
    harness.process.send_signal(signal.SIGTERM)
    assert harness.line() == "Stopped SIGTERM"
