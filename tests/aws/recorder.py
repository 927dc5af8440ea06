"""A fake AWS endpoint on loopback that keeps what it was sent, and answers as it is told."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Request:
    """One request as AWS would understand it: parameters decoded, what varies left out."""

    service: str
    region: str
    operation: str
    parameters: dict[str, Any]
    access_key: str = field(compare=False, default="")


@dataclass(frozen=True)
class Reply:
    """What to answer: a status and a body, XML unless it begins with a brace."""

    status: int = 200
    body: str = ""


Answer = Callable[[Request], Reply]


def success(request: Request) -> Reply:
    """An empty answer in the service's own form."""
    if request.service in {"events", "sqs"}:
        return Reply(200, "{}")
    name = request.operation
    if request.service == "ec2":
        return Reply(200, f"<{name}Response><requestId>r-1</requestId></{name}Response>")
    meta = "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>"
    return Reply(200, f"<{name}Response><{name}Result/>{meta}</{name}Response>")


def ec2_error(code: str, message: str = "said the endpoint", status: int = 400) -> Reply:
    """EC2's form of an error."""
    return Reply(
        status,
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        "</Errors><RequestID>r-9</RequestID></Response>",
    )


class Recorder:
    """Serves while it is entered (``with``); ``requests`` is what came, in order."""

    def __init__(self, answer: Answer = success) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def taken(self) -> list[Request]:
        """What came since the last time."""
        with self._lock:
            taken, self.requests = self.requests, []
        return taken

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(recorder) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one packet an answer: two would wait 40 ms for each other

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                request = _understood(dict(self.headers.items()), body)
                with recorder._lock:
                    recorder.requests.append(request)
                reply = recorder.answer(request)
                sent = reply.body.encode()
                self.send_response(reply.status)
                kind = "application/x-amz-json-1.0" if sent[:1] == b"{" else "text/xml"
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        return Handler


def _understood(headers: dict[str, str], body: bytes) -> Request:
    signed = re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/", headers.get("Authorization", ""))
    key, region, service = signed.groups() if signed else ("", "", "")
    if "X-Amz-Target" in headers:
        operation = headers["X-Amz-Target"].partition(".")[2]
        return Request(service, region, operation, json.loads(body), key)
    parameters: dict[str, Any] = dict(
        parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)
    )
    parameters.pop("Version")
    return Request(service, region, parameters.pop("Action"), parameters, key)
