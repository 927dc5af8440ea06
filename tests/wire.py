"""Servers that misbehave on the wire; one is a proxy on which requests and answers are lost."""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
# What befalls a connection on which a request has come: how the request is forwarded (it gives
# the endpoint's answer), and what becomes of that.
Grief = Callable[[socket.socket, Callable[[], bytes], threading.Event], None]


def none(client: socket.socket, forward: Callable[[], bytes], over: threading.Event) -> None:
    """All is well."""
    client.sendall(forward())


def reset(client: socket.socket, forward: Callable[[], bytes], over: threading.Event) -> None:
    """The connection breaks before the request has reached the endpoint."""
    break_off(client)


def cut(client: socket.socket, forward: Callable[[], bytes], over: threading.Event) -> None:
    """The deed is done, and the connection breaks before the answer is back."""
    forward()
    break_off(client)


def cut_short(client: socket.socket, forward: Callable[[], bytes], over: threading.Event) -> None:
    """The deed is done, and half of the answer gets through."""
    answer = forward()
    head, _, body = answer.partition(b"\r\n\r\n")
    client.sendall(head + b"\r\n\r\n" + body[: len(body) // 2])
    break_off(client)


def hang(client: socket.socket, forward: Callable[[], bytes], over: threading.Event) -> None:
    """The request gets nowhere, and nobody says so."""
    over.wait(30)


def hang_after(client: socket.socket, forward: Callable[[], bytes], over: threading.Event) -> None:
    """The deed is done, and nobody says so."""
    forward()
    over.wait(30)


def slow(client: socket.socket, forward: Callable[[], bytes], over: threading.Event) -> None:
    """The answer comes in drops."""
    answer = forward()
    size = max(1, len(answer) // 20)
    for start in range(0, len(answer), size):
        client.sendall(answer[start : start + size])
        time.sleep(0.01)


def says(status: int, body: str, after: bool = False) -> Grief:
    """Something answers in the endpoint's place; ``after``: when the deed is done."""

    def grief(client: socket.socket, forward: Callable[[], bytes], over: threading.Event) -> None:
        if after:
            forward()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n"
        client.sendall(f"{head}Connection: close\r\n\r\n{body}".encode())

    return grief


class Listener:
    """Serves each connection in a thread of its own while it is entered; ``over`` is set then."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self._clients: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def serve(self, client: socket.socket) -> None:
        """Do what this server does with a connection, which is closed afterwards."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def refuse(self) -> None:
        """From now on nobody listens."""
        # shutdown() wakes accept(), which close() alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over.set()
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)  # ends the wait for a further request
        if self._listener.fileno() >= 0:
            self.refuse()
        self._thread.join()

    def _accept(self) -> None:
        threads = []
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                break
            self._clients.append(client)
            threads.append(threading.Thread(target=self._one, args=(client,), daemon=True))
            threads[-1].start()
        for thread in threads:
            thread.join()

    def _one(self, client: socket.socket) -> None:
        with client:
            self.serve(client)


class Proxy(Listener):
    """Forwards to ``url`` while it is entered.

    ``griefs`` befall the requests that come, in turn; ``always`` all that come after. ``came`` and
    ``forwarded`` are how many there were.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self.griefs: list[Grief] = []
        self.always: Grief = none
        self.came = self.forwarded = 0
        place = url.removeprefix("http://").split(":")
        self._endpoint = (place[0], int(place[1]))
        self._lock = threading.Lock()

    def heal(self) -> None:
        """Nothing befalls anything any more; counts anew."""
        self.griefs, self.always = [], none
        self.came = self.forwarded = 0

    def serve(self, client: socket.socket) -> None:
        """Let something befall each request of a connection."""
        while request := read(client):
            with self._lock:
                self.came += 1
                grief = self.griefs.pop(0) if self.griefs else self.always
            try:
                grief(client, lambda: self._forward(request), self.over)
            except OSError:
                return  # the client has gone meanwhile
            if grief is not none and grief is not slow:
                return

    def _forward(self, request: bytes) -> bytes:
        with self._lock:
            self.forwarded += 1
        with socket.create_connection(self._endpoint) as endpoint:
            endpoint.sendall(request)
            return read(endpoint)


def break_off(connection: socket.socket) -> None:
    """Have the connection break when it is closed."""
    # Lingering for zero seconds makes close() send RST.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def read(connection: socket.socket) -> bytes:
    """A whole request or answer; empty when the connection has ended."""
    received = b""
    while True:
        head, found, body = received.partition(b"\r\n\r\n")
        length = int(match[1]) if (match := _LENGTH.search(head)) else 0
        if found and len(body) >= length:
            return received
        try:
            more = connection.recv(65536)
        except OSError:
            return b""
        if not more:
            return b""
        received += more
