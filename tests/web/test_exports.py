"""Exports: of thousands of rows, in pieces, with what was chosen first."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.web.exports import csv_cell, csv_line
from tests.hostile import FORMULAS
from tests.web.browser import Browser

MANY = 3000
# what some spreadsheet or other begins to calculate at
FORMULA_LIKE = re.compile("[\\s\u200b\u2060\ufeff]*[=+\\-@＝＋－＠]|[\\t\\r\\n]")


def many_volumes(browser: Browser) -> None:
    """Let there be thousands of volumes more."""
    inventory = browser.house.inventory
    account = inventory.freshness("volume")[0].account
    made: list[dict[str, Any]] = [
        {
            "VolumeId": f"vol-{number:017x}",
            "State": "available",
            "Size": number % 7 + 1,
            "Tags": [
                {"Key": "Name", "Value": f"many-{number:05}"},
                {"Key": "team", "Value": "a,b"},
            ],
        }
        for number in range(MANY)
    ]
    inventory.store("volume", account, "us-east-1", made, inventory.now())


def pieces(browser: Browser, path: str) -> Iterator[bytes]:
    """The body of an answer as it comes."""
    answer: Any = browser._client.get(path, buffered=False)
    yield from answer.response


def test_an_export_comes_in_pieces_the_first_before_all_is_read(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_volumes(browser)
    read = []
    inventory = browser.house.inventory
    export = inventory.export

    def counted(*asked: Any) -> Iterator[Any]:
        for row in export(*asked):
            read.append(row.id)
            yield row

    monkeypatch.setattr(inventory, "export", counted)
    coming = pieces(browser, "/volumes.csv?q=many")
    first = next(coming)
    assert first.startswith(b'"id","name","account","region"')
    assert len(read) < MANY / 4
    rest = [first, *coming]
    assert len(read) == MANY
    assert len(rest) > 5
    assert len(list(csv.reader(io.StringIO(b"".join(rest).decode())))) == MANY + 1


def test_json_of_thousands_of_rows_is_one_array_in_the_order_of_the_list(browser: Browser) -> None:
    many_volumes(browser)
    rows = json.loads(browser.open("/volumes.json?q=many+size+%3D+3&sort=-name").html)
    names = [row["name"] for row in rows]
    assert names == sorted(names, reverse=True)
    assert len(names) == len([number for number in range(MANY) if number % 7 == 2])


def test_chosen_columns_come_first_in_a_csv_and_the_others_after_them(browser: Browser) -> None:
    many_volumes(browser)
    page = browser.open("/volumes.csv?q=many-00001&columns=tag:team,size")
    lines = list(csv.reader(io.StringIO(page.html)))
    assert lines[0][:6] == ["id", "name", "account", "region", "tag:team", "size"]
    assert lines[1][4:6] == ["a,b", "2"]
    assert "state" in lines[0][6:]


@pytest.mark.parametrize("text", [*FORMULAS.values()])
def test_no_cell_can_be_a_formula(text: str) -> None:
    cell = csv_cell(text)
    assert not FORMULA_LIKE.match(cell)
    assert cell.removeprefix("'") == text  # nothing is lost


def test_a_cell_is_one_cell_where_the_separator_is_another_one() -> None:
    line = csv_line([csv_cell("a;=1+1\t=2"), "b"])
    for separator in ";\t":
        assert next(csv.reader([line], delimiter=separator))[0].startswith("a;=1+1\t=2")


def test_what_is_no_formula_stays_as_it_is() -> None:
    for text in ("web-1", "10.0.0.1", "a=b", "", "(x)", "'quoted'", "i-0123"):
        assert csv_cell(text) == text
    assert [csv_cell(value) for value in (-3, -1.5, True, None)] == ["-3", "-1.5", "true", ""]
