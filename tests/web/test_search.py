"""The search field of the top bar."""

from __future__ import annotations

import pytest

from tests.web.browser import Browser, Page


def offered(visitor: Browser, typed: str) -> Page:
    return visitor.open(f"/search?q={typed}", HX_Request="true")


def test_an_exact_id_leads_to_its_page(visitor: Browser) -> None:
    row = visitor.house.inventory.find("instance", "name", ["web-1"])[0]
    assert visitor.open(f"/search?q={row.id}").location == f"/instances/{row.id}"


def test_while_one_types_the_best_of_every_kind_are_offered(visitor: Browser) -> None:
    page = offered(visitor, "db-1")
    instance = visitor.house.inventory.find("instance", "name", ["db-1"])[0]
    volume = visitor.house.inventory.find("volume", "name", ["db-1-data"])[0]
    assert f"/instances/{instance.id}" in page.links
    assert f"/volumes/{volume.id}" in page.links
    assert "running" in page.words
    assert instance.region in page.words
    assert "<nav" not in page.html


def test_an_exact_id_is_offered_too(visitor: Browser) -> None:
    row = visitor.house.inventory.find("instance", "name", ["web-1"])[0]
    assert offered(visitor, row.id).links == [f"/instances/{row.id}"]


def test_an_address_is_found(visitor: Browser) -> None:
    row = visitor.house.inventory.find("instance", "name", ["db-1"])[0]
    assert f"/instances/{row.id}" in offered(visitor, row.cells["private_ip"]).links


def test_what_is_gone_is_found_and_marked(browser: Browser) -> None:
    row = browser.house.inventory.find("volume", "name", ["ci-runner"])[0]
    browser.house.inventory.forget(
        "volume", row.account, row.region, [row.id], browser.house.inventory.now()
    )
    page = offered(browser, row.id[:12])
    assert f"/volumes/{row.id}" in page.links
    assert "gone was available" in page.words
    assert "gone was available" in browser.open(f"/search?q={row.id[:12]}").words


def test_nothing_found_says_what_was_looked_through(visitor: Browser) -> None:
    assert "Nothing has this" in offered(visitor, "no-such-thing-anywhere").words
    assert "Nothing found" in visitor.open("/search?q=no-such-thing-anywhere").words
    assert "What are you looking for?" in visitor.open("/search").words


def test_words_of_any_column_are_found_where_nothing_is_called_so(visitor: Browser) -> None:
    page = visitor.open("/search?q=running+db-1")
    row = visitor.house.inventory.find("instance", "name", ["db-1"])[0]
    assert f"/instances/{row.id}" in page.links
    assert "/instances?q=running+db-1" in page.links


def test_the_words_lead_on_to_the_lists_as_they_are(visitor: Browser) -> None:
    page = visitor.open("/search?q=db-1")
    assert "/instances?q=db-1" in page.links
    assert visitor.open("/instances?q=db-1").status == 200


@pytest.mark.parametrize(
    "typed", ["%22%27%3Cscript%3E", "%00", "and", "a%3D(", "%F0%9F%98%80", "x" * 3000]
)
def test_whatever_is_typed_is_looked_for(visitor: Browser, typed: str) -> None:
    assert offered(visitor, typed).status == 200
    page = visitor.open(f"/search?q={typed}")
    assert page.status == 200
    assert "<script>" not in page.html.partition("<main")[2]
