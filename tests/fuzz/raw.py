"""Requests exactly as they are meant, without a client that would mend them first."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from http.cookies import CookieError, SimpleCookie
from typing import Any

from flask import Flask, got_request_exception
from werkzeug.test import run_wsgi_app

HOST = "127.0.0.1:8080"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Request:
    """What is sent. ``path`` is decoded (latin-1, as WSGI has it), ``query`` is not."""

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __str__(self) -> str:
        lines = [f"{self.method} {self.path!r} ?{self.query!r}"]
        lines += [f"    {name}: {value!r}" for name, value in self.headers]
        return "\n".join([*lines, f"    {self.body[:3000]!r}" if self.body else ""]).rstrip()

    def having(self, name: str, value: str) -> Request:
        """The same with a header set."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))


@dataclass(frozen=True)
class Answer:
    """What came back; ``fault`` is the exception that nobody had expected, if there was one."""

    status: int
    headers: dict[str, str]
    body: bytes
    fault: BaseException | None = None

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def is_html(self) -> bool:
        """Whether a browser would take it for a page."""
        return self.headers.get("content-type", "").startswith("text/html")


@dataclass
class Client:
    """Somebody with cookies, at an address of their own."""

    app: Flask
    address: str = "127.0.0.1"
    cookies: dict[str, str] = field(default_factory=dict)

    def send(self, request: Request) -> Answer:
        """Send it as it is, with the cookies unless it brings its own."""
        faults: list[BaseException] = []

        def note(_: Flask, exception: BaseException, **__: Any) -> None:
            faults.append(exception)

        with got_request_exception.connected_to(note, self.app):
            body, status, headers = run_wsgi_app(self.app.wsgi_app, self.environ(request), True)
            content = b"".join(body)
            if hasattr(body, "close"):
                body.close()
        told = {name.lower(): value for name, value in headers}
        for value in headers.getlist("Set-Cookie"):
            self._take(value)
        return Answer(int(status.split()[0]), told, content, faults[-1] if faults else None)

    def environ(self, request: Request) -> dict[str, Any]:
        """What WSGI is given for a request of this client."""
        own = {f"HTTP_{_name(name)}": value for name, value in request.headers}
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
            "RAW_URI": f"{request.path}?{request.query}",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8080",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.address,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
            "HTTP_HOST": HOST,
            "HTTP_COOKIE": cookies,
            "CONTENT_LENGTH": str(len(request.body)) if request.body else "",
        } | own
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if f"HTTP_{name}" in environ:
                environ[name] = environ.pop(f"HTTP_{name}")
        return environ

    def _take(self, header: str) -> None:
        try:
            found = SimpleCookie(header)
        except CookieError:
            return
        for name, morsel in found.items():
            if morsel["max-age"] == "0" or not morsel.value:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.coded_value


def _name(header: str) -> str:
    return header.upper().replace("-", "_")
