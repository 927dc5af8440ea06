"""Structured logs to standard error."""

from __future__ import annotations

import logging
import re
import sys
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

_SHARED: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
# control characters but tabs and line ends, and what turns the direction of writing
_ORDERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Patient:
    """A stream that a line may be lost on, as on a full disk, but nothing else with it.

    There is nobody left to be told; and what is logged of must go on.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write, if that is possible."""
        with suppress(OSError, ValueError):  # ValueError: it is closed
            self._stream.write(text)

    def flush(self) -> None:
        """Flush, if that is possible."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def configure(log_format: str) -> None:
    """Make structlog write a line per event: readable (``console``) or as JSON (``json``).

    With ``json`` the warnings of the libraries are such lines too.
    """
    renderers: list[Any] = (
        [structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [_short, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *_SHARED, *renderers],
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, Patient(sys.stderr))),
        cache_logger_on_first_use=False,
    )
    if log_format == "json":
        handler = logging.StreamHandler()
        handler.setFormatter(json_formatter())
        logging.basicConfig(handlers=[handler], level=logging.WARNING)


def _short(logger: object, method: str, values: dict[str, Any]) -> dict[str, Any]:
    # what a person reads does without the whole of a record of the audit log
    values.pop("record", None)
    return {name: _harmless(value) for name, value in values.items()}


def _harmless(value: Any) -> Any:
    """A text without what a terminal takes for orders: anybody may have sent it."""
    if not isinstance(value, str):
        return value
    return _ORDERS.sub(lambda found: found[0].encode("unicode_escape").decode(), value)


def json_formatter() -> logging.Formatter:
    """Writes what others log by Python's own ``logging`` as we write our events."""
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *_SHARED],
    )
