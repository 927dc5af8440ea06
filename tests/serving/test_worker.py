"""A real gunicorn with our worker, and clients that are slow, rude, many, or gone."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from scripts.own_console import ROOT, free_port
from tests.serving.application import BIG

# A client waits for so long at most; threads that were held would be held for longer
# (REQUEST_SECONDS in gunicorn_conf.py).
PATIENCE = 60.0


class Server:
    """gunicorn at a port of its own."""

    def __init__(self, **environment: str) -> None:
        self.port = free_port()
        kept = {name: text for name, text in os.environ.items() if not name.startswith("ENCANTE_")}
        place = {"BIND": f"127.0.0.1:{self.port}"}
        command = [sys.executable, "-m", "gunicorn", "--config", "tests/serving/gunicorn_conf.py"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=kept | place | environment)
        end = time.monotonic() + 60
        while not self.answers():
            assert time.monotonic() < end
            time.sleep(0.05)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def answers(self) -> bool:
        try:
            return b"GET / 0" in self.ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        except OSError:
            return False

    def ask(self, text: bytes) -> bytes:
        """All that is answered until the connection is closed."""
        with self.connect() as client:
            client.sendall(text)
            return everything(client)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE)


def everything(client: socket.socket) -> bytes:
    received = b""
    while piece := client.recv(1_000_000):
        received += piece
    return received


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def hasty() -> Iterator[Server]:
    """One that waits a second for a request."""
    server = Server(REQUEST_SECONDS="1")
    yield server
    assert server.stop() == 0


def drip(client: socket.socket) -> None:
    """A byte now and then, for ten seconds."""
    for _ in range(200):
        client.sendall(b"x")
        time.sleep(0.05)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_requests_follow_each_other_on_a_connection_however_they_are_cut(server: Server) -> None:
    text = (
        b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345"
        b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n"
        b"POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n12"
    )
    for cut in (1, 7, 40, len(text)):
        with server.connect() as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for start in range(0, len(text), cut):
                client.sendall(text[start : start + cut])
            answer = everything(client)
        told = [line for line in answer.split(b"\r\n") if line.startswith((b"POST", b"GET"))]
        found = b"".join(told)
        assert b"POST /a 5" in found
        assert b"GET /b 0" in found
        assert found.endswith(b"POST /c 2")


@pytest.mark.parametrize("dripped", ["head", "body", "nothing"])
def test_two_hundred_slow_clients_hold_nobody_up(server: Server, dripped: str) -> None:
    begun = {
        "head": b"GET /a HTTP/1.1\r\nHost: a\r\nX-Slow: ",
        "body": b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n1",
        "nothing": b"",
    }[dripped]
    with ExitStack() as stack:
        slow = [stack.enter_context(server.connect()) for _ in range(200)]
        for client in slow:
            client.sendall(begun)
        for _ in range(20):
            for client in slow[::10]:
                client.sendall(b"x" if begun else b"")
            assert server.answers()
        if dripped == "head":  # and they are answered when they come to an end
            slow[-1].sendall(b"\r\nConnection: close\r\n\r\n")
            assert b"GET /a 0" in everything(slow[-1])


def test_slow_readers_of_long_answers_hold_nobody_up(server: Server) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(server.connect()) for _ in range(12)]
        for client in slow:  # three times as many as there are threads
            client.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert client.recv(10)
        for _ in range(5):
            assert server.answers()
        for client in slow[:3]:  # whoever goes on reading gets all of it
            received = b"1" * 10 + everything(client)
            assert len(received.partition(b"\r\n\r\n")[2]) == BIG


def test_a_reader_that_goes_away_harms_nobody(server: Server) -> None:
    for _ in range(8):
        with server.connect() as client:
            client.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            client.recv(10)
    assert server.answers()


def test_an_answer_that_fails_half_way_to_a_slow_reader_harms_nobody(server: Server) -> None:
    ask = b"GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    before = server.ask(ask)
    with server.connect() as client:
        client.sendall(b"GET /half HTTP/1.1\r\nHost: a\r\n\r\n")
        client.recv(10)
        time.sleep(1)
        got = everything(client)
    assert BIG / 3 < len(got) < BIG, "what there was of it came, and then the end"
    assert server.ask(ask).partition(b"\r\n\r\n")[2] == before.partition(b"\r\n\r\n")[2]


def test_a_request_that_does_not_end_in_time_is_ended(hasty: Server) -> None:
    answer = hasty.ask(b"GET /a HTTP/1.1\r\nHost: a\r\n")
    assert status(answer) == 408
    body = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1"
    assert status(hasty.ask(body)) == 408
    assert hasty.ask(b"") == b""  # who says nothing is told nothing


def test_dripping_does_not_buy_time(hasty: Server) -> None:
    with hasty.connect() as client:
        client.sendall(b"GET /a HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        with pytest.raises(OSError):  # noqa: PT011  # reset or broken, as it happens
            drip(client)


def test_clients_beyond_what_an_address_may_have_take_the_place_of_the_oldest(
    server: Server,
) -> None:
    with ExitStack() as stack:
        many = [stack.enter_context(server.connect()) for _ in range(400)]
        many[-1].sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b"GET / 0" in everything(many[-1])
        assert server.answers()
        assert many[0].recv(10) == b""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12", 400),
        (b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n1", 400),
        (
            b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
            400,
        ),
        (b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length : 4\r\n\r\n1234", 400),
        (b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\n1234", 400),
        (b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\n1234", 400),
        (b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n1234", 400),
        (b"GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 1.1.1.1\r\nBad Name: 1\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nHost: a\r\n folded: 1\r\n\r\n", 400),
        (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET /a HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"GET /a HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 101 + b"\r\n", 431),
        (b"GET /a HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000, 431),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (b"GET /bad-header HTTP/1.1\r\nHost: a\r\n\r\n", 500),
        (b"GET /wrong HTTP/1.1\r\nHost: a\r\n\r\n", 500),
    ],
)
def test_what_is_odd_is_refused_and_nothing_after_it_is_read(
    server: Server, text: bytes, expected: int
) -> None:
    answer = server.ask(text + b"GET /after HTTP/1.1\r\nHost: a\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status(answer) == expected
    assert b"HTTP/1.1" not in body
    assert b"smuggled" not in answer
    assert b"/after" not in answer
    assert b"Content-Security-Policy: default-src 'none'" in head
    assert b"X-Content-Type-Options: nosniff" in head
    assert b"Traceback" not in answer


def test_an_upgrade_is_not_taken_up(server: Server) -> None:
    for protocol in (b"h2c", b"websocket"):
        answer = server.ask(
            b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            b"HTTP2-Settings: AAMAAABkAAQAAP__\r\nUpgrade: " + protocol + b"\r\n\r\n"
        )
        assert status(answer) == 200


def test_a_body_that_is_too_large_is_not_waited_for_and_the_answer_arrives(server: Server) -> None:
    head = b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n"
    with server.connect() as client:
        client.sendall(head + b"x" * 2_000_000)
        assert b"not read" in everything(client)


def test_requests_that_do_not_end_take_only_so_much_memory() -> None:
    server = Server(MOST_HELD="10000000")
    begun = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
    with ExitStack() as stack:
        modest = stack.enter_context(server.connect())
        modest.sendall(begun + b"x" * 500_000)
        greedy = [stack.enter_context(server.connect()) for _ in range(12)]
        for client in greedy:
            client.sendall(begun + b"x" * 900_000)
        let_go, _, _ = select.select(greedy, [], [], PATIENCE)
        assert let_go
        modest.sendall(b"x" * 500_000)
        answer = b""
        while b"POST /a 1000000" not in answer:  # it may come in pieces
            piece = modest.recv(1000)
            assert piece, answer
            answer += piece
        gone = 0
        for client in greedy:
            client.settimeout(0.01)
            try:
                gone += client.recv(10) == b""
            except ConnectionResetError:
                gone += 1
            except TimeoutError:
                pass
        assert 1 <= gone <= 4
    assert server.stop() == 0


def test_who_asks_before_sending_is_told_to_go_on(server: Server) -> None:
    with server.connect() as client:
        client.sendall(
            b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
            b"Connection: close\r\n\r\n"
        )
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"123")
        assert b"POST /a 3" in everything(client)


def test_requests_under_way_are_answered_while_it_stops() -> None:
    server = Server()
    with server.connect() as client, server.connect() as idle:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert idle.recv(10)
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        server.ask(b"GET /slow-begun HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert server.stop() == 0
        assert b"GET /slow 0" in everything(client)
