"""A server that misbehaves on the wire, and counts what reached it."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType

Behaviour = Callable[[socket.socket, "Wire"], None]


def reset(connection: socket.socket, wire: Wire) -> None:
    """Break the connection after the request has been read."""
    # Lingering for zero seconds makes close() send RST.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close(connection: socket.socket, wire: Wire) -> None:
    """Close the connection in good order, without an answer."""


def hang(connection: socket.socket, wire: Wire) -> None:
    """Say nothing until the test is over."""
    wire.over.wait(30)


def answer(status: int, body: str, content_type: str = "text/xml") -> Behaviour:
    """Answer every request alike."""

    def send(connection: socket.socket, wire: Wire) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nConnection: close\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())

    return send


class Wire:
    """Serves while it is entered; does ``behaviours`` in turn, the last of them for all the rest.

    ``attempts`` is how many whole requests came.
    """

    def __init__(self, *behaviours: Behaviour) -> None:
        self.attempts = 0
        self.over = threading.Event()
        self._behaviours = list(behaviours)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def stop_listening(self) -> None:
        """From now on connections are refused."""
        # shutdown() wakes accept(), which close() alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self) -> Wire:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over.set()
        if self._listener.fileno() >= 0:
            self.stop_listening()
        self._thread.join()

    def _serve(self) -> None:
        threads = []
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                break
            threads.append(threading.Thread(target=self._one, args=(connection,), daemon=True))
            threads[-1].start()
        for thread in threads:
            thread.join()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            if not _read_request(connection):
                return
            self.attempts += 1
            number = min(self.attempts, len(self._behaviours)) - 1
            self._behaviours[number](connection, self)


def _read_request(connection: socket.socket) -> bool:
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            return False
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: (\d+)", head)
    missing = int(found[1]) - len(body) if found else 0
    while missing > 0:
        missing -= len(connection.recv(65536))
    return True
