"""Every list as JSON and as CSV, with the same query, streamed."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue

from app.inventory import Query
from app.inventory.keys import TAG
from app.resources import RESOURCES
from app.resources.spec import Resource, Row
from app.web.context import inventory

_TOGETHER = 200  # rows
# What a spreadsheet takes for a formula begins so; the wide ones where East Asian text is typed.
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "\0")
_UNSEEN = " \u00a0\u200b\u2060\ufeff"  # what some leave out before they look


def as_json(kind: str) -> ResponseReturnValue:
    """A list as a JSON array of objects. Raises FilterError."""
    resource = RESOURCES[kind]
    rows, _ = _rows(resource)
    return json_answer(record(resource, row) for row in rows)


def as_csv(kind: str) -> ResponseReturnValue:
    """A list as CSV with a head line: the columns that were chosen first, then all others.

    No cell can be a formula. Raises FilterError.
    """
    resource = RESOURCES[kind]
    rows, first = _rows(resource)
    return csv_answer(resource.slug, _csv_lines(resource, rows, first))


def _rows(resource: Resource) -> tuple[Iterator[Row], tuple[str, ...]]:
    known = inventory()
    known.want(resource.kind)
    query = Query.parse(resource, request.args)
    return known.export(resource.kind, query), query.columns


def _gathered(parts: Iterator[str]) -> Iterator[str]:
    # every piece is compressed and sent by itself, which costs more than what is in it
    while some := "".join(itertools.islice(parts, _TOGETHER)):
        yield some


def record(resource: Resource, row: Row) -> dict[str, Any]:
    """A row as plain data: what identifies it, every column, its tags."""
    return {
        "id": row.id,
        "name": row.name,
        "account": row.account,
        "region": row.region,
        **({"state": row.state} if resource.states else {}),
        **{column.name: row.cells.get(column.name) for column in resource.columns},
        "tags": dict(row.tags),
        "seen_at": row.seen_at.isoformat(),
    }


def json_answer(records: Iterable[Mapping[str, Any]]) -> Response:
    """Plain data as a JSON array of objects, streamed."""
    return Response(_gathered(_json_array(records)), mimetype="application/json")


def csv_answer(name: str, lines: Iterator[str]) -> Response:
    """Lines of CSV as a file to be saved as ``name``.csv, streamed."""
    response = Response(_gathered(lines), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _json_array(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    before = "[\n"
    for one in records:
        yield before + json.dumps(one, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _csv_lines(resource: Resource, rows: Iterator[Row], first: tuple[str, ...]) -> Iterator[str]:
    columns = (*first, *(column.name for column in resource.columns))
    names = list(dict.fromkeys(("id", "name", "account", "region", *columns)))
    yield csv_line([*names, "tags"])
    for row in rows:
        values = record(resource, row)
        values |= {f"{TAG}{key}": value for key, value in row.tags.items()}
        tags = json.dumps(values["tags"], ensure_ascii=False) if row.tags else ""
        yield csv_line([*(csv_cell(values.get(name)) for name in names), tags])


def csv_line(values: list[str]) -> str:
    """One line of CSV, with its end."""
    line = io.StringIO()
    # in quotes, all of them: where the separator is another one, too, a cell is one cell
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow(values)
    return line.getvalue()


def csv_cell(value: Any) -> str:
    """A value as the text of a cell, which no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = " ".join(value) if isinstance(value, list) else str(value)
    # a spreadsheet would run a cell that begins like a formula
    return f"'{text}" if text.lstrip(_UNSEEN).startswith(FORMULA) else text


def register(app: Flask) -> None:
    """Two routes per kind."""
    for kind, resource in RESOURCES.items():
        own = {"kind": kind}
        app.add_url_rule(f"/{resource.slug}.json", f"{kind}_json", as_json, defaults=own)
        app.add_url_rule(f"/{resource.slug}.csv", f"{kind}_csv", as_csv, defaults=own)
