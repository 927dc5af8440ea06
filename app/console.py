"""Run the console on this machine: the sandbox, gunicorn, and the link to open."""

from __future__ import annotations

import errno
import fcntl
import http.client
import importlib
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from app.settings import Settings
from app.supervisor import NotReady, ProgramDied, Stopped, Supervisor

if TYPE_CHECKING:  # the supervising process does without it
    from sqlalchemy.exc import DBAPIError

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0


class ConsoleError(Exception):
    """The console cannot do what was asked; the text says why and what to do."""


def run(settings: Settings) -> None:
    """Run everything until a signal asks to stop; prints one line with the link to open.

    Raises ConsoleError when something cannot start or ends by itself; nothing is left running.
    """
    with only_one(settings):
        check_ports(settings)
        try:
            with Supervisor() as programs:
                _start(programs, settings)
                opened = settings.address if settings.https else login_link(settings)
                say(f"Encante is running; Ctrl-C stops it. Open: {opened}")
                programs.watch()
        except Stopped:
            say("Stopped.")
        except (ProgramDied, NotReady) as error:
            raise ConsoleError(f"{error} Everything else was stopped too.") from None


def _start(programs: Supervisor, settings: Settings) -> None:
    """Start the sandbox (unless the console works on AWS) and the console; wait for both.

    The console brings the database up to date itself, before it answers.
    """
    environment = dict(os.environ)
    if settings.aws == "sandbox":
        # A proxy of the environment must not get the calls to the sandbox.
        beside = f"127.0.0.1,localhost,{os.environ.get('NO_PROXY', os.environ.get('no_proxy', ''))}"
        environment |= {"NO_PROXY": beside, "no_proxy": beside}
        programs.start("sandbox", [sys.executable, "-m", "app.sandbox"], environment)
    gunicorn = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py")]
    programs.start("console", gunicorn, environment)
    # What the link needs is loaded while the others start: a second of every start.
    importlib.import_module("app.people.login_tokens")
    if settings.aws == "sandbox":
        sandbox = f"127.0.0.1:{settings.sandbox_port}"
        programs.wait_until(lambda: _get(sandbox, "/_sandbox/clock"), "The sandbox", START_SECONDS)
    programs.wait_until(lambda: answers(settings), "The console", START_SECONDS)


def login_link(settings: Settings) -> str:
    """A fresh link that signs in; raises ConsoleError when there is no database yet.

    Nor is there one where others reach the console: there everybody signs in as themselves.
    """
    if settings.https:
        raise ConsoleError(
            "There is no link where others reach the console (ENCANTE_PUBLIC_URL is https). "
            "Make a user: python -m app.cli user add NAME --role admin"
        )
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from app.db import make_engine
    from app.people import login_tokens

    engine = make_engine(settings.database_url)
    try:
        token = login_tokens.create(engine)
    except (OperationalError, ProgrammingError) as error:
        # SQLite's answer where there is no table, or PostgreSQL's
        if settings.on_postgresql and isinstance(error, OperationalError):
            raise ConsoleError(database_away(error)) from None
        raise ConsoleError("There is no database yet. Start the console first: make run") from None
    finally:
        engine.dispose()
    return f"{settings.address}/login?token={token}"


def reset(settings: Settings) -> None:
    """Delete the sandbox's state and the database of sandbox mode, saying what goes."""
    if settings.aws != "sandbox":
        raise ConsoleError("ENCANTE_AWS=aws is set: there is no sandbox to forget.")
    if settings.on_postgresql:
        raise ConsoleError(
            "ENCANTE_DATABASE_URL names a PostgreSQL, which other consoles may work on: nothing "
            "was deleted. Stop them all, drop the database and create it anew; what the sandbox "
            f"knows is in {settings.data / 'sandbox'}."
        )
    database = Path(settings.database_url.removeprefix("sqlite:///"))
    files = [database.with_name(database.name + end) for end in ("", "-wal", "-shm")]
    with only_one(settings):
        present = [path for path in (settings.data / "sandbox", *files) if path.exists()]
        for path in present:
            say(f"Deleting {path}")
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        say("The sandbox begins anew at the next start." if present else "Nothing to delete.")


def database_away(error: DBAPIError) -> str:
    """What to tell of a database that cannot be worked with, by its driver's error."""
    why = " ".join(str(error.orig).split())
    return f"The database (ENCANTE_DATABASE_URL) cannot be reached: {why}"


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the data folder's lock; raises ConsoleError when another process holds it.

    The kernel lets go of the lock when its holder ends, however it ends.
    """
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.data / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConsoleError(
                f"Encante is already running on the data folder {settings.data} (ENCANTE_DATA). "
                "A link to it: make link"
            ) from None
        yield


def check_ports(settings: Settings) -> None:
    """Raises ConsoleError, naming port and setting, when a port that is needed is taken."""
    needed = [(settings.bind, settings.port, "ENCANTE_PORT")]
    if settings.aws == "sandbox":
        needed.append(("127.0.0.1", settings.sandbox_port, "ENCANTE_SANDBOX_PORT"))
        if settings.port == settings.sandbox_port:
            raise ConsoleError(
                f"ENCANTE_PORT and ENCANTE_SANDBOX_PORT are both {settings.port}: "
                "the console and the sandbox need a port each."
            )
    for host, port, setting in needed:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise ConsoleError(_port_problem(host, port, setting, error)) from None


def _port_problem(host: str, port: int, setting: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        other = port + 1000 if port < 64000 else port - 1000
        return (
            f"Port {port} is in use by another program. "
            f"Stop that, or choose another port: {setting}={other} make run"
        )
    return f"Cannot listen on {host}, port {port} ({setting}): {error.strerror}."


def answers(settings: Settings) -> bool:
    """Whether the console's /healthz says that all is well."""
    return _get(settings.authority, "/healthz")


def _get(authority: str, path: str) -> bool:
    """Whether a page answers with status 200. Goes past any proxy of the environment."""
    connection = http.client.HTTPConnection(authority, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def say(line: str) -> None:
    """Print a line at once. A closed terminal must not keep anything from being stopped."""
    try:
        print(line, flush=True)
    except OSError:
        # Nobody is there to read it; not even the interpreter's own flush at exit may fail.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
