"""Which AWS calls the sandbox has had: for tests that count them."""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import Any

from app.sandbox import clock
from app.sandbox.wire import Request

KEPT = 1000


class Calls:
    """Counters by operation since the last reset, and the last thousand calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._last: deque[dict[str, str]] = deque(maxlen=KEPT)

    def count(self, request: Request, caller: str = "") -> None:
        """Note one call of ``caller`` (an ARN), answered, refused or made to fail then."""
        entry = {
            "time": clock.now().isoformat(timespec="milliseconds"),
            "service": request.service,
            "operation": request.operation,
            "account": request.account_id,
            "region": request.region,
            "caller": caller,
        }
        with self._lock:
            self._counts[request.operation] += 1
            self._last.append(entry)

    def report(self, last: int = 20) -> dict[str, Any]:
        """`total`, `by_operation`, and the `last` so many calls, oldest first."""
        with self._lock:
            return {
                "total": self._counts.total(),
                "by_operation": dict(sorted(self._counts.items())),
                "last": list(self._last)[-last:] if last else [],
            }

    def reset(self) -> None:
        """Begin counting anew."""
        with self._lock:
            self._counts.clear()
            self._last.clear()
