"""A list's table as HTML: sortable heads, rows that can be picked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from markupsafe import Markup

from app.inventory import Query
from app.resources.spec import Column, Resource, Row
from app.web.columns import ACCOUNT, value_of
from app.web.draw import NONE, Names, drawn, esc, href, icon, safe

_CLASSES = {
    "text": "text",
    "code": "text",
    "number": "number",
    "size": "number",
    "time": "nowrap",
    "id": "nowrap",
    "ids": "nowrap",
    "state": "nowrap",
}
LONG = 24  # characters; what is longer may be cut off on the screen, and is shown whole on hover


def heads(
    resource: Resource,
    columns: Sequence[Column],
    query: Query,
    path: str,
    sortable: Collection[str],
) -> Markup:
    """The heads of name, id and ``columns``: links that sort by one, and back.

    ``path``: the list's; ``sortable``: the names of columns that can be sorted by.
    """
    rest = urlencode(query.args(sort=query.default_sort, page=1), doseq=True)

    def one(name: str, title: str, cls: str = "") -> str:
        label = esc(title)
        up, down = query.sort == name, query.sort == f"-{name}"
        if name in sortable:
            sort = query.sorted_by(name)
            by = "" if sort == query.default_sort else f"sort={quote(sort)}"
            args = esc("&".join(filter(None, (rest, by))))
            sign = icon("up" if up else "down" if down else "sort")
            label = f'<a href="{path}{"?" if args else ""}{args}">{label}{sign}</a>'
        order = f' aria-sort="{"ascending" if up else "descending"}"' if up or down else ""
        return f'<th scope="col"{cls}{order}>{label}</th>'

    found = [one("name", "Name"), one("id", id_title(resource))]
    for column in columns:
        is_number = _CLASSES.get(column.cell) == "number"
        found.append(one(column.name, column.title, ' class="number"' if is_number else ""))
    return safe("".join(found))


def id_title(resource: Resource) -> str:
    """What a kind's ids are called."""
    if resource.prefix.startswith("arn:"):
        return "ARN"
    return f"{resource.one.capitalize()} ID"


@dataclass(frozen=True)
class Body:
    """How rows are drawn.

    ``pick``: with boxes to tick; ``names``: of what ids lead to; ``accounts``: names of accounts
    by their number.
    """

    columns: Sequence[Column]
    pick: bool
    names: Names
    accounts: Mapping[str, str]

    def rows(self, rows: Sequence[Row]) -> Markup:
        """The rows of a page."""
        cells = [self._cells(column) for column in self.columns]
        return safe("\n".join([self._row(row, cells) for row in rows]))

    def _row(self, row: Row, cells: Sequence[Callable[[Row], str]]) -> str:
        leads, shown, name = href(row.kind, row.id), esc(row.id), esc(row.name)
        box = ""
        if self.pick:
            box = (
                f'<td class="pick"><input type="checkbox" name="id" value="{shown}" '
                f'id="pick-{shown}" aria-label="Select {esc(row.label)}"></td>'
            )
        title = f' title="{name}"' if len(name) > LONG else ""
        link = f'<a href="{leads}">{name}</a>' if name else NONE
        return (
            f'<tr id="row-{shown}">{box}<th scope="row" class="text"{title}>{link}</th>'
            f'<td class="nowrap id"><a href="{leads}">{shown}</a></td>'
            f"{''.join([cell(row) for cell in cells])}</tr>"
        )

    def _cells(self, column: Column) -> Callable[[Row], str]:
        names = self.names
        kept = "nowrap status" if column.name == "state" else _CLASSES.get(column.cell, "")
        start = f'<td class="{kept}"' if kept else "<td"
        none = f"{start}>{NONE}</td>"
        # the title stands there for narrow screens, where there are no heads
        start += f' data-t="{esc(column.title)}"'

        def cell(row: Row) -> str:
            value = value_of(row, column)
            if value is None or value in ("", [], {}):
                return none
            if column.cell == "text":
                return f"{start}{self._text(column, str(value))}</td>"
            return f"{start}>{drawn(row, column, value, names)}</td>"

        return cell

    def _text(self, column: Column, text: str) -> str:
        shown = self.accounts.get(text, text) if column is ACCOUNT else text
        title = f' title="{esc(text)}"' if len(text) > LONG or shown != text else ""
        return f"{title}>{esc(shown)}"
