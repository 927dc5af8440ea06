"""How often one session and one address may ask: far more than people do, far less than programs.

Counted in this process, over the last minute.
"""

from __future__ import annotations

import math
import time
from typing import cast

from flask import Flask, current_app, make_response, request
from flask.typing import ResponseReturnValue
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from app.house import House
from app.people.tokens import digest
from app.settings import Settings
from app.settings.wire import network_of
from app.web import health, polls, recording
from app.web.errors import page

_EXTENSION = "encante_rates"
# Several people may come from one address.
ADDRESS_TIMES = 5
# An export reads everything, and what a form would do is asked of AWS.
_EXPORT, _FORM, _PAGE = 20, 3, 1


class Rates:
    """Counts what each session and each address asks."""

    def __init__(self, settings: Settings) -> None:
        self._cookie = settings.cookie("session")
        self._session = RateLimitItemPerMinute(settings.requests_per_minute)
        self._address = RateLimitItemPerMinute(settings.requests_per_minute * ADDRESS_TIMES)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def seconds_to_wait(self) -> int:
        """Count this request; 0, or after how many seconds to ask again if it was one too many."""
        cost = _cost()
        for item, key in self._keys():
            if not self._limiter.hit(item, key, cost=cost):
                ends = self._limiter.get_window_stats(item, key).reset_time
                return max(1, math.ceil(ends - time.time()))
        return 0

    def _keys(self) -> list[tuple[RateLimitItem, str]]:
        address = network_of(request.remote_addr or "")
        keys: list[tuple[RateLimitItem, str]] = [(self._address, address)]
        if token := request.cookies.get(self._cookie):
            keys.append((self._session, digest(token)))
        return keys


def _cost() -> int:
    endpoint = request.endpoint or ""
    if endpoint.endswith(("_csv", "_json")):
        return _EXPORT
    return _FORM if request.method == "POST" else _PAGE


def _check() -> ResponseReturnValue | None:
    if request.endpoint == "static" or request.endpoint in health.PROBES:
        return None
    seconds = cast(Rates, current_app.extensions[_EXTENSION]).seconds_to_wait()
    if not seconds:
        return None
    recording.refused("Ask so often", "rate")
    text = "So many requests came from you within a minute that this one was not looked at."
    advice = f"Wait {seconds} s, and try again. ENCANTE_REQUESTS_PER_MINUTE says how many may come."
    response = make_response(page(429, "Too much at once", text, advice))
    response.headers["Retry-After"] = str(seconds)
    if polls.is_poll():
        response.headers["HX-Reswap"] = "none"  # what stands there stays, and asks again
    return response


def register(app: Flask) -> None:
    """Count every request, unless the settings say not to."""
    settings = cast(House, app.extensions["encante"]).settings
    if settings.requests_per_minute:
        app.extensions[_EXTENSION] = Rates(settings)
        app.before_request(_check)
