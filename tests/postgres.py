"""A PostgreSQL of the tests' own: started in a temporary folder, ended with whoever started it.

    with postgres_server() as server:
        server.url("postgres")      # for ENCANTE_DATABASE_URL or make_engine
        server.restart()            # stop and start, as an upgrade does
        server.kill(); server.start()   # all its processes at once, as a power cut does

``durable=True`` makes it write to the disk as it would in earnest (fsync); without, it is fast.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from scripts.own_console import free_port
from scripts.postgres import find

USER, PASSWORD = "encante", "p:w/d@#%?"  # of the kind that must be quoted in a URL
QUOTED = "p%3Aw%2Fd%40%23%25%3F"
START_SECONDS = 60.0
_PR_SET_PDEATHSIG = 1
_UNPRIVILEGED = ("postgres", "nobody")  # PostgreSQL refuses to be run by root
_FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}


class PostgresError(Exception):
    """The server is missing or did not start; the text says why."""


class PostgresServer:
    """One server with a folder and a port of its own."""

    def __init__(self, folder: Path, durable: bool = False) -> None:
        """Makes the server's files in ``folder``; it is not running yet. Raises PostgresError."""
        programs = find()
        if programs is None:
            raise PostgresError("PostgreSQL was not found: python -m scripts.postgres")
        self._programs, self._folder = programs, folder
        self._user = _unprivileged()
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(folder),
            "max_connections": "200",
            "shared_buffers": "32MB",
            **({} if durable else _FAST),
        }
        self._settings = [f"--{name}={value}" for name, value in settings.items()]
        self._make()

    def _make(self) -> None:
        password = self._folder / "password"
        password.write_text(PASSWORD)
        for path in (self._folder, password):
            if self._user:
                shutil.chown(path, self._user)
        done = subprocess.run(
            [
                self._programs / "initdb",
                f"--pgdata={self._folder / 'data'}",
                f"--username={USER}",
                f"--pwfile={password}",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--encoding=UTF8",
                # one that sorts as people do: code must not rely on the order of bytes
                "--locale-provider=icu",
                "--icu-locale=en-US",
                "--locale=C.UTF-8",
                "--no-sync",
                "--no-instructions",
            ],
            user=self._user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode != 0:
            raise PostgresError(f"initdb failed: {done.stderr}")

    def url(self, database: str) -> str:
        """The address of a database, with user and password, over TCP."""
        place = f"127.0.0.1:{self.port}/{database}"
        return f"postgresql+psycopg://{USER}:{QUOTED}@{place}"

    def local_url(self, database: str) -> str:
        """The address of a database over a socket file: no password, and quicker to connect."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self._folder}&port={self.port}"

    def start(self) -> None:
        """Start it and wait until it answers. Raises PostgresError."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", *self._settings],
                user=self._user,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests, which then end it
                preexec_fn=_die_with(os.getpid()),
            )
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect("postgres").close()
                return
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > end:
                    told = self._log.read_text()[-4000:]
                    raise PostgresError(f"PostgreSQL did not start: {error}\n{told}") from None
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in good order; connections are cut, what was committed is on the disk."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill all its processes at once: nothing is written any more, as if the power went."""
        process = self._process
        if process is not None and process.poll() is None:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            process.kill()
            for child in map(int, children):
                _kill(child)
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start it, as for an upgrade."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(60)

    def create(self, database: str, template: str = "template0") -> None:
        """Make a database, as a copy of another one that nobody is connected to."""
        names = (sql.Identifier(database), sql.Identifier(template))
        self._do(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))

    def drop(self, database: str) -> None:
        """Delete a database; whoever is connected to it is thrown out."""
        self._do(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    def _do(self, statement: sql.Composed) -> None:
        with self.connect("postgres") as connection:
            connection.execute(statement)

    def connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the tests' own, outside of what is tested; commits each statement."""
        return psycopg.connect(
            dbname=database,
            user=USER,
            host=str(self._folder),
            port=self.port,
            autocommit=True,
        )


@contextmanager
def postgres_server(durable: bool = False) -> Iterator[PostgresServer]:
    """A running server, ended and deleted afterwards. Raises PostgresError."""
    # Not a folder of pytest's: those are closed to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="encante-postgres-"))
    try:
        server = PostgresServer(folder, durable)
        try:
            server.start()
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> str | None:
    """Who is to run the server; None: whoever runs this."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in _UNPRIVILEGED if name in known)


def _die_with(parent: int) -> Callable[[], None]:
    """Run in the new process: have the kernel end the server when ``parent`` ends, even by kill."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None

    def tie() -> None:
        if library is not None:
            library.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)  # at once, with all its processes
            if os.getppid() != parent:
                os._exit(1)

    return tie


def _kill(process_id: int) -> None:
    try:
        os.kill(process_id, signal.SIGKILL)
    except ProcessLookupError:
        return  # it has ended with its parent
