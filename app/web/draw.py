"""What stands in a cell, as HTML.

Plain functions and plain strings, because a list draws five hundred cells: a Jinja macro, or one
``Markup``, costs more than all the rest of a cell. What leaves this file for a template is
``Markup``; a ``str`` that is returned here is HTML too, and says so.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from flask import Flask
from markupsafe import Markup

from app.resources.spec import Cell, Column, Row
from app.web.context import static_url, url_for_id

Names = Callable[[str, str], str]
NONE = '<span class="none">–</span>'
MOST_IDS = 3
MOST_TAGS = 2
_REMEMBERED = 8192  # texts; a list is polled again and again, and ids stand in it several times


def no_names(kind: str, resource_id: str) -> str:
    """Nobody's name is known."""
    return ""


def safe(made: str) -> Markup:
    """HTML that was made here, of what was escaped, for a template."""
    return Markup(made)  # noqa: S704  # nosec B704


@lru_cache(_REMEMBERED)
def esc(text: str) -> str:
    """A text as HTML."""
    return html.escape(text)


@lru_cache(_REMEMBERED)
def href(kind: str, resource_id: str) -> str:
    """The address of a resource's page, as HTML."""
    return html.escape(url_for_id(kind, resource_id))


@lru_cache
def icon(name: str) -> str:
    """A symbol of icons.svg, as HTML."""
    file = static_url("icons.svg")
    return f'<svg class="icon" aria-hidden="true"><use href="{file}#{name}"/></svg>'


def badge(word: str, look: str) -> str:
    """A state as icon and word, as HTML; ``look`` is its class."""
    return f'<span class="state {look}">{icon(look)}<span>{esc(word or "unknown")}</span></span>'


def time(value: datetime | str | None, full: bool = False) -> str:
    """A moment, as HTML: UTC as text, made relative by a script; ``full``: it stays so."""
    if not value:
        return NONE
    iso = value if isinstance(value, str) else value.isoformat()
    mark = " data-full" if full else ""
    return f'<time datetime="{esc(iso)}"{mark}>{esc(f"{iso[:10]} {iso[11:16]}")} UTC</time>'


def id_link(kind: str, resource_id: str, names: Names = no_names) -> str:
    """A link to a resource by its id, its name beside it where that is known; as HTML.

    Of an ARN the last part is shown, which is the name.
    """
    shown, title, beside = esc(resource_id), "", ""
    if not kind:
        return f'<span class="nowrap">{shown}</span>'
    if resource_id.startswith("arn:"):
        title = f' title="{shown}"'
        shown = esc(resource_id.rpartition(":")[2])
    elif (name := names(kind, resource_id)) and name != resource_id:
        beside = f' <span class="muted">{esc(name)}</span>'
    link = f'<a href="{href(kind, resource_id)}"{title}><span class="nowrap">{shown}</span></a>'
    return link + beside


def tag_chips(tags: Mapping[str, str]) -> str:
    """A row's first tags, and how many more there are; as HTML."""
    if not tags:
        return NONE
    chips = []
    for key, value in list(tags.items())[:MOST_TAGS]:
        said = esc(f"{key} = {value}")
        chips.append(f'<span class="chip" title="{said}"><span>{said}</span></span>')
    if len(tags) > MOST_TAGS:
        chips.append(f'<span class="chip">+{len(tags) - MOST_TAGS}</span>')
    return f'<span class="chips">{"".join(chips)}</span>'


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) else esc(str(value))


def _state(row: Row, column: Column, value: Any, names: Names, full: bool) -> str:
    return badge(row.state, row.state_class) if value == row.state else badge(str(value), "off")


def _percent(row: Row, column: Column, value: Any, names: Names, full: bool) -> str:
    percent = str(value).replace("%", "")
    bar = ""
    if row.state_class == "changing":
        done = int(percent) if percent.isdecimal() else 0
        bar = f'<progress max="100" value="{done}" aria-label="{esc(column.title)}"></progress> '
    return f'<span class="nowrap">{bar}{esc(percent)}%</span>'


def _ids(row: Row, column: Column, value: Any, names: Names, full: bool) -> str:
    shown = value if full else value[:MOST_IDS]
    links = ", ".join([id_link(column.of, one, names) for one in shown])
    left = len(value) - len(shown)
    return f'{links} <span class="muted">+{left}</span>' if left else links


def _time(row: Row, column: Column, value: Any, names: Names, full: bool) -> str:
    beside = f' <span class="muted">({time(value, True)})</span>' if full else ""
    return time(value) + beside


_DRAWN: Mapping[Cell, Callable[[Row, Column, Any, Names, bool], str]] = {
    "state": _state,
    "percent": _percent,
    "ids": _ids,
    "time": _time,
    "id": lambda row, column, value, names, full: id_link(column.of, value, names),
    "tags": lambda row, column, value, names, full: tag_chips(value),
    "size": lambda row, column, value, names, full: (
        f'<span class="nowrap">{_number(value)} GiB</span>'
    ),
    "number": lambda row, column, value, names, full: _number(value),
    "flag": lambda row, column, value, names, full: "Yes" if value else "No",
    "code": lambda row, column, value, names, full: f"<code>{esc(str(value))}</code>",
    "text": lambda row, column, value, names, full: esc(str(value)),
}


def drawn(row: Row, column: Column, value: Any, names: Names, full: bool = False) -> str:
    """A value of a row as its column says, as HTML."""
    if value is None or value in ("", [], {}):
        return NONE
    return _DRAWN[column.cell](row, column, value, names, full)


def cell(row: Row, column: Column, full: bool = False, names: Names = no_names) -> Markup:
    """One cell of a row, drawn as its column says; ``full`` on the resource's own page."""
    value = row.tags if column.cell == "tags" else row.cells.get(column.name)
    return safe(drawn(row, column, value, names, full))


def _any_badge(state: Row | str, state_class: str = "") -> Markup:
    if isinstance(state, str):
        return safe(badge(state, state_class or "off"))
    return safe(badge(state.state, state.state_class))


def register(app: Flask) -> None:
    """What the macros of ``ui.html`` call."""
    app.jinja_env.globals.update(
        draw_icon=lambda name: safe(icon(name)),
        draw_badge=_any_badge,
        draw_time=lambda value, full: safe(time(value, full)),
        draw_id_link=lambda kind, resource_id, names: safe(id_link(kind, resource_id, names)),
        draw_tags=lambda tags: safe(tag_chips(tags)),
        draw_cell=cell,
        no_names=no_names,
    )
