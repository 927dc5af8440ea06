"""The sandbox's own pages under `/_sandbox/`: faults, counters, clock, mailbox. All JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from app.sandbox import account, clock, wire
from app.sandbox.calls import KEPT, Calls
from app.sandbox.faults import FaultError, Faults
from app.sandbox.settings import SandboxSettings
from app.sandbox.wire import Answer, Environ

LONGEST_ADVANCE = 400 * 24 * 3600


class ControlError(ValueError):
    """A request to a control page that cannot be done; the message says why."""


class Control:
    """Answers `/_sandbox/*`; the application has already refused web pages and foreign hosts."""

    def __init__(
        self,
        settings: SandboxSettings,
        faults: Faults,
        calls: Calls,
        changed: Callable[[], None],
    ) -> None:
        self.settings = settings
        self.faults = faults
        self.calls = calls
        self.changed = changed

    def answer(self, environ: Environ, body: bytes) -> Answer:
        """The answer to one request: 200 or 201, else 400, 404 or 405 with `{"error": …}`."""
        page = environ["PATH_INFO"].removeprefix("/_sandbox/").rstrip("/")
        pages = {
            "faults": {"GET": self._list, "POST": self._add, "DELETE": self._clear},
            "calls": {"GET": self._calls, "DELETE": self._reset_calls},
            "clock": {"GET": self._clock, "POST": self._advance},
            "mailbox": {"GET": self._mailbox},
        }
        if page not in pages:
            names = ", ".join(pages)
            return wire.as_json({"error": f"no page {page!r}; there are {names}"}, 404)
        handler = pages[page].get(environ["REQUEST_METHOD"])
        if handler is None:
            return wire.as_json({"error": f"{page} takes {', '.join(pages[page])}"}, 405)
        try:
            return handler(environ, body)
        except (FaultError, ControlError) as problem:
            return wire.as_json({"error": str(problem)}, 400)

    def _list(self, environ: Environ, body: bytes) -> Answer:
        return wire.as_json({"faults": self.faults.list()})

    def _add(self, environ: Environ, body: bytes) -> Answer:
        return wire.as_json(self.faults.add(_json(body)), 201)

    def _clear(self, environ: Environ, body: bytes) -> Answer:
        self.faults.clear()
        return wire.as_json({"faults": []})

    def _calls(self, environ: Environ, body: bytes) -> Answer:
        text = parse_qs(environ.get("QUERY_STRING", "")).get("last", ["20"])[0]
        if not text.isascii() or not text.isdigit() or int(text) > KEPT:
            raise ControlError(f"last: a whole number from 0 to {KEPT} is needed")
        return wire.as_json(self.calls.report(int(text)))

    def _reset_calls(self, environ: Environ, body: bytes) -> Answer:
        self.calls.reset()
        return wire.as_json(self.calls.report())

    def _clock(self, environ: Environ, body: bytes) -> Answer:
        return wire.as_json({"now": clock.now().isoformat()})

    def _advance(self, environ: Environ, body: bytes) -> Answer:
        asked = _json(body)
        seconds = asked.get("advance") if isinstance(asked, dict) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ControlError('advance: a number of seconds is needed, e.g. {"advance": 60}')
        if not 0 <= seconds <= LONGEST_ADVANCE:
            raise ControlError(f"advance: from 0 to {LONGEST_ADVANCE} seconds")
        clock.advance(seconds)
        self.changed()
        return self._clock(environ, body)

    def _mailbox(self, environ: Environ, body: bytes) -> Answer:
        mails: list[dict[str, Any]] = []
        with account.LOCK:
            for account_id in self.settings.all_accounts:
                for sns in account.backends("sns")[account_id].values():
                    mails += getattr(sns, "_encante_mailbox", [])
        return wire.as_json({"mails": sorted(mails, key=lambda mail: mail["time"])})


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as problem:
        raise ControlError(f"the body is not JSON: {problem}") from None
