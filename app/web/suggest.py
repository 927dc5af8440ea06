"""What a list's filter bar offers while one types: keys, operators, values with their counts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, islice

from flask import Flask, abort, current_app, request
from flask.typing import ResponseReturnValue

from app.inventory import keys
from app.inventory.entry import clean
from app.inventory.filters import MAX_LENGTH, Expression, FilterError, parse, quote
from app.inventory.keys import TAG, Sort
from app.inventory.suggest import Spot, spot
from app.inventory.tokens import quote_tag
from app.resources import BY_SLUG
from app.resources.spec import Resource
from app.web.context import inventory

MOST = 12
_VALUE_LENGTH = 200  # longer ones are better typed in part, with : (contains)
_NOT_PLAIN = re.compile(r"[()]|\b(or|not)\b", re.IGNORECASE)
_HOLDS = {"text": "text", "number": "number", "time": "date or age", "flag": "yes or no"}
_OPERATORS: dict[Sort, tuple[tuple[str, str], ...]] = {
    "text": (
        ("=", "is"),
        ("!=", "is not"),
        (":", "contains"),
        ("^", "starts with"),
    ),
    "number": (
        ("=", "is"),
        ("!=", "is not"),
        (">", "more than"),
        (">=", "at least"),
        ("<", "less than"),
        ("<=", "at most"),
    ),
    "time": (
        ("<", "younger than an age, or before a date"),
        (">", "older than an age, or after a date"),
        ("=", "on a day, in a month, within a minute"),
        ("!=", "not then"),
    ),
    "flag": (("=", "is"), ("!=", "is not")),
}
_AGES = (("1h", "an hour"), ("1d", "a day"), ("7d", "a week"), ("30d", "30 days"), ("1y", "a year"))


@dataclass(frozen=True)
class Option:
    """A choice: what it puts in place of what is typed, how it is shown, and how many have it.

    ``more``: something has to follow it, so that the next choice is offered at once.
    """

    text: str
    label: str
    hint: str = ""
    count: int | None = None
    more: bool = False


def suggest(slug: str) -> ResponseReturnValue:
    """The choices at the cursor, ``at``, of the filter ``q``.

    Places are counted as browsers do, in UTF-16.
    """
    if slug not in BY_SLUG:
        abort(404)
    resource = BY_SLUG[slug]
    text = request.args.get("q", "")[:MAX_LENGTH]
    here = spot(text, _place(text, request.args.get("at", type=int, default=0)), resource)
    options = list(islice(_options(resource, text, here), MOST))
    # Not by render_template: the navigation and its counts are not wanted here.
    return current_app.jinja_env.get_template("suggest.html").render(
        options=options, start=_units(text[: here.start]), end=_units(text[: here.end])
    )


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _place(text: str, units: int) -> int:
    before = text.encode("utf-16-le", "surrogatepass")[: 2 * max(0, units)]
    return len(before.decode("utf-16-le", "ignore"))


def _options(resource: Resource, text: str, here: Spot) -> Iterable[Option]:
    if here.wants == "key":
        typed = clean(here.typed)
        if typed.lower().startswith(TAG):
            return _tags(resource, typed[len(TAG) :].lstrip('"'))
        found = chain(_columns(resource, typed), _conditions(resource, typed))
        return chain(found, _tags(resource, typed) if typed else _any_tag())
    if not here.key:
        return ()
    if here.wants == "operator":
        return _operators(resource, here.key)
    return _values(resource, text, here)


def _columns(resource: Resource, typed: str) -> list[Option]:
    """Those whose name or title begins with what is typed, then those that contain it."""
    part = keys.folded_name(typed)
    found = []
    for place, (name, title) in enumerate(keys.titles(resource).items()):
        forms = (name, keys.folded_name(title))
        if any(part in form for form in forms):
            later = not any(form.startswith(part) for form in forms)
            holds = _HOLDS[keys.sort_of(keys.cell_of(resource, name))]
            hint = holds if keys.folded_name(title) == name else f"{title}: {holds}"
            found.append((later, place, Option(f"{name} ", name, hint, more=True)))
    return [option for _, _, option in sorted(found, key=lambda one: one[:2])]


def _conditions(resource: Resource, typed: str) -> Iterable[Option]:
    """Whole conditions for values of facets that hold what is typed: ``state = running``."""
    if len(typed) < 2:
        return
    for name in ["region", *(column.name for column in resource.columns if column.facet)]:
        for value, count in inventory().values(resource.kind, name, typed, 3):
            if value:
                written = f"{name} = {quote(value)} "
                yield Option(written, written, count=count)


def _tags(resource: Resource, typed: str) -> Iterable[Option]:
    part = typed.casefold()
    held = [
        (not key.casefold().startswith(part), -count, key)
        for key, count in inventory().tag_keys(resource.kind)
        if part in key.casefold() and len(key) <= _VALUE_LENGTH
    ]
    for _, count, key in sorted(held):
        yield Option(f"{quote_tag(key)} ", f"{TAG}{key}", "has this tag", -count, more=True)


def _any_tag() -> Iterable[Option]:
    yield Option(TAG, f"{TAG}…", "a tag, by its key", more=True)


def _operators(resource: Resource, key: str) -> list[Option]:
    sort = keys.sort_of(keys.cell_of(resource, key))
    offered = dict(
        _OPERATORS["text"] + _OPERATORS[sort] if key.startswith(TAG) else _OPERATORS[sort]
    )
    return [Option(f"{sign} ", sign, words, more=True) for sign, words in offered.items()]


def _values(resource: Resource, text: str, here: Spot) -> Iterable[Option]:
    if keys.sort_of(keys.cell_of(resource, here.key)) == "time":
        return _times(here)
    typed, rest = clean(here.typed), _rest(resource, text, here)
    found = inventory().values(resource.kind, here.key, typed, MOST, rest)
    return [
        Option(f"{quote(value)} ", value or "(none)", count=count)
        for value, count in found
        if len(value) <= _VALUE_LENGTH
    ]


def _rest(resource: Resource, text: str, here: Spot) -> Expression | None:
    """What else must hold, so that values are offered that fit with it; None where that is not
    plain: the conditions are not simply side by side.
    """
    rest = f"{text[: here.begins]} {text[here.end :]}"
    if _NOT_PLAIN.search(rest):
        return None
    try:
        return parse(rest, resource, inventory().now())
    except FilterError:
        return None


def _times(here: Spot) -> list[Option]:
    today = inventory().now().date()
    days = (
        (today.isoformat(), "today"),
        ((today - timedelta(days=1)).isoformat(), "yesterday"),
        (today.isoformat()[:7], "this month"),
        (today.isoformat()[:4], "this year"),
    )
    ages = () if here.operator in ("=", "!=") else _AGES
    return [
        Option(f"{text} ", text, words)
        for text, words in (*ages, *days)
        if text.startswith(here.typed)
    ]


def register(app: Flask) -> None:
    """One route for all kinds."""
    app.add_url_rule("/suggest/<slug>", "suggest", suggest)
