"""Real processes of the console on one PostgreSQL, and a load balancer in front of them."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlencode

from tests.web.browser import Page

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0
_CHECK_EVERY = 0.1
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


def until(ready: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)


class Replica:
    """gunicorn with the console, as in a container, at an address of the loopback interface."""

    def __init__(self, host: str, port: int, environment: Mapping[str, str], log: Path) -> None:
        self.host, self.port, self.log = host, port, log
        kept = {name: text for name, text in os.environ.items() if not name.startswith("ENCANTE_")}
        place = {"ENCANTE_BIND": host, "ENCANTE_PORT": str(port)}
        self.environment = {**kept, **environment, **place}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it is ready some seconds later."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def ready(self) -> bool:
        """Whether it says that requests may be sent to it."""
        return self.ask("/readyz")[0] == 200

    def ask(self, path: str, headers: Mapping[str, str] = MappingProxyType({})) -> tuple[int, str]:
        """Status and text of its own answer; the status is 0 if there is none."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request("GET", path, headers=dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def terminate(self) -> None:
        """Ask it to stop, as docker and systemd do."""
        assert self._process is not None
        self._process.terminate()

    def wait(self) -> int:
        """Wait for its end; its exit status."""
        assert self._process is not None
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        """Kill all its processes at once."""
        process, self._process = self._process, None
        if process is not None:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)


class Balancer:
    """Sends each request to the next replica that says it is ready; a connection for each.

    What a replica has taken and not answered is told to the client as 502: nothing is repeated
    but what could not be connected.
    """

    def __init__(self, replicas: list[Replica]) -> None:
        self._replicas = replicas
        self._turn = 0
        self._ready: list[Replica] = []
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True),
            threading.Thread(target=self._check, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def uses(self, replica: Replica) -> bool:
        """Whether requests go to it."""
        return replica in self._ready

    def stop(self) -> None:
        """Answer no more."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()

    def _check(self) -> None:
        while not self._over.wait(_CHECK_EVERY):
            self._ready = [replica for replica in self._replicas if replica.ready()]

    def _next(self) -> list[Replica]:
        self._turn += 1
        ready = self._ready
        first = self._turn % len(ready) if ready else 0
        return ready[first:] + ready[:first]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        balancer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                balancer._pass_on(self)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads it."""

        return Handler

    def _pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        for replica in self._next():
            connection = http.client.HTTPConnection(replica.host, replica.port, timeout=30)
            try:
                connection.connect()
            except OSError:
                continue
            try:
                headers = {**request.headers, "Connection": "close"}
                connection.request(request.command, request.path, body, headers)
                answer = connection.getresponse()
                _give(request, answer.status, answer.getheaders(), answer.read(), replica.host)
            except (OSError, http.client.HTTPException):
                _give(request, 502, [], b"the replica gave no answer", replica.host)
            finally:
                connection.close()
            return
        _give(request, 503, [], b"no replica is ready", "")


def _give(
    request: BaseHTTPRequestHandler,
    status: int,
    headers: list[tuple[str, str]],
    body: bytes,
    by: str,
) -> None:
    request.send_response_only(status)
    for name, value in [*headers, ("X-Replica", by)]:
        if name.lower() not in _HOP_BY_HOP:
            request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


class Person:
    """Somebody with cookies at the balancer's address."""

    def __init__(self, port: int) -> None:
        self._host = f"127.0.0.1:{port}"
        self._cookies: dict[str, str] = {}

    def open(self, path: str) -> Page:
        """GET a page."""
        return self._ask("GET", path, None, {})

    def send(self, page: Page, **changes: str) -> Page:
        """Send the form of a page, with some fields filled in otherwise."""
        fields = {**page.fields.to_dict(), **changes, "_do": "perform"}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", page.path, urlencode(fields), kind)

    def _ask(self, how: str, path: str, body: str | None, headers: dict[str, str]) -> Page:
        cookies = "; ".join(f"{name}={text}" for name, text in self._cookies.items())
        connection = http.client.HTTPConnection(self._host, timeout=60)
        try:
            origin = {"Origin": f"http://{self._host}"}
            connection.request(how, path, body, headers | origin | {"Cookie": cookies})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        for value in answer.headers.get_all("Set-Cookie") or []:
            name, _, rest = value.partition("=")
            self._cookies[name] = rest.partition(";")[0]
        return Page(answer.status, text, path, answer.headers)
