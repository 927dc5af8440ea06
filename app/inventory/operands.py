"""A key compared with a text: what is a number, a date or an age, and what that asks for."""

from __future__ import annotations

import calendar
import math
import re
from datetime import datetime

from app.inventory.expressions import Between, Contains, Equals, Expression, Not, Starts
from app.inventory.keys import TAG, sort_of
from app.resources.spec import Cell

_AGE = re.compile(r"(\d{1,6})\s*([smhdwy])", re.IGNORECASE | re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?%?", re.IGNORECASE | re.ASCII)
_DATE = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)([T ](?P<minute>\d\d:\d\d)"
    r"(?P<second>:\d\d(?P<part>\.\d{1,6})?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.IGNORECASE | re.ASCII,
)
_FLAGS = {"true": "yes", "false": "no", "yes": "yes", "no": "no"}
_YOUNGER_IS_LATER = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NUMBERS_ARE = "a number, such as 100"
_TIMES_ARE = "a date (2026-11-20, 2026-11, 2026-11-20T10:00) or an age (45m, 12h, 30d, 2w, 1y)"


class Unfit(Exception):
    """The value does not fit the operator; the text says what would."""


def compared(key: str, cell: Cell, operator: str, value: str, now: datetime) -> Expression:
    """What ``key operator value`` asks for. ``cell`` says what the key's values are.

    Raises Unfit.
    """
    if operator == ":":
        return Contains(key, value.casefold())
    if operator == "^":
        return Starts(key, value.casefold())
    if operator in ("=", "!="):
        equal = _equal(key, cell, value)
        return Not(equal) if operator == "!=" else equal
    if sort_of(cell) == "time":
        return _time(key, operator, value, now)
    if sort_of(cell) != "number":
        raise Unfit(f"{key} holds no numbers or dates: use =, !=, : (contains) or ^ (starts with).")
    if not _NUMBER.fullmatch(value) or not math.isfinite(float(value.removesuffix("%"))):
        held = f"the numbers in {key.removeprefix(TAG)!r}" if key.startswith(TAG) else key
        raise Unfit(f"{operator} compares {held} with {_NUMBERS_ARE}.")
    number = float(value.removesuffix("%"))
    return _beyond(key, operator, number, number)


def _equal(key: str, cell: Cell, value: str) -> Expression:
    if sort_of(cell) == "time":
        if _AGE.fullmatch(value):
            raise Unfit(f"An age needs < or >: {key} < {value} is what is younger than that.")
        period = _period(value)
        if period is not None:
            low, high = period
            return Between(key, low, high, True, low == high)
    if sort_of(cell) == "flag":
        value = _FLAGS.get(value.lower(), value)
    if cell == "percent" and value.isdecimal():
        value += "%"  # as AWS writes it
    return Equals(key, value)


def _time(key: str, operator: str, value: str, now: datetime) -> Expression:
    age = _AGE.fullmatch(value)
    if age:
        # From an hour on, what is asked for changes with the minute only, so
        # that a page that is polled asks for the same.
        seconds = int(age.group(1)) * _SECONDS[age.group(2).lower()]
        present = now.replace(second=0, microsecond=0) if seconds >= _SECONDS["h"] else now
        then = present.timestamp() - seconds
        return _beyond(key, _YOUNGER_IS_LATER[operator], then, then)
    period = _period(value)
    if period is None:
        raise Unfit(f"{operator} compares {key} with {_TIMES_ARE}.")
    return _beyond(key, operator, *period)


def _beyond(key: str, operator: str, low: float, high: float) -> Expression:
    """What is before or after the period from ``low`` up to ``high``, a point if they are one."""
    point = low == high
    if operator == ">":
        return Between(key, high, math.inf, not point, False)
    if operator == ">=":
        return Between(key, low, math.inf, True, False)
    if operator == "<":
        return Between(key, -math.inf, low, False, False)
    return Between(key, -math.inf, high, False, point)


def _period(text: str) -> tuple[float, float] | None:
    """The seconds at which a date begins and the next one does; None if it is no date.

    A date without a zone is in UTC. A time with parts of a second is a point.
    """
    match = _DATE.fullmatch(text)
    if not match:
        return None
    given = {name: part or "" for name, part in match.groupdict().items()}
    whole = (
        f"{given['year']}-{given['month'] or '01'}-{given['day'] or '01'}T"
        f"{given['minute'] or '00:00'}{given['second'] or ':00'}"
        f"{given['zone'].upper() or '+00:00'}"
    )
    try:
        begins = datetime.fromisoformat(whole)
    except ValueError:
        return None
    low = begins.timestamp()
    if given["part"]:
        return low, low
    if given["minute"]:
        return low, low + (1 if given["second"] else 60)
    if given["day"]:
        days = 1
    elif given["month"]:
        days = calendar.monthrange(begins.year, begins.month)[1]
    else:
        days = 365 + calendar.isleap(begins.year)
    return low, low + days * _SECONDS["d"]
