"""Exports: of thousands of rows, in pieces, with what was chosen first."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.web.browser import Browser

MANY = 3000


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
    assert first.startswith(b"id,name,account,region")
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
