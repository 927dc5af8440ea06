"""A server that misbehaves in place of AWS, and counts what reached it."""

from __future__ import annotations

import socket
from collections.abc import Callable

from tests.wire import Listener, break_off, read

Behaviour = Callable[[socket.socket, "Wire"], None]


def reset(connection: socket.socket, wire: Wire) -> None:
    """Break the connection after the request has been read."""
    break_off(connection)


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


class Wire(Listener):
    """Does ``behaviours`` in turn, the last of them for all the rest.

    ``attempts`` is how many whole requests came.
    """

    def __init__(self, *behaviours: Behaviour) -> None:
        super().__init__()
        self.attempts = 0
        self._behaviours = list(behaviours)

    def serve(self, client: socket.socket) -> None:
        """Misbehave at the request of a connection."""
        if not read(client):
            return
        self.attempts += 1
        number = min(self.attempts, len(self._behaviours)) - 1
        self._behaviours[number](client, self)
