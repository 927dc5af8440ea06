"""Proxies, names, origins and sizes: what is looked at before anybody is asked who they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from app import create_app
from app.people import login_tokens, users
from app.people.audit import By
from app.settings import Settings
from app.settings.wire import sender
from app.web.headers import HEADERS, PERMISSIONS
from tests.web.browser import Browser

KEY = "c2f1e49b7d0a83659be0d7531fa4c862"
OLD_KEY = "70d94c862be0d7531f1e49b7d0a8365d"
PUBLIC = "https://console.example.com"
PROXIES = tuple(map(ip_network, ("10.0.0.0/8", "fd00::/8")))


def _team(folder: Path, **more: Any) -> Flask:
    given: dict[str, Any] = {"public_url": PUBLIC, "secret_key": KEY, "data": folder}
    app = create_app(Settings(**given | more))
    engine = app.extensions["encante"].engine
    if not users.any_password(engine):  # so that the page for signing in has a form
        by = By("test", address="127.0.0.1")
        users.set_password(engine, by, users.add(engine, by, "ann"), "a password of four words")
    return app


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Flask]:
    """A console that people open by https, behind a proxy at 10.0.0.2."""
    app = _team(tmp_path, trusted_proxies="10.0.0.2,10.1.0.0/16")
    yield app
    app.extensions["encante"].engine.dispose()


def _ask(app: Flask, path: str = "/login", how: str = "GET", **headers: str) -> Any:
    peer = headers.pop("peer", "10.0.0.2")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = app.test_client(use_cookies=False).open(
        path,
        method=how,
        headers={"Host": "console.example.com", **named},
        environ_base={"REMOTE_ADDR": peer},
    )
    answer.get_data()
    answer.close()
    return answer


def test_only_the_public_name_and_port_are_answered(team: Flask) -> None:
    assert _ask(team).status_code != 421
    for host in (
        "localhost",
        "127.0.0.1",
        "console.example.com:8080",
        "console.example.com.evil.example",
        "evil@console.example.com",
        "console.example.com@evil.example",
        "console.example.com, evil.example",
        "console.example.com.",
        "",
    ):
        assert _ask(team, Host=host).status_code == 421, host


def test_probes_are_answered_by_address(team: Flask) -> None:
    assert _ask(team, "/healthz", Host="10.0.0.7:8080").status_code == 200


@pytest.mark.parametrize("address", ["192.0.2.9", "10.0.0.3", "2001:db8::1"])
def test_only_our_proxies_say_where_a_request_comes_from(team: Flask, address: str) -> None:
    app = team
    told = {"X_Forwarded_For": "203.0.113.5", "X_Forwarded_Host": "console.example.com"}
    assert _remote(app, peer=address, **told) == address
    assert _remote(app, **told) == "203.0.113.5"
    spoofed = {"Host": "evil.example", "X_Forwarded_Host": "console.example.com"}
    assert _ask(app, peer=address, **spoofed).status_code == 421
    assert _ask(app, **spoofed).status_code != 421


def _remote(app: Flask, **headers: str) -> str:
    """The address that the application took a request to come from."""
    found: list[str] = []
    app.before_request_funcs[None].insert(0, lambda: found.append(request.remote_addr or ""))
    _ask(app, **headers)
    del app.before_request_funcs[None][0]
    return found[0]


@pytest.mark.parametrize(
    ("forwarded_for", "from_where"),
    [
        ("", "10.0.0.2"),
        ("203.0.113.5", "203.0.113.5"),
        ("1.1.1.1, 203.0.113.5", "203.0.113.5"),
        ("1.1.1.1, 203.0.113.5, 10.0.0.9", "203.0.113.5"),
        ("10.9.9.9", "10.9.9.9"),
        ("1.1.1.1, unknown", "10.0.0.2"),
        ("1.1.1.1, unknown, 10.0.0.9", "10.0.0.9"),
        ("2001:db8::5, fd00::7", "2001:db8::5"),
        ("203.0.113.5:4711", "10.0.0.2"),
    ],
)
def test_what_stands_left_of_the_first_foreign_address_is_not_believed(
    forwarded_for: str, from_where: str
) -> None:
    assert sender("10.0.0.2", forwarded_for, PROXIES) == from_where


@bounds(deadline=None)
@given(st.text(st.characters(codec="latin-1")), st.ip_addresses())
def test_whatever_a_stranger_claims_our_own_proxy_is_believed(claim: str, stranger: Any) -> None:
    seen = sender("10.0.0.2", f"{claim}, {stranger}, 10.1.1.1", (ip_network("10.0.0.0/8"),))
    if stranger not in ip_network("10.0.0.0/8"):
        assert seen == str(stranger)


def test_what_came_to_the_proxy_without_tls_is_sent_to_https_or_refused(team: Flask) -> None:
    led = _ask(team, "/login?x=1", X_Forwarded_Proto="http")
    assert (led.status_code, led.headers["Location"]) == (308, f"{PUBLIC}/login?x=1")
    sent = _ask(team, how="POST", X_Forwarded_Proto="http", Origin=PUBLIC)
    assert sent.status_code == 403
    assert "Not without https" in sent.text
    assert _ask(team, X_Forwarded_Proto="https").status_code not in {308, 403}
    assert _ask(team, X_Forwarded_Proto="http", peer="192.0.2.1").status_code != 308


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "http://console.example.com"},
        {"Origin": "https://console.example.com:8443"},
        {"Origin": "https://console.example.com.evil.example"},
        {"Origin": PUBLIC, "Sec-Fetch-Site": "cross-site"},
        {"Origin": PUBLIC, "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Referer": "https://evil.example/console.example.com"},
        {"Referer": "http://console.example.com/login"},
        {"Origin": "https://evil.example", "Referer": PUBLIC},
    ],
)
@pytest.mark.parametrize("how", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_is_taken_from_pages_of_others(
    team: Flask, how: str, headers: dict[str, str]
) -> None:
    for path in ("/login", "/logout", "/instances/new", "/nothing-here"):
        answer = _ask(team, path, how, **headers)
        assert answer.status_code == 403
        assert "nothing was done" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": PUBLIC},
        {"Origin": PUBLIC, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Referer": f"{PUBLIC}/login"},
    ],
)
def test_forms_of_our_own_pages_are_taken(team: Flask, headers: dict[str, str]) -> None:
    assert _ask(team, "/login", "POST", **headers).status_code != 403


def test_on_a_laptop_the_origin_is_the_very_address_that_was_opened(visitor: Browser) -> None:
    for host in ("127.0.0.1:8080", "localhost:8080", "[::1]:8080"):
        own = visitor.post("/login", {}, Host=host, Origin=f"http://{host}")
        assert own.status != 403
        for origin in ("http://127.0.0.1:9999", "https://127.0.0.1:8080", "http://localhost"):
            assert visitor.post("/login", {}, Host=host, Origin=origin).status == 403


def test_other_sites_may_lead_here_but_not_build_pages_of_ours_in(visitor: Browser) -> None:
    def from_elsewhere(how: str, dest: str, site: str = "cross-site") -> int:
        headers = {"Sec_Fetch_Site": site, "Sec_Fetch_Mode": how, "Sec_Fetch_Dest": dest}
        return visitor.open("/instances", **headers).status

    assert from_elsewhere("navigate", "document") == 200
    for how, dest in (
        ("navigate", "iframe"),
        ("navigate", "object"),
        ("no-cors", "image"),
        ("no-cors", "script"),
        ("cors", "empty"),
    ):
        assert from_elsewhere(how, dest) == 403
        assert from_elsewhere(how, dest, "same-site") == 403  # another port of this machine
        assert from_elsewhere(how, dest, "same-origin") == 200


def test_a_form_of_very_many_fields_is_refused_before_it_is_read(visitor: Browser) -> None:
    answer = visitor.post("/login", {"x": ["1"] * 30_000})
    assert answer.status == 413
    assert "20,000 fields" in answer.words
    assert visitor.post("/login", {"x": ["1"] * 10_000}).status != 413


def test_a_body_beyond_a_mebibyte_is_refused(visitor: Browser) -> None:
    assert visitor.post("/login", {"token": "x" * 1024 * 1024}).status == 413
    assert visitor.post("/login", {"token": "x" * 1000 * 1024}).status != 413


def test_cookies_are_bound_to_host_and_https(team: Flask) -> None:
    page = _ask(team)
    (cookie,) = page.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-encante=")
    parts = cookie.split("; ")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(parts)
    assert not any(part.startswith("Domain") for part in parts)


def test_on_a_laptop_the_cookie_works_without_https(visitor: Browser) -> None:
    (cookie,) = Browser(visitor.app, False).open("/login").headers.getlist("Set-Cookie")
    assert cookie.startswith("encante_8080=")
    assert "Secure" not in cookie
    assert "HttpOnly" in cookie


def _token_of(page: Any) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def test_a_form_outlives_a_change_of_the_key_while_the_former_is_named(tmp_path: Path) -> None:
    before = _team(tmp_path, secret_key=OLD_KEY)
    opened = _ask(before)
    cookie = opened.headers["Set-Cookie"].partition(";")[0]
    fields = {"csrf_token": _token_of(opened), "token": "none"}
    status = {}
    for former in (OLD_KEY, ""):
        after = _team(tmp_path, old_secret_keys=former)
        browser = after.test_client(use_cookies=False)
        headers = {"Host": "console.example.com", "Origin": PUBLIC, "Cookie": cookie}
        status[former] = browser.post("/login", data=fields, headers=headers).status_code
        after.extensions["encante"].engine.dispose()
    before.extensions["encante"].engine.dispose()
    assert status == {OLD_KEY: 401, "": 400}


def test_a_link_of_this_machine_is_still_one_click(visitor: Browser) -> None:
    token = login_tokens.create(visitor.house.engine)
    fresh = Browser(visitor.app, signed_in=False)
    assert fresh.open(f"/login?token={token}", Sec_Fetch_Site="none").status == 302


def test_every_answer_has_the_headers_at_their_strictest(team: Flask, visitor: Browser) -> None:
    asked = [
        _ask(team),
        _ask(team, "/nothing-here"),
        _ask(team, "/", Host="evil.example"),
        _ask(team, how="POST"),
        _ask(team, X_Forwarded_Proto="http"),
        _ask(team, "/static/app.css"),
        _ask(team, "/healthz"),
        _ask(team, how="OPTIONS"),
        visitor.post("/login", {"token": "x" * 2_000_000}),
        visitor.open("/"),
        visitor.open("/instances.csv"),
        visitor.open("/instances?page=-1"),
    ]
    assert {answer.status_code for answer in asked[:8]} >= {200, 401, 421, 403, 308}
    for answer in asked:
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "require-trusted-types-for 'script'" in policy
        assert "frame-ancestors 'none'" in policy
        for word in ("unsafe", "*", "data:", "http:", "https:", "blob:", "nonce"):
            assert word not in policy
        for name, value in HEADERS.items():
            assert answer.headers.getlist(name) == [value]
        if answer.headers["Content-Type"].startswith("text/html"):
            assert answer.headers.getlist("Permissions-Policy") == [PERMISSIONS]
    assert asked[8].status == 413


def test_https_is_remembered_and_nothing_else(team: Flask, visitor: Browser) -> None:
    answer = _ask(team)
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert answer.headers["Cache-Control"] == "no-store"
    local = visitor.open("/")
    assert "Strict-Transport-Security" not in local.headers
    assert local.headers["Cache-Control"] == "no-cache, private"
    assert "max-age=31536000" in _ask(team, "/static/app.css").headers["Cache-Control"]


def test_signing_out_lets_the_browser_forget_what_it_showed(browser: Browser) -> None:
    token = browser.open("/topics/new").fields["csrf_token"]
    assert browser.post("/logout", {"csrf_token": token}).headers["Clear-Site-Data"] == '"cache"'


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Flask]:
    """A team's console that answers 10 requests of a session in a minute."""
    app = _team(tmp_path, trusted_proxies="10.0.0.2", requests_per_minute=10)
    yield app
    app.extensions["encante"].engine.dispose()


def test_one_address_that_asks_too_often_is_told_to_wait_and_others_are_not(busy: Flask) -> None:
    def ask(address: str) -> Any:
        return _ask(busy, X_Forwarded_For=address, X_Forwarded_Proto="https")

    for _ in range(50):
        assert ask("203.0.113.5").status_code == 401
    late = ask("203.0.113.5")
    assert late.status_code == 429
    assert 0 < int(late.headers["Retry-After"]) <= 60
    assert "try again" in late.text
    assert late.headers["Content-Security-Policy"]
    assert ask("203.0.113.6").status_code == 401
    assert _ask(busy, "/healthz").status_code == 200
    assert _ask(busy, "/static/app.css", X_Forwarded_For="203.0.113.5").status_code == 200


def test_who_has_many_addresses_is_counted_once(busy: Flask) -> None:
    def ask(address: str) -> int:
        return int(_ask(busy, X_Forwarded_For=address, X_Forwarded_Proto="https").status_code)

    assert [ask(f"2001:db8::{n:x}") for n in range(51)] == [401] * 50 + [429]
    assert ask("2001:db8:0:1::1") == 401


def test_a_session_that_asks_too_often_waits_wherever_it_asks_from(busy: Flask) -> None:
    cookie = {"Cookie": "__Host-encante_session=abc"}
    came = [_ask(busy, X_Forwarded_For=f"203.0.113.{n}", **cookie).status_code for n in range(11)]
    assert came == [401] * 10 + [429]
    poll = _ask(busy, HX_PTag="1", HX_Request="true", **cookie)
    assert (poll.status_code, poll.headers["HX-Reswap"]) == (429, "none")
    assert _ask(busy, Cookie="__Host-encante_session=other").status_code == 401


def test_exports_count_more_than_pages(busy: Flask) -> None:
    assert _ask(busy, "/instances.csv", Cookie="__Host-encante_session=abc").status_code == 429
    assert _ask(busy, "/instances.csv").status_code == 401
