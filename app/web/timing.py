"""How long an answer took inside the server, told in its ``Server-Timing`` header."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Timed:
    """A WSGI application around ``application``.

    The time is that from the call to the answer's head: of a page all of it, rendering and
    compression included; of a streamed export that until its first line.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        begun = time.perf_counter()

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            taken = (time.perf_counter() - begun) * 1000
            return start_response(
                status, [*headers, ("Server-Timing", f"app;dur={taken:.2f}")], *rest
            )

        return self._application(environ, start)
