"""``python -m tests.torture.nursery FOLDER``: a process that forks those that are to be killed.

It has imported everything, so that a process starts within a fraction of a second, and has no
thread, so that it can be forked. A line of JSON on standard input asks for a process; lines on
standard output tell what was started, is up, and has ended. It ends when its input does, and takes
its processes along.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
import time
import traceback
from itertools import count
from pathlib import Path
from typing import Any

import app.db
from tests.torture.clocks import Clocks

_PR_SET_PDEATHSIG = 1
# Processes are numbered, as their ids are used again before long: PIDS times how manieth it is,
# and its id.
PIDS = 1 << 22
_kernel = ctypes.CDLL(None)


def main(folder: Path) -> None:
    """Serve until standard input ends."""
    clocks, mine = Clocks(folder / "clocks"), [0]
    # before anything is imported that keeps a reference to it
    app.db.now = lambda: clocks.now(mine[0])
    time.clock_gettime = clocks.steady
    time.sleep = clocks.sleep
    from tests.torture import replica

    replica.warm()
    children: dict[int, tuple[str, int]] = {}
    started = count(1)
    signals, woken = os.pipe2(os.O_NONBLOCK)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    told, wanted = b"", True
    _say(ready=True)
    while wanted or children:
        readable, _, _ = select.select([0, signals] if wanted else [signals], [], [])
        if signals in readable:
            os.read(signals, 4096)
            _bury(children)
        if 0 in readable:
            part = os.read(0, 65536)
            *lines, told = (told + part).split(b"\n")
            for line in lines:
                asked = json.loads(line)
                serial = next(started)
                pid = os.fork()
                if pid == 0:
                    mine[0] = asked["clock"]
                    _be(asked, serial * PIDS + os.getpid(), folder, replica.live)
                children[pid] = (asked["name"], serial * PIDS + pid)
                _say(started=asked["name"], process=serial * PIDS + pid)
            if not part:
                wanted = False
                for pid in children:
                    os.kill(pid, signal.SIGKILL)


def _bury(children: dict[int, tuple[str, int]]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        name, process = children.pop(pid)
        _say(ended=name, process=process, code=os.waitstatus_to_exitcode(status))


def _be(asked: Any, process: int, folder: Path, live: Any) -> None:
    """The child's life; does not return."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _kernel.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    log = os.open(folder / f"{asked['name']}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = 0
    os.environ.update(asked["environment"])
    os.environ["AWS_SDK_UA_APP_ID"] = str(process)  # by it the endpoint knows whom to kill
    try:
        live(asked["role"], asked["given"], lambda: _say(up=asked["name"], process=process))
    except BaseException:  # noqa: BLE001  # whatever it is: a child must not go on as its parent
        traceback.print_exc()
        code = 1
    os._exit(code)


def _say(**told: Any) -> None:
    os.write(1, json.dumps(told).encode() + b"\n")  # in one piece, whoever else writes


if __name__ == "__main__":
    main(Path(sys.argv[1]))
