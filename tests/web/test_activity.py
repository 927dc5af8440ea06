"""Activity: what was seen to change, over everything."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from app.db import now
from tests.resources.world import an_id
from tests.web.browser import Browser
from tests.web.conftest import SANDBOX

ACCOUNT, HERE, THERE = SANDBOX.account_id, "us-east-1", "eu-central-1"


def volume(number: int, state: str, **tags: str) -> dict[str, Any]:
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"VolumeId": an_id("vol", number), "State": state, "Tags": listed}


class Past:
    """Something to look back on: one volume here that changes twice, one elsewhere once."""

    def __init__(self, person: Browser) -> None:
        self.inventory = person.house.inventory
        self.at = now() - timedelta(minutes=10)
        self.store(HERE, volume(1, "creating", Name="first"))
        self.store(HERE, volume(1, "available", Name="first"))
        self.store(HERE, volume(1, "available", Name="=1+1"), action="form-1")
        self.store(THERE, volume(2, "creating", Name="second"))
        self.store(THERE, volume(2, "error", Name="second", team="<script>"))

    def store(self, region: str, description: dict[str, Any], action: str = "") -> datetime:
        self.at += timedelta(seconds=5)
        self.inventory.store("volume", ACCOUNT, region, [description], self.at, action=action)
        return self.at


@pytest.fixture
def past(browser: Browser) -> Past:
    return Past(browser)


def told(person: Browser, **query: str) -> list[dict[str, Any]]:
    page = person.open(f"/activity.json?{urlencode(query)}")
    assert page.status == 200, page.words
    found: list[dict[str, Any]] = json.loads(page.html)
    return found


def test_nothing_was_seen_yet_is_said_with_what_would_stand_here(visitor: Browser) -> None:
    page = visitor.open("/activity")
    assert "No change was seen yet" in page.words
    assert "90 days" in page.words


def test_changes_stand_newest_first_those_of_one_moment_together(
    browser: Browser, past: Past
) -> None:
    page = browser.open("/activity")
    assert page.html.count('<li id="change-') == 5
    assert page.words.index("second") < page.words.index("first")
    assert "State: Creating → is now Error".casefold() in page.words.casefold()
    assert "<script>" in page.words
    assert "<script>" not in page.html
    assert f"/volumes/{an_id('vol', 2)}" in page.links


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"kind": "volume"}, 6),
        ({"kind": "instance"}, 0),
        ({"region": THERE}, 3),
        ({"account": ACCOUNT}, 6),
        ({"account": "999999999999"}, 0),
        ({"field": "state"}, 2),
        ({"field": "resource"}, 2),
        ({"field": "tag:"}, 2),
        ({"q": an_id("vol", 1)}, 3),
        ({"q": "SECO"}, 3),
        ({"by": "us"}, 1),
        ({"by": "others"}, 5),
        ({"action": "form-1"}, 1),
        ({"days": "7"}, 6),
        ({"kind": "volume", "field": "state", "region": HERE}, 1),
    ],
)
def test_changes_are_narrowed_by_everything(
    browser: Browser, past: Past, query: dict[str, str], count: int
) -> None:
    assert len(told(browser, **query)) == count
    page = browser.open(f"/activity?{urlencode(query)}")
    assert ("Nothing matches" in page.words) == (count == 0)


@pytest.mark.parametrize("path", ["/activity", "/activity.json", "/activity.csv"])
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("kind=spoon", "spoon"),
        ("by=nobody", "nobody"),
        ("days=many", "many"),
        ("colour=red", "colour"),
    ],
)
def test_an_address_that_makes_no_sense_is_told_so(
    visitor: Browser, path: str, query: str, said: str
) -> None:
    page = visitor.open(f"{path}?{query}")
    assert page.status == 400
    assert said in page.words


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "\u0662"])
def test_a_place_that_is_none_is_told_so(visitor: Browser, before: str) -> None:
    assert visitor.open(f"/activity?before={before}").status == 400


def test_older_changes_are_a_link_away_and_none_is_shown_twice_or_left_out(
    browser: Browser, past: Past
) -> None:
    for number in range(150):
        past.store(HERE, volume(1, "available", Name=f"name-{number}"))
    page, seen = browser.open("/activity"), 0
    names = ""
    while True:
        seen += page.html.count('<li id="change-')
        names += page.words
        older = next((link for link in page.links if "before=" in link), None)
        if older is None:
            break
        page = browser.open(older)
        assert "/activity" in page.links
    assert seen == 155
    assert all(f"is now name-{number}" in names for number in range(150))


def test_an_open_page_gets_what_is_new_and_nothing_else(browser: Browser, past: Past) -> None:
    path = f"/activity?region={HERE}"
    tag = browser.open(path).headers["HX-PTag"]
    assert browser.open(path, HX_Request="true", HX_PTag=tag).status == 304
    past.store(THERE, volume(2, "deleting", Name="second"))
    again = browser.open(path, HX_Request="true", HX_PTag=tag)
    assert again.status == 304
    past.store(HERE, volume(1, "deleting", Name="first"))
    news = browser.open(path, HX_Request="true", HX_PTag=again.headers["HX-PTag"])
    assert news.status == 200
    assert "<html" not in news.html


def test_csv_and_json_tell_the_same_and_no_cell_is_a_formula(browser: Browser, past: Past) -> None:
    rows = told(browser)
    lines = list(csv.DictReader(io.StringIO(browser.open("/activity.csv").html)))
    assert [line["id"] for line in lines] == [row["id"] for row in rows]
    assert [line["field"] for line in lines] == [row["field"] for row in rows]
    assert "'=1+1" in [line["after"] for line in lines]


def test_an_export_goes_on_past_its_first_part(browser: Browser, past: Past) -> None:
    for number in range(520):
        past.store(HERE, volume(1, "available", Name=f"name-{number}"))
    rows = told(browser)
    assert len(rows) == 526
    assert len({(row["at"], row["id"], row["field"]) for row in rows}) == 526


def test_the_front_page_tells_the_last_changes(browser: Browser, past: Past) -> None:
    first = browser.open("/")
    assert "second" in first.words
    assert "/activity" in first.links
    tag = first.headers["HX-PTag"]
    assert browser.open("/", HX_Request="true", HX_PTag=tag).status == 304
    past.store(HERE, volume(1, "error", Name="troubled"))
    news = browser.open("/", HX_Request="true", HX_PTag=tag)
    assert "troubled" in news.words
