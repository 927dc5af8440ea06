"""The account on disk: read at start, written shortly after each change and at the end.

The state is moto's own objects, pickled: every fact that the sandbox adds to them is a plain
attribute, and every timed state is derived from a stored time, so what was pending goes on as
time has passed. Unpickling can run code, so it is only ever done on our own file: in our own
folder, owned by us, readable by nobody else.
"""

from __future__ import annotations

import fcntl
import io
import os
import pickle
import stat
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.sandbox import account, clock
from app.sandbox.settings import SandboxSettings

FORMAT = 1
FILE = "account.pickle"
DELAY = 0.25
# A large account takes long to write; the disk is then left alone this many times as long.
REST = 4


class StoreError(RuntimeError):
    """The data folder cannot be used; the message says which and why."""


class Store:
    """Keeps one account in `<data>/sandbox/`; without a data folder it keeps nothing."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.folder = settings.folder
        self._dirty = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock_file: Any = None

    def open(self) -> None:
        """Make the folder and claim it; StoreError when it is not ours or already in use."""
        if self.folder is None:
            return
        try:
            # the data folder too, if it is new, is nobody else's: parents do not heed the mode
            self.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.mkdir(exist_ok=True, mode=0o700)
            self._lock_file = (self.folder / "lock").open("w")
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            self.close()
            raise StoreError(f"another sandbox is using {self.folder}") from problem
        except OSError as problem:
            self.close()
            why = f"cannot use the folder {self.folder}: {problem.strerror}"
            raise StoreError(why) from problem

    def close(self) -> None:
        """Give the folder back."""
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def load(self) -> bool:
        """Put the kept account in place; False when there is none that can be used.

        A file that cannot be used is set aside under another name, and a line says so.
        """
        if self.folder is None or not (self.folder / FILE).exists():
            return False
        path = self.folder / FILE
        try:
            state = _read(path, self.settings.account_id)
        except Exception as problem:  # noqa: BLE001 - whatever is wrong, start anew, never crash
            aside = path.with_name(f"{FILE}.unreadable-{time.strftime('%Y%m%d-%H%M%S')}")
            path.replace(aside)
            _log(f"the kept account cannot be used: {problem}")
            _log(f"it is now {aside.name}, and the sandbox begins anew")
            return False
        clock.reset()
        clock.advance(state["advanced"])
        kept = {self.settings.account_id: state["services"], **state.get("others", {})}
        for account_id in self.settings.all_accounts:
            account.restore(account_id, kept.get(account_id, {}))
        return True

    def start(self) -> None:
        """Begin to write in the background."""
        if self.folder is not None:
            self._thread = threading.Thread(target=self._run, name="store", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Write what is not yet written, and give the folder back."""
        self._stopping.set()
        self._dirty.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.close()

    def changed(self) -> None:
        """The account may have changed: it will be written within about a second."""
        self._dirty.set()

    def _run(self) -> None:
        while True:
            self._dirty.wait()
            stopping = self._stopping.wait(DELAY)
            self._dirty.clear()
            started = time.monotonic()
            try:
                self.write()
            except (OSError, pickle.PicklingError, TypeError, AttributeError) as problem:
                _log(f"the account could not be written: {type(problem).__name__}: {problem}")
            if stopping:
                return
            self._stopping.wait(REST * (time.monotonic() - started))

    def write(self) -> None:
        """Write the account: whole or not at all."""
        if self.folder is None:
            return
        data = dump(self.settings.all_accounts)
        path = self.folder / FILE
        new = path.with_suffix(".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        _sync_folder(self.folder)


def dump(accounts: Sequence[str]) -> bytes:
    """The accounts as bytes: a first pickle that says what it is, then the state itself."""
    buffer = io.BytesIO()
    with account.LOCK:
        _Pickler(buffer).dump(_stamp(accounts[0]))
        state = {
            "advanced": clock.advanced(),
            "services": account.snapshot(accounts[0]),
            "others": {account_id: account.snapshot(account_id) for account_id in accounts[1:]},
        }
        _Pickler(buffer).dump(state)
    return buffer.getvalue()


def _stamp(account_id: str) -> dict[str, Any]:
    import moto

    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return {"format": FORMAT, "moto": moto.__version__, "python": python, "account": account_id}


def _read(path: Path, account_id: str) -> dict[str, Any]:
    about = path.stat()
    if about.st_uid != os.getuid() or stat.S_IMODE(about.st_mode) & 0o077:
        raise ValueError("it belongs to somebody else, or others may read or write it")
    with path.open("rb") as file:
        # Only our own 0600 file in our own folder: see the module's docstring.
        stamp = pickle.load(file)  # noqa: S301
        if stamp != _stamp(account_id):
            raise ValueError(f"it was written as {stamp}, and this is {_stamp(account_id)}")
        state: dict[str, Any] = pickle.load(file)  # noqa: S301
    return state


class _Pickler(pickle.Pickler):
    """Pickles moto's objects; a lock is kept as a new, free lock."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, threading.Condition):
            return threading.Condition, ()
        return NotImplemented


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _log(text: str) -> None:
    print(f"sandbox: {text}", file=sys.stderr, flush=True)
