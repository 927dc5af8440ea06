"""A console that others reach, by https: no start link, cookies that nothing else can set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.db import now
from app.people import invitations, login_tokens, users
from app.people.audit import By
from app.settings import Settings
from app.web import guessing
from tests.web.browser import Page

PASSWORD = "tulip anchor 9 fog"
HOME = "https://console.example.com"
KEYS = ("5f0c9b7d3e8a41266b9d2c7f10e4a853" * 2, "c81e728d9d4c2f636f067f89cc14862ca5d1" * 2)


def console(folder: Path, key: int = 0, **more: Any) -> Flask:
    return create_app(Settings(data=folder, public_url=HOME, secret_key=f"{KEYS[key]}x", **more))


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Flask]:
    app = console(tmp_path)
    yield app
    app.extensions["encante"].engine.dispose()


def ask(client: Any, path: str, **fields: str) -> Page:
    sent = (
        client.post(path, data=fields, base_url=HOME, headers={"Origin": HOME})
        if fields
        else client.get(path, base_url=HOME)
    )
    return Page(sent.status_code, sent.text, path, sent.headers, sent.headers.get("Location", ""))


def sign_in(client: Any, name: str = "pat", password: str = PASSWORD) -> Page:
    fields = ask(client, "/login").fields.to_dict()
    return ask(client, "/login", **{**fields, "name": name, "password": password})


def a_user(app: Flask) -> str:
    engine = app.extensions["encante"].engine
    user_id = users.add(engine, By("test"), "pat")
    users.set_password(engine, By("test"), user_id, PASSWORD)
    return user_id


def test_a_start_link_is_worth_nothing_and_the_page_says_how_there_will_be_a_user(
    team: Flask,
) -> None:
    token = login_tokens.create(team.extensions["encante"].engine)
    client = team.test_client()
    page = ask(client, f"/login?token={token}")
    assert page.status == 401
    assert "flask user add" in page.words
    assert "make link" not in page.words
    sent = ask(client, "/login", **{**page.fields.to_dict(), "token": token})
    assert sent.status != 302


def test_the_cookies_of_who_signs_in_are_bound_to_host_and_https(team: Flask) -> None:
    a_user(team)
    page = sign_in(team.test_client())
    assert page.status == 302
    cookies = page.headers.getlist("Set-Cookie")
    names = {cookie.partition("=")[0] for cookie in cookies}
    assert names == {"__Host-encante", "__Host-encante_session", "__Host-encante_browser"}
    for cookie in cookies:
        parts = set(cookie.split("; "))
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= parts
        assert not any(part.startswith("Domain") for part in parts)


def test_signing_out_clears_the_cookie_and_what_the_browser_has_kept(team: Flask) -> None:
    a_user(team)
    client = team.test_client()
    sign_in(client)
    form = ask(client, "/me").fields
    page = ask(client, "/logout", csrf_token=form["csrf_token"])
    assert page.headers["Clear-Site-Data"] == '"cache"'
    [gone] = [each for each in page.headers.getlist("Set-Cookie") if "_session=;" in each]
    assert gone.startswith("__Host-encante_session=;")
    assert "Secure" in gone


def test_the_page_of_an_invitation_is_kept_by_nobody(team: Flask) -> None:
    engine = team.extensions["encante"].engine
    kim = users.add(engine, By("test"), "kim")
    token = invitations.invite(engine, By("test"), kim)
    page = ask(team.test_client(), f"/invitation?token={token}")
    assert page.status == 200
    assert page.headers["Cache-Control"] == "no-store"


def test_a_browser_stays_known_when_the_key_changes_and_the_former_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = now()
    monkeypatch.setattr(guessing, "now", lambda: at)
    before = console(tmp_path)
    a_user(before)
    client = before.test_client()
    sign_in(client)
    sent = client.get_cookie("__Host-encante_browser", "console.example.com")
    assert sent is not None
    after = console(tmp_path, 1, old_secret_keys=f"{KEYS[0]}x")
    others = after.test_client()
    for n in range(9):
        sign_in(others, password=f"guess {n}")
    assert sign_in(others).status == 429
    others.set_cookie("__Host-encante_browser", sent.value, domain="console.example.com")
    assert sign_in(others).status == 302
    for app in (before, after):
        app.extensions["encante"].engine.dispose()
