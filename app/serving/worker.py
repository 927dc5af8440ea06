"""gunicorn's worker with threads, whose threads meet whole requests only.

The first thread waits for all clients at once: for requests until they are whole, and for clients
that take their answers slowly. A thread of the pool gets a request when there is nothing left to
wait for, and is free when the answer is made.
"""

from __future__ import annotations

import errno
import selectors
import time
from collections import Counter
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from app import settings
from app.serving import incoming
from app.serving.connection import Connection
from app.serving.turns import Turns
from app.settings.wire import is_among, networks

# Of one address; a proxy that is trusted may have all there are.
ADDRESS_SHARE = 0.8
# Of requests that have not come whole, bytes in all: far more than people send at a time.
MOST_HELD = 128 * 1024 * 1024
_SWEEP_SECONDS = 0.25
_STATUS = (
    (errors.InvalidResponseHeader, 500),
    (errors.InvalidResponseHeaderName, 500),
    (errors.LimitRequestLine, 414),
    (errors.LimitRequestHeaders, 431),
    (errors.ExpectationFailed, 417),
    (errors.UnsupportedTransferCoding, 501),
    (errors.ParseException, 400),
)


def refusal(status: int) -> bytes:
    """A whole answer to what is no request that the application could answer."""
    phrase = HTTPStatus(status).phrase
    body = f"{phrase}\n"
    return (
        f"HTTP/1.1 {status} {phrase}\r\n"
        "Connection: close\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\n"
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
        "Cross-Origin-Resource-Policy: same-origin\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "\r\n"
        f"{body}"
    ).encode("ascii")


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Waits for clients in one thread, and works in the others."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._trusted = networks(settings.load().trusted_proxies)
        self._turns = Turns(self.cfg.threads)
        self._watched: dict[Connection, None] = {}  # whoever was heard of longest ago first
        self._addresses: Counter[str] = Counter()
        self._swept = 0.0

    def accept(self, listener: Any) -> None:
        """Called when somebody connects."""
        try:
            raw, client = listener.accept()
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                self._make_room("")
            elif error.errno not in {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK}:
                raise
            return
        connection = Connection(self.cfg, raw, client, listener.getsockname())
        self.nr_conns += 1
        self._addresses[connection.address] += 1
        if self._has_too_many(connection.address):
            self._make_room(connection.address)
        elif self.nr_conns >= self.worker_connections - 1:
            self._make_room("")
        self._await_request(connection)

    def _has_too_many(self, address: str) -> bool:
        most = self.worker_connections * ADDRESS_SHARE
        return self._addresses[address] > most and not is_among(address, self._trusted)

    def _make_room(self, address: str) -> None:
        """Let go of who has been waiting longest, of this address if one is given."""
        for connection in self._watched:
            if address in {"", connection.address}:
                self._drop(connection)
                return

    def _await_request(self, connection: Connection) -> None:
        connection.state = "reading"
        connection.deadline = time.monotonic() + self.cfg.keepalive
        self._watch(connection, selectors.EVENT_READ, self._on_readable)
        if connection.began:  # it was sent together with the one before
            self._proceed(connection)

    def _watch(self, connection: Connection, event: int, callback: Any) -> None:
        self._watched[connection] = None
        self.poller.register(connection.raw, event, partial(callback, connection))

    def _unwatch(self, connection: Connection) -> None:
        if connection in self._watched:
            del self._watched[connection]
            self.poller.unregister(connection.raw)

    def _drop(self, connection: Connection) -> None:
        self._unwatch(connection)
        self.nr_conns -= 1
        self._addresses -= Counter([connection.address])
        connection.end()

    def _on_readable(self, connection: Connection, _: Any) -> None:
        try:
            there = connection.read()
        except OSError:
            there = False
        if there:
            self._proceed(connection)
        else:
            self._drop(connection)

    def _proceed(self, connection: Connection) -> None:
        """Let the request be answered if it is whole."""
        try:
            if connection.complete(self._trusted):
                self._unwatch(connection)
                connection.state = "working"
                self._turns.add(connection)
                self._begin_what_may()
        except incoming.TooLong:
            self._refuse(connection, 431)
        except incoming.NoLength:
            self._refuse(connection, 411)
        except OSError:
            self._drop(connection)

    def _begin_what_may(self) -> None:
        for connection in self._turns.take():
            self.enqueue_req(connection)

    def handle(self, conn: Connection) -> Any:
        """Answer a request, in a thread of the pool."""
        conn.init()
        conn.parser.unreader.unread(conn.request)
        conn.request = b""
        return super().handle(conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer what cannot be read as a request, or failed before the application answered."""
        status = next((status for kind, status in _STATUS if isinstance(exc, kind)), 500)
        if status == 500:
            self.log.error("Error handling request", exc_info=exc)
        else:
            self.log.warning("Invalid request from %s: %s", (addr or ("",))[0], status)
        client.sendall(refusal(status))

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """Called in the first thread when an answer is made."""
        self._turns.done(conn)
        answered = not fs.cancelled() and fs.exception() is None
        whole = answered and not conn.parser.unreader.buf.getvalue()
        conn.keep = bool(whole and fs.result() and not conn.last)
        if conn.sock.waiting:
            conn.begin_to_send()
            self._watch(conn, selectors.EVENT_WRITE, self._on_writable)
        else:
            self._go_on(conn)
        self._begin_what_may()

    def _on_writable(self, connection: Connection, _: Any) -> None:
        try:
            if connection.send():
                self._unwatch(connection)
                self._go_on(connection)
        except OSError:
            self._drop(connection)

    def _go_on(self, connection: Connection) -> None:
        if connection.keep:
            self._await_request(connection)
        else:
            self._close_gently(connection)

    def _refuse(self, connection: Connection, status: int) -> None:
        self._unwatch(connection)
        try:
            connection.sock.sendall(refusal(status))
        except OSError:
            self._drop(connection)
            return
        self._close_gently(connection)

    def _close_gently(self, connection: Connection) -> None:
        """Without that, what was answered could be lost where the client still sends."""
        try:
            connection.begin_to_close()
            self._watch(connection, selectors.EVENT_READ, self._on_more)
        except OSError:
            self._drop(connection)

    def _on_more(self, connection: Connection, _: Any) -> None:
        try:
            over = connection.discard()
        except OSError:
            over = True
        if over:
            self._drop(connection)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Called over and over in the first thread; often while it stops."""
        super().wait_for_and_dispatch_events(timeout if self.alive else _SWEEP_SECONDS)

    def murder_pending(self) -> None:
        """Let go of whoever has had their time. Called after each wait for events."""
        now = time.monotonic()
        if now < self._swept + _SWEEP_SECONDS:
            return
        self._swept = now
        for connection in [each for each in self._watched if each.deadline < now]:
            if connection.state == "reading" and connection.began:
                self._refuse(connection, 408)
            else:
                self._drop(connection)
        self._hold_less()

    def _hold_less(self) -> None:
        """Let go of whoever has sent most of a request and not its end, where that is too much."""
        too_much = sum(each.held for each in self._watched) - MOST_HELD
        for connection in sorted(self._watched, key=lambda each: -each.held):
            if too_much <= 0:
                return
            too_much -= connection.held
            self._drop(connection)

    def murder_keepalived(self, force: bool = False) -> None:
        """Let go of everybody, at the end."""
        if force:
            for connection in list(self._watched):
                self._drop(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        """The worker stops: whoever asks nothing need not be waited for long."""
        for connection in self._watched:
            if connection.state == "reading":
                connection.deadline = min(connection.deadline, deadline)
