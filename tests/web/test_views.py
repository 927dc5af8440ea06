"""Saved views, and the columns and page size that are remembered."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.people import views
from app.people.views import ViewError
from app.resources import RESOURCES
from app.web.views import fitting
from tests.web.browser import Browser, Page

HOSTILE = "<script>alert('\"1\"')</script>"
INSTANCE = RESOURCES["instance"]


def send(browser: Browser, path: str, **fields: Any) -> Page:
    """Send a form of a list as its button does."""
    token = browser.open("/instances").html.partition('name="csrf_token" value="')[2]
    return browser.post(path, {"csrf_token": token.partition('"')[0], **fields})


def save(browser: Browser, name: str, address: str, **more: Any) -> Page:
    """Save a view of the instances, and go where that leads."""
    return browser.follow(send(browser, "/views/instances", name=name, address=address, **more))


def view_link(page: Page) -> str:
    """The address of the only view on the page."""
    links = {link for link in page.links if link.startswith("/views/instances/")}
    assert len(links) == 1
    return links.pop()


def heads(page: Page) -> list[str]:
    """The heads of a list's columns."""
    row = page.html.partition("<thead>")[2].partition("</thead>")[0]
    return [re.sub(r"<[^>]*>", "", cell) for cell in row.split("</th>") if 'scope="col"' in cell]


def test_a_view_is_saved_and_opens_as_it_was(browser: Browser) -> None:
    page = save(browser, "Stopped ones", "?state=stopped&sort=-instance_type&page=3")
    assert "The view Stopped ones is saved" in page.words
    opened = browser.open(view_link(page))
    assert opened.location == "/instances?state=stopped&sort=-instance_type"
    assert "worker" in browser.follow(opened).words


def test_the_view_that_is_open_is_marked_and_told_in_words(browser: Browser) -> None:
    page = save(browser, "Stopped", "?q=tag:team = data&sort=-name")
    assert f'href="{view_link(page)}" aria-current="true"' in page.html
    assert 'aria-current="true">Stopped' not in browser.open("/instances").html
    assert "q: tag:team = data, sort: -name" in browser.open("/views/instances").words


def test_a_view_of_the_same_name_replaces_the_first(browser: Browser) -> None:
    save(browser, "Mine", "?state=stopped")
    page = save(browser, "  Mine ", "?state=running")
    assert "The view Mine is replaced" in page.words
    assert browser.open(view_link(page)).location == "/instances?state=running"


def test_a_view_is_renamed_and_deleted(browser: Browser) -> None:
    link = view_link(save(browser, "Old", "?state=stopped"))
    page = browser.follow(send(browser, link, name="New"))
    assert "New" in page.words
    assert browser.follow(browser.open(link)).status == 200
    page = browser.follow(send(browser, link, name="New", delete="yes"))
    assert "The view is deleted" in page.words
    assert browser.open(link).status == 404
    assert send(browser, link, name="Newer").status == 404


def test_a_view_that_does_not_fit_any_more_opens_and_says_what_was_left_out(
    browser: Browser,
) -> None:
    address = "q=colour+%3D+red&state=stopped&shade=dark&sort=hue&columns=state,hue,tag:team"
    page = save(browser, "From before", address)
    opened = browser.open(view_link(page))
    assert opened.location == "/instances?state=stopped&columns=state%2Ctag%3Ateam"
    shown = browser.follow(opened)
    assert shown.status == 200
    assert "worker" in shown.words
    for left_out in ("q=colour = red", "shade=dark", "sort=hue", "columns=hue"):
        assert f"Left out of the view From before: {left_out}" in shown.words


def test_what_fits_is_left_as_it_is() -> None:
    address = "q=name+%3A+web&state=running&state=stopped&per_page=100"
    assert fitting(INSTANCE, address) == (address, [])


def test_the_name_of_a_view_is_never_html(browser: Browser) -> None:
    page = save(browser, HOSTILE, f"?q={HOSTILE}")
    assert HOSTILE in page.words
    assert "<script>alert" not in page.html
    assert "<script>alert" not in browser.open("/views/instances").html


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\x07b"])
def test_a_name_that_is_none_is_refused(browser: Browser, name: str) -> None:
    page = save(browser, name, "?state=stopped")
    assert "name" in page.words
    assert views.of(browser.house.engine, "instance", "owner") == []


def test_a_person_has_a_hundred_views_of_a_kind_and_no_more(browser: Browser) -> None:
    engine = browser.house.engine
    for number in range(views.MOST):
        views.save(engine, "instance", "owner", f"view {number}", "", shared=False)
    with pytest.raises(ViewError, match="100 views"):
        views.save(engine, "instance", "owner", "one more", "", shared=False)
    assert views.save(engine, "instance", "owner", "view 7", "q=a", shared=False)
    views.save(engine, "volume", "owner", "one more", "", shared=False)
    views.save(engine, "instance", "somebody", "one more", "", shared=False)


def test_others_see_what_is_shared_and_cannot_change_it(browser: Browser) -> None:
    engine = browser.house.engine
    views.save(engine, "instance", "anna", "Theirs", "state=stopped", shared=True)
    views.save(engine, "instance", "anna", "Secret", "state=stopped", shared=False)
    assert [view.name for view in views.of(engine, "instance", "owner")] == ["Theirs"]
    secret = next(v for v in views.of(engine, "instance", "anna") if v.name == "Secret")
    theirs = next(v for v in views.of(engine, "instance", "anna") if v.name == "Theirs")
    assert "Shared by anna" in browser.open("/instances").words
    assert browser.open(f"/views/instances/{theirs.id}").status == 302
    assert browser.open(f"/views/instances/{secret.id}").status == 404
    assert send(browser, f"/views/instances/{theirs.id}", delete="yes").status == 404
    assert len(views.of(engine, "instance", "anna")) == 2


def test_a_rename_to_a_name_that_is_taken_is_refused(browser: Browser) -> None:
    engine = browser.house.engine
    views.save(engine, "instance", "owner", "One", "", shared=False)
    views.save(engine, "instance", "owner", "Two", "", shared=False)
    two = next(view for view in views.of(engine, "instance", "owner") if view.name == "Two")
    page = browser.follow(send(browser, f"/views/instances/{two.id}", name="One"))
    assert "Another view is called One" in page.words


def test_chosen_columns_are_shown_in_their_order_and_remembered(browser: Browser) -> None:
    fields = {
        "columns": ["instance_type", "state"],
        "order": ["state", "zone", "instance_type"],
        "tag": "team",
    }
    page = send(browser, "/preferences/instances", address="?q=web", save="", **fields)
    assert page.location == "/instances?q=web&columns=state%2Cinstance_type%2Ctag%3Ateam"
    wanted = ["Name", "Instance ID", "State", "Type", "team"]
    assert heads(browser.follow(page))[-5:] == wanted
    assert heads(browser.open("/instances"))[-5:] == wanted
    assert heads(browser.open("/instances?columns=zone"))[-3:] == ["Name", "Instance ID", "Zone"]
    send(browser, "/preferences/instances", address="?q=web", reset="")
    assert "Zone" in heads(browser.open("/instances"))


@pytest.mark.parametrize(
    ("button", "order"),
    [({"up": "zone"}, "zone,state,instance_type"), ({"down": "state"}, "zone,state,instance_type")],
)
def test_a_column_is_moved_without_scripts(
    browser: Browser, button: dict[str, str], order: str
) -> None:
    names = ["state", "zone", "instance_type"]
    fields = {"columns": names, "order": names}
    page = send(browser, "/preferences/instances", address="", **fields, **button)
    address = urlsplit(page.headers["Location"])
    assert parse_qs(address.query)["columns"] == [order]
    assert address.fragment == "columns-form"


def test_a_column_that_there_is_not_is_refused(browser: Browser) -> None:
    fields = {"columns": ["colour"], "order": ["colour"]}
    page = send(browser, "/preferences/instances", address="", save="", **fields)
    assert page.status == 400
    assert "colour" in page.words


def test_the_page_size_is_remembered_and_stands_in_every_address(browser: Browser) -> None:
    page = send(browser, "/preferences/volumes", address="?sort=size&page=2", per_page="25")
    assert page.location == "/volumes?sort=size"
    shown = browser.open("/volumes")
    assert shown.html.count("per_page=25") > 10
    explicit = browser.open("/volumes?per_page=50")
    assert explicit.html.count("per_page=50") > 10


def test_views_and_preferences_of_no_kind_are_not_there(browser: Browser) -> None:
    assert browser.open("/views/nonsense").status == 404
    assert browser.open("/views/instances/17").status == 404
    assert send(browser, "/preferences/nonsense", per_page="25").status == 404
