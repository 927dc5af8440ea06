"""What two consoles on one PostgreSQL know of each other; tests/web/test_replicas.py kills them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app import create_app
from app.people import login_tokens
from app.settings import Settings
from tests.web.browser import Browser
from tests.web.conftest import Aws


@pytest.fixture
def consoles(aws: Aws, postgresql_url: str, tmp_path: Path) -> Iterator[tuple[Browser, Browser]]:
    """One person at two consoles: signed in at the first, and with its cookie at the second."""
    aws.anew()
    settings = Settings(
        data=tmp_path / "nothing",
        database_url=postgresql_url,
        secret_key="the same for both",
        sandbox_port=aws.port,
        poll_seconds=0.1,
        refresh_seconds=3600,
        idle_refresh_seconds=3600,
        changing_seconds=0.1,
    )
    first = Browser(create_app(settings))
    first.wait()
    second = Browser(create_app(settings), signed_in=False)
    first.open("/volumes/new")  # the session gets what guards its forms with the first of them
    for name in (settings.cookie(), settings.cookie("session")):
        cookie = first._client.get_cookie(name)
        assert cookie is not None
        second._client.set_cookie(cookie.key, cookie.value)
    yield first, second
    assert not settings.data.exists(), "all that they share is in the database"
    for browser in (first, second):
        browser.house.engine.dispose()


def test_a_form_acts_once_whichever_console_it_is_sent_to(
    consoles: tuple[Browser, Browser], aws: Aws
) -> None:
    first, second = consoles
    form = first.open("/volumes/new")
    aws.forget_calls()
    done = first.send(form, size=7, zone="us-east-1a")
    again = second.send(form, size=7, zone="us-east-1a")
    assert (done.status, again.status) == (303, 302)
    assert aws.calls()["CreateVolume"] == 1
    assert "/actions/" in again.location, "it is led to what became of the first"


def test_what_is_done_at_one_is_shown_at_the_other_at_once(
    consoles: tuple[Browser, Browser],
) -> None:
    first, second = consoles
    assert "kept-together" not in second.open("/volumes").words
    tags = {"tags-0-key": "Name", "tags-0-value": "kept-together"}
    first.fill("/volumes/new", size=7, zone="us-east-1a", **tags)
    assert "kept-together" in second.open("/volumes").words
    assert "kept-together" in second.open("/activity").words


def test_a_view_that_is_saved_at_one_is_opened_at_the_other(
    consoles: tuple[Browser, Browser],
) -> None:
    first, second = consoles
    token = first.open("/instances").html.partition('name="csrf_token" value="')[2]
    fields = {"csrf_token": token.partition('"')[0], "name": "ours", "address": "state=running"}
    assert first.post("/views/instances", fields).status == 303
    assert "ours" in second.open("/instances").words


def test_a_link_that_was_used_at_one_is_used_at_the_other(
    consoles: tuple[Browser, Browser],
) -> None:
    first, second = consoles
    token = login_tokens.create(first.house.engine)
    assert first.open(f"/login?token={token}").status == 302
    stranger = Browser(second.app, signed_in=False)
    assert stranger.open(f"/login?token={token}").status == 401
