"""Signing in with an OpenID provider: the right answer lets in, and no wrong one does."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from joserfc.jwk import ECKey
from sqlalchemy import delete, select, update

from app import create_app
from app.db import now
from app.people import grants
from app.people.audit import By
from app.people.openid import attempts, wire
from app.people.tables import audit, openid_attempts, sessions, users
from app.people.tables import grants as grants_table
from app.people.who import Grant
from app.settings import Settings
from app.web import oidc, recording
from tests.oidc_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    Answer,
    OpenIdProvider,
    as_json,
    openid_provider,
    rsa_key,
    signed_with_public_key,
    unsigned,
)
from tests.web.browser import Browser, Page

ANNA = By("anna")


@pytest.fixture(scope="module")
def _provider() -> Iterator[OpenIdProvider]:
    with openid_provider() as provider:
        yield provider


@pytest.fixture
def provider(_provider: OpenIdProvider) -> OpenIdProvider:
    """A provider that does nothing wrong yet."""
    _provider.anew()
    return _provider


def settings_of(provider: OpenIdProvider, folder: Path, **more: Any) -> Settings:
    return Settings(
        data=folder,
        background=False,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_name="Example ID",
        **more,
    )


@pytest.fixture(scope="module")
def console(_provider: OpenIdProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    console = create_app(settings_of(_provider, tmp_path_factory.mktemp("console")))
    yield console
    console.extensions["encante"].engine.dispose()


class Visitor(Browser):
    """Somebody at the console that a module shares; ``since``: the records before they came."""

    since = 0


@pytest.fixture
def browser(provider: OpenIdProvider, console: Flask) -> Browser:
    """Somebody who is not signed in, at a console that has the provider, and no users."""
    engine = console.extensions["encante"].engine
    with engine.begin() as connection:
        for table in (sessions, grants_table, users, openid_attempts):
            connection.execute(delete(table))
    settings = console.extensions["encante"].settings
    console.extensions[oidc.EXTENSION] = oidc.provider_of(settings)
    recording.forget(console)
    person = Visitor(console, signed_in=False)
    person.since = len(rows(person, audit))
    return person


def begin(browser: Browser, **fields: str) -> str:
    """Press the button; the address at the provider that the browser is led to."""
    page = browser.post("/oidc/start", {"csrf_token": token_of(browser), **fields})
    assert page.status == 200, page.words
    seconds, _, address = page.headers["Refresh"].partition("; url=")
    assert seconds == "0"
    assert address in page.links
    return str(address)


def token_of(browser: Browser) -> str:
    return str(browser.open("/login").fields["csrf_token"])


def come_back(browser: Browser, address: str) -> Page:
    parts = urlsplit(address)
    assert parts.path == "/oidc/done"
    return browser.open(f"{parts.path}?{parts.query}")


def sign_in(browser: Browser, provider: OpenIdProvider, **fields: str) -> Page:
    return come_back(browser, provider.sign_in(begin(browser, **fields)))


def rows(browser: Browser, table: Any) -> list[Any]:
    with browser.house.engine.connect() as connection:
        return list(connection.execute(select(table)))


def told(browser: Browser) -> list[tuple[str, str, str]]:
    """What the audit log tells of signing in: event, outcome, code."""
    found = sorted(rows(browser, audit), key=lambda row: row.seq)[getattr(browser, "since", 0) :]
    return [(row.event, row.outcome, row.code) for row in found]


def is_out(browser: Browser) -> bool:
    return browser.open("/").status == 401


def give(browser: Browser, grant: Grant, user_id: str = "") -> None:
    grants.add(browser.house.engine, ANNA, grant, user_id)


# The right answer


def test_the_first_sign_in_makes_a_user_who_may_nothing_yet(
    browser: Browser, provider: OpenIdProvider
) -> None:
    provider.person |= {"name": "Jane Doe", "groups": ["web", "ops"]}
    page = sign_in(browser, provider)
    assert (page.status, page.location) == (302, "/")
    (user,) = rows(browser, users)
    assert (user.issuer, user.subject) == (provider.issuer, "248289761001")
    assert (user.name, user.full_name, user.groups) == ("jane", "Jane Doe", ["web", "ops"])
    assert (user.password, user.disabled_at) == ("", None)
    (session,) = rows(browser, sessions)
    assert (session.user_id, session.method) == (user.id, "oidc")
    assert [event for event, _, _ in told(browser)] == ["users.add", "sign-in"]
    assert browser.open("/").status == 403


def test_a_group_that_has_a_role_lets_its_people_in(
    browser: Browser, provider: OpenIdProvider
) -> None:
    give(browser, Grant("viewer", group="web"))
    provider.person["groups"] = ["web"]
    sign_in(browser, provider)
    assert browser.open("/").status == 200
    assert browser.open("/rules/new").status == 403


def test_who_has_left_a_group_has_lost_its_role_at_the_next_sign_in(
    browser: Browser, provider: OpenIdProvider
) -> None:
    give(browser, Grant("viewer", group="web"))
    provider.person["groups"] = ["web"]
    sign_in(browser, provider)
    provider.person["groups"] = ["others"]
    sign_in(browser, provider)
    assert browser.open("/").status == 403
    provider.person.pop("groups")
    sign_in(browser, provider)
    assert rows(browser, users)[0].groups == []


def test_the_admin_group_of_the_settings_makes_the_first_admin(
    provider: OpenIdProvider, tmp_path: Path
) -> None:
    settings = settings_of(provider, tmp_path, oidc_admin_group="chiefs")
    browser = Browser(create_app(settings), signed_in=False)
    provider.person["groups"] = "chiefs"  # one, as text
    sign_in(browser, provider)
    assert browser.open("/audit").status == 200


def test_who_signs_in_again_is_the_same_user_whatever_they_are_called_now(
    browser: Browser, provider: OpenIdProvider
) -> None:
    sign_in(browser, provider)
    provider.person |= {"preferred_username": "owner", "name": "Jane Roe"}
    sign_in(browser, provider)
    (user,) = rows(browser, users)
    assert (user.name, user.full_name) == ("jane", "Jane Roe")


@pytest.mark.parametrize(
    ("username", "name"),
    [
        ("jane", "jane-2"),
        ("JANE", "JANE-2"),
        ("owner", "owner-2"),
        ("Jöhn Doe", "John-Doe"),
        ("jane@example.com", "jane@example.com"),
        ("\u0430nna", "nna"),
        ("' OR 1=1 --", "OR-1-1"),
        ("<script>", "script"),
        ("…", "user"),
        ("x" * 300, "x" * 60),
    ],
)
def test_another_person_never_gets_a_name_that_is_taken_or_looks_like_one(
    browser: Browser, provider: OpenIdProvider, username: str, name: str
) -> None:
    sign_in(browser, provider)
    provider.person = {"sub": "another", "preferred_username": username, "email": "jane@x.org"}
    sign_in(browser, provider)
    assert [user.name for user in rows(browser, users)] == ["jane", name]


def test_groups_that_only_userinfo_tells_count(browser: Browser, provider: OpenIdProvider) -> None:
    provider.lies.userinfo = {"groups": ["web"], "name": "Jane Doe"}
    sign_in(browser, provider)
    (user,) = rows(browser, users)
    assert (user.groups, user.full_name) == (["web"], "Jane Doe")


def test_one_is_led_back_to_the_page_that_one_wanted(
    browser: Browser, provider: OpenIdProvider
) -> None:
    page = sign_in(browser, provider, next="/instances?q=state+%3D+running")
    assert page.location == "/instances?q=state+%3D+running"


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_one_is_never_led_elsewhere(
    browser: Browser, provider: OpenIdProvider, elsewhere: str
) -> None:
    assert sign_in(browser, provider, next=elsewhere).headers["Location"] == "/"


def test_several_tabs_sign_in_side_by_side(browser: Browser, provider: OpenIdProvider) -> None:
    first, second = begin(browser, next="/volumes"), begin(browser, next="/images")
    assert come_back(browser, provider.sign_in(second)).location == "/images"
    assert come_back(browser, provider.sign_in(first)).location == "/volumes"


def test_a_browser_keeps_few_cookies_of_sign_ins(
    browser: Browser, provider: OpenIdProvider
) -> None:
    for _ in range(9):
        begin(browser)
    kept = [name for _, _, name in browser.cookies() if "openid" in name]
    assert len(kept) == 5


def test_a_form_that_was_sent_comes_back_and_is_nowhere_readable_meanwhile(
    browser: Browser, provider: OpenIdProvider
) -> None:
    give(browser, Grant("operator", group="web"))
    provider.person["groups"] = ["web"]
    secret = "#!/bin/sh\necho hunter2 🔑"
    form = json.dumps([["name", "web-1"], ["user_data", secret]])
    address = begin(browser, next="/instances/launch", resume=form)
    (row,) = rows(browser, openid_attempts)
    assert row.form
    assert "hunter2" not in row.form
    assert "web-1" not in row.form
    page = come_back(browser, provider.sign_in(address))
    assert page.status == 200
    assert "Your form is still here" in page.words
    assert (page.fields["name"], page.fields["user_data"]) == ("web-1", secret)
    assert rows(browser, openid_attempts) == []


def test_the_key_of_another_browser_opens_no_form(browser: Browser) -> None:
    engine = browser.house.engine
    attempts.begin(engine, "state", "11" * 32, "secret", now())
    assert attempts.end(engine, "state", "22" * 32, now()) == ""


def test_a_form_that_is_too_large_is_told_not_to_come_back(
    browser: Browser, provider: OpenIdProvider
) -> None:
    large = json.dumps([["text", "x" * attempts.LARGEST_FORM]])
    fields = {"csrf_token": token_of(browser), "resume": large, "next": "/instances/launch"}
    page = browser.post("/oidc/start", fields)
    assert "too large to be kept" in page.words
    back = come_back(browser, provider.sign_in(page.links[-1]))
    assert (back.status, back.location) == (302, "/instances/launch")


def test_forms_that_wait_are_bounded(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST_FORMS", 3)
    at = now()
    for number in range(5):
        attempts.begin(browser.house.engine, f"state {number}", "11" * 32, "form", at)
        at = now()
    kept = [
        attempts.end(browser.house.engine, f"state {number}", "11" * 32, at) for number in range(5)
    ]
    assert kept == ["", "", "form", "form", "form"]


# Keys


def test_keys_of_elliptic_curves_are_good_too(browser: Browser, provider: OpenIdProvider) -> None:
    provider.keys = [rsa_key(), ECKey.generate_key("P-256", {"kid": "two"})]
    assert sign_in(browser, provider).status == 302


def test_a_new_key_is_asked_for_once(
    browser: Browser, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(browser, provider)
    provider.keys = [rsa_key("fresh")]
    assert sign_in(browser, provider).status == 403  # asked for a moment ago
    let_pass(monkeypatch, 61)
    assert sign_in(browser, provider).status == 302
    assert provider.asked.count("/keys") == 2
    assert provider.asked.count("/.well-known/openid-configuration") == 1


def let_pass(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let time pass for what the console keeps of the provider."""
    real = time.monotonic
    monkeypatch.setattr("app.people.openid.provider.clock", lambda: real() + seconds)


def test_keys_that_nobody_knows_are_passed_over(browser: Browser, provider: OpenIdProvider) -> None:
    keys = [{"kty": "new"}, 7, {"kty": "RSA", "use": "enc", "kid": "one"}]
    keys.append(rsa_key().as_dict(private=False))
    provider.lies.answers["/keys"] = lambda: as_json({"keys": keys})
    assert sign_in(browser, provider).status == 302


def test_one_key_needs_no_name(browser: Browser, provider: OpenIdProvider) -> None:
    provider.lies.token = lambda claims: provider.signed(claims, kid=None)
    assert sign_in(browser, provider).status == 302


# Wrong answers

LATE = 10_000
CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"iss": "https://evil.example"}, "iss"),
    "no issuer": ({"iss": None}, "claims"),
    "another audience": ({"aud": "somebody-else"}, "aud"),
    "no audience": ({"aud": None}, "claims"),
    "an empty audience": ({"aud": []}, "aud"),
    "audiences of which none is said to be the one": ({"aud": [CLIENT_ID, "other"]}, "azp"),
    "another party": ({"aud": [CLIENT_ID, "other"], "azp": "other"}, "azp"),
    "one audience but another party": ({"azp": "other"}, "azp"),
    "another nonce": ({"nonce": "of-another-sign-in"}, "nonce"),
    "no nonce": ({"nonce": None}, "claims"),
    "expired": ({"exp": int(time.time()) - LATE}, "exp"),
    "no end": ({"exp": None}, "claims"),
    "an end in words": ({"exp": "tomorrow"}, "claims"),
    "an end that never comes": ({"exp": float("inf")}, "claims"),
    "issued in the future": ({"iat": int(time.time()) + LATE}, "iat"),
    "issued never": ({"iat": None}, "claims"),
    "not valid yet": ({"nbf": int(time.time()) + LATE}, "nbf"),
    "another access token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash"),
    "nobody": ({"sub": None}, "claims"),
    "an empty subject": ({"sub": ""}, "claims"),
    "a subject that is no text": ({"sub": {"id": 1}}, "claims"),
    "a subject with half a letter": ({"sub": "\ud800"}, "claims"),
    "a subject that is too long": ({"sub": "x" * 256}, "claims"),
    "a sign-in of the year 9999": ({"auth_time": 253402300799}, "claims"),
    "a sign-in of long ago": ({"auth_time": int(time.time()) - 13 * 3600}, "auth_time"),
    "groups that are a number": ({"groups": 7}, "groups"),
    "groups in groups": ({"groups": [["admin"]]}, "groups"),
    "a group with a NUL": ({"groups": ["a\x00b"]}, "groups"),
    "a group with half a letter": ({"groups": ["\udfff"]}, "groups"),
    "thousands of groups": ({"groups": [str(number) for number in range(5000)]}, "groups"),
}


def refused(page: Page, browser: Browser, code: str, status: int = 403) -> None:
    """Nobody was let in, a page says so, and the log says why."""
    assert page.status == status, page.words
    assert "h1" in page.html
    assert is_out(browser)
    assert rows(browser, users) == []
    assert rows(browser, sessions) == []
    assert told(browser) == [("sign-in.failed", "refused", code)]


@pytest.mark.parametrize("what", sorted(CLAIMS))
def test_a_token_that_is_not_this_sign_ins_lets_nobody_in(
    browser: Browser, provider: OpenIdProvider, what: str
) -> None:
    provider.lies.claims, code = CLAIMS[what]
    refused(sign_in(browser, provider), browser, code)


TOKENS: dict[str, tuple[Callable[[OpenIdProvider], Callable[[dict[str, Any]], str]], str]] = {
    "not signed": (lambda provider: unsigned, "algorithm"),
    "HMAC with the public key": (signed_with_public_key, "algorithm"),
    "another key of the same name": (
        lambda provider: lambda claims: provider.signed(claims, rsa_key("another"), kid="one"),
        "signature",
    ),
    "a key that nobody knows": (
        lambda provider: lambda claims: provider.signed(claims, rsa_key("unknown")),
        "key",
    ),
    "a key of its own in the header": (
        lambda provider: (
            lambda claims: provider.signed(
                claims, rsa_key("own"), jwk=rsa_key("own").as_dict(private=False)
            )
        ),
        "malformed",
    ),
    "no token at all": (lambda provider: lambda claims: "", "malformed"),
    "two parts": (lambda provider: lambda claims: "e30.e30", "malformed"),
    "no JSON": (lambda provider: lambda claims: "AAAA.AAAA.AAAA", "malformed"),
    "half a letter": (lambda provider: lambda claims: "\ud800.a.b", "malformed"),
    "a name that is a list": (
        lambda provider: lambda claims: _with_header(provider, claims, {"kid": ["one"]}),
        "malformed",
    ),
    "something critical": (
        lambda provider: lambda claims: _with_header(provider, claims, {"crit": ["x"], "x": 1}),
        "malformed",
    ),
    "changed afterwards": (
        lambda provider: lambda claims: provider.signed(claims)[:-8] + "AAAAAAAA",
        "signature",
    ),
}


def _with_header(provider: OpenIdProvider, claims: dict[str, Any], more: dict[str, Any]) -> str:

    head = json.dumps({"alg": "RS256", "kid": "one", **more}).encode()
    rest = provider.signed(claims).partition(".")[2]
    return f"{base64.urlsafe_b64encode(head).rstrip(b'=').decode()}.{rest}"


@pytest.mark.parametrize("what", sorted(TOKENS))
def test_a_token_that_is_not_the_providers_lets_nobody_in(
    browser: Browser, provider: OpenIdProvider, what: str
) -> None:
    make, code = TOKENS[what]
    provider.lies.token = make(provider)
    refused(sign_in(browser, provider), browser, code)


@pytest.mark.filterwarnings("ignore:Key size")
def test_a_short_key_is_not_trusted(browser: Browser, provider: OpenIdProvider) -> None:
    provider.keys = [rsa_key("short", 1024)]
    refused(sign_in(browser, provider), browser, "key")


def test_two_keys_and_no_name_is_no_signature(browser: Browser, provider: OpenIdProvider) -> None:
    provider.keys = [rsa_key(), rsa_key("two")]
    provider.lies.token = lambda claims: provider.signed(claims, kid=None)
    refused(sign_in(browser, provider), browser, "key")


DOWN: dict[str, tuple[str, Callable[[], Any]]] = {
    "discovery: 500": ("/.well-known/openid-configuration", lambda: (500, {}, b"")),
    "discovery: a redirect": (
        "/.well-known/openid-configuration",
        lambda: (302, {"Location": "http://127.0.0.1:1/"}, b""),
    ),
    "discovery: no JSON": ("/.well-known/openid-configuration", lambda: (200, {}, b"<html>")),
    "discovery: a list": ("/.well-known/openid-configuration", lambda: as_json([])),
    "discovery: nothing in it": ("/.well-known/openid-configuration", lambda: as_json({})),
    "discovery: huge": (
        "/.well-known/openid-configuration",
        lambda: (200, {}, b'{"a":"' + b"x" * 1_000_000 + b'"}'),
    ),
    "keys: 500": ("/keys", lambda: (500, {}, b"")),
    "keys: none": ("/keys", lambda: as_json({})),
    "keys: thousands": ("/keys", lambda: as_json({"keys": [{}] * 5000})),
    "keys: no JSON": ("/keys", lambda: (200, {}, b"\xff\xfe")),
    "token: 500": ("/token", lambda: (500, {}, b"")),
    "token: a redirect": ("/token", lambda: (307, {"Location": "http://127.0.0.1:1/"}, b"")),
    "token: no JSON": ("/token", lambda: (200, {}, b"ok")),
    "token: a list": ("/token", lambda: as_json([1])),
    "token: a text": ("/token", lambda: as_json("token")),
    "token: null": ("/token", lambda: as_json(None)),
    "token: no id token": ("/token", lambda: as_json({"access_token": "a"})),
    "token: an id token that is a number": (
        "/token",
        lambda: as_json({"access_token": "a", "id_token": 7}),
    ),
    "token: a time that is none": (
        "/token",
        lambda: as_json({"access_token": "a", "id_token": "b", "expires_in": "soon"}),
    ),
    "token: huge": ("/token", lambda: (200, {}, b"x" * 1_000_000)),
    "userinfo: 500": ("/userinfo", lambda: (500, {}, b"")),
}


@pytest.mark.parametrize("what", sorted(DOWN))
def test_a_provider_that_is_in_trouble_is_told_and_lets_nobody_in(
    browser: Browser, provider: OpenIdProvider, what: str
) -> None:
    path, answer = DOWN[what]
    provider.lies.answers[path] = answer
    page = browser.post("/oidc/start", {"csrf_token": token_of(browser)})
    if page.status == 200:
        page = come_back(browser, provider.sign_in(page.links[-1]))
    assert "Example ID does not answer as it should" in page.words
    assert "sign in otherwise" in page.words
    refused(page, browser, "provider-down", 503)
    assert "Sign in with Example ID" in browser.open("/login").words


def test_a_provider_that_is_not_there_is_asked_again_after_a_while(
    browser: Browser, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/.well-known/openid-configuration"
    provider.lies.answers[path] = lambda: (503, {}, b"")
    for _ in range(3):
        assert browser.post("/oidc/start", {"csrf_token": token_of(browser)}).status == 503
    assert provider.asked.count(path) == 1
    provider.lies.answers.clear()
    let_pass(monkeypatch, 11)
    assert sign_in(browser, provider).status == 302


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token"])
def test_a_provider_that_hangs_is_not_waited_for(
    browser: Browser, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(wire, "READ_SECONDS", 0.2)
    enough = Event()

    def hang() -> Answer:
        enough.wait(30)
        return as_json({})

    provider.lies.answers[path] = hang
    page = browser.post("/oidc/start", {"csrf_token": token_of(browser)})
    if page.status == 200:
        page = come_back(browser, provider.sign_in(page.links[-1]))
    enough.set()
    assert "takes too long to answer" in page.words
    refused(page, browser, "provider-down", 503)


def test_an_answer_that_drips_is_not_waited_for(
    browser: Browser, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "TOTAL_SECONDS", -1.0)  # as if it had taken so long
    page = browser.post("/oidc/start", {"csrf_token": token_of(browser)})
    assert "takes too long to answer" in page.words


def test_who_comes_while_another_waits_for_the_provider_is_told(
    browser: Browser, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.people.openid.provider.WAIT_SECONDS", 0.05)
    asked, enough = Event(), Event()

    def hang() -> Answer:
        asked.set()
        enough.wait(30)
        return 503, {}, b""

    provider.lies.answers["/.well-known/openid-configuration"] = hang
    other = Browser(browser.app, signed_in=False)
    token = token_of(other)
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(other.post, "/oidc/start", {"csrf_token": token})
        assert asked.wait(30)
        page = browser.post("/oidc/start", {"csrf_token": token_of(browser)})
        enough.set()
        assert first.result().status == 503
    assert "too many are waiting" in page.words


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "address", ["http://internal.example/", "file:///etc/passwd", "//x", "https://a@b/", "", None]
)
def test_secrets_are_sent_nowhere_that_can_be_listened_to(
    browser: Browser, provider: OpenIdProvider, name: str, address: str | None
) -> None:
    provider.lies.told[name] = address
    page = browser.post("/oidc/start", {"csrf_token": token_of(browser)})
    refused(page, browser, "provider-down", 503)


@pytest.mark.parametrize(
    "told_otherwise",
    [
        {"issuer": "https://evil.example"},
        {"id_token_signing_alg_values_supported": ["none", "HS256"]},
    ],
)
def test_a_provider_that_is_another_or_signs_nothing_is_not_used(
    browser: Browser, provider: OpenIdProvider, told_otherwise: dict[str, Any]
) -> None:
    provider.lies.told = told_otherwise
    page = browser.post("/oidc/start", {"csrf_token": token_of(browser)})
    refused(page, browser, "provider-down", 503)


def test_userinfo_of_somebody_else_lets_nobody_in(
    browser: Browser, provider: OpenIdProvider
) -> None:
    provider.lies.userinfo = {"sub": "another", "groups": ["chiefs"]}
    refused(sign_in(browser, provider), browser, "sub")


def test_a_code_is_good_for_once(browser: Browser, provider: OpenIdProvider) -> None:
    address = provider.sign_in(begin(browser))
    assert come_back(browser, address).status == 302
    again = come_back(browser, address)
    assert again.status == 403
    assert "Back" in again.words or "sign-in" in again.words
    assert told(browser)[-1] == ("sign-in.failed", "refused", "state")


def test_a_stolen_code_is_worth_nothing_in_another_browser(
    browser: Browser, provider: OpenIdProvider
) -> None:
    theirs = provider.sign_in(begin(browser))
    thief = Visitor(browser.app, signed_in=False)
    thief.since = len(rows(browser, audit))
    refused(come_back(thief, theirs), thief, "state")


def test_nobody_is_signed_in_as_somebody_else_by_a_link(
    browser: Browser, provider: OpenIdProvider
) -> None:
    # the attacker begins, and gives the victim the address that leads back; or swaps the code
    attacker = Browser(browser.app, signed_in=False)
    trap = parse_qs(urlsplit(provider.sign_in(begin(attacker))).query)
    own = parse_qs(urlsplit(begin(browser)).query)
    page = browser.open(f"/oidc/done?state={own['state'][0]}&code={trap['code'][0]}")
    refused(page, browser, "code")  # PKCE: the verifier is this browser's


def test_a_sign_in_is_used_once_even_if_its_cookie_is_kept(
    browser: Browser, provider: OpenIdProvider
) -> None:
    address = provider.sign_in(begin(browser))
    kept = browser.cookies()
    provider.lies.claims = {"nonce": "wrong"}
    come_back(browser, address)
    browser.put_cookies(kept)
    assert come_back(browser, address).status == 403
    assert told(browser)[-1] == ("sign-in.failed", "refused", "used")


def test_a_sign_in_that_took_too_long_begins_anew(
    browser: Browser, provider: OpenIdProvider
) -> None:
    address = provider.sign_in(begin(browser))
    with browser.house.engine.begin() as connection:
        connection.execute(update(openid_attempts).values(ends_at=now()))
    refused(come_back(browser, address), browser, "used")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "access_denied"}, "did not let you in"),
        ({"error": "<script>alert(1)</script>"}, "The provider answers"),
        ({"error": "", "error_description": "x"}, "The provider answers"),
        ({}, "has no code"),
        ({"code": ""}, "has no code"),
    ],
)
def test_an_error_of_the_provider_is_told(
    browser: Browser, provider: OpenIdProvider, answer: dict[str, str], words: str
) -> None:
    asked = parse_qs(urlsplit(begin(browser)).query)
    back = provider.back({name: values[0] for name, values in asked.items()}, **answer)
    page = come_back(browser, back)
    assert words in page.words
    assert "<script>alert" not in page.html
    refused(page, browser, "provider" if "error" in answer else "code")


@pytest.mark.parametrize(
    "state", ["", "unknown", "\ud800".encode("utf-8", "replace").decode(), "x" * 5000]
)
def test_an_answer_that_nobody_asked_for_is_refused(browser: Browser, state: str) -> None:
    refused(browser.open(f"/oidc/done?code=abc&state={state}"), browser, "state")


def test_an_answer_of_another_provider_is_refused(
    browser: Browser, provider: OpenIdProvider
) -> None:
    address = provider.sign_in(begin(browser)) + "&iss=https%3A%2F%2Fevil.example"
    refused(come_back(browser, address), browser, "issuer")


def test_a_provider_that_says_it_names_itself_must(
    browser: Browser, provider: OpenIdProvider
) -> None:
    provider.lies.told = {"authorization_response_iss_parameter_supported": True}
    named = provider.sign_in(begin(browser)) + f"&iss={provider.issuer}"
    assert come_back(browser, named).status == 302
    assert sign_in(browser, provider).status == 403


def test_who_is_disabled_stays_out(browser: Browser, provider: OpenIdProvider) -> None:
    sign_in(browser, provider)
    with browser.house.engine.begin() as connection:
        connection.execute(update(users).values(disabled_at=now()))
    page = sign_in(browser, provider)
    assert page.status == 403
    assert "jane is disabled" in page.words
    assert is_out(browser)
    assert told(browser)[-1] == ("sign-in.failed", "refused", "disabled")


def test_a_sign_in_is_not_begun_by_a_link_or_from_another_page(browser: Browser) -> None:
    assert browser.open("/oidc/start").status == 401
    assert browser.post("/oidc/start", {}).status == 400
    assert rows(browser, openid_attempts) == []


def test_without_a_provider_there_is_no_way_to_one(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, background=False)
    browser = Browser(create_app(settings), signed_in=False)
    assert "/oidc/start" not in browser.open("/login").html
    token = token_of(browser)
    assert browser.post("/oidc/start", {"csrf_token": token}).status == 404
    assert browser.open("/oidc/done?state=x&code=y").status == 404


def test_two_who_arrive_at_once_are_two_users(browser: Browser, provider: OpenIdProvider) -> None:
    other = Browser(browser.app, signed_in=False)
    first = provider.sign_in(begin(browser))
    provider.person = {"sub": "another", "preferred_username": "jane"}
    second = provider.sign_in(begin(other))
    assert come_back(other, second).status == come_back(browser, first).status == 302
    assert sorted(user.name for user in rows(browser, users)) == ["jane", "jane-2"]


def test_who_signs_out_is_shown_the_way_out_at_the_provider(
    browser: Browser, provider: OpenIdProvider
) -> None:
    provider.lies.told = {"end_session_endpoint": f"{provider.issuer}/logout"}
    sign_in(browser, provider)
    fields = {"csrf_token": browser.open("/me").fields["csrf_token"]}
    page = browser.post("/logout", fields)
    assert f"{provider.issuer}/logout?client_id={CLIENT_ID}" in page.links
    assert is_out(browser)


def test_over_https_cookies_and_the_way_back_are_of_the_public_url(
    provider: OpenIdProvider, tmp_path: Path
) -> None:
    console = create_app(
        settings_of(
            provider,
            tmp_path,
            public_url="https://console.example.com",
            secret_key="c2f1e49b7d0a8365" + "9be0d7531fa4c862" + "70d9",
        )
    )
    client = console.test_client()
    at = "https://console.example.com"
    page = client.get("/login", base_url=at).get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    sent = client.post(
        "/oidc/start",
        data={"csrf_token": token[1]},
        base_url=at,
        headers={"Origin": at, "Referer": f"{at}/login"},
    )
    assert sent.status_code == 200
    asked = parse_qs(urlsplit(sent.headers["Refresh"].partition("url=")[2]).query)
    assert asked["redirect_uri"] == ["https://console.example.com/oidc/done"]
    cookie = next(each for each in sent.headers.getlist("Set-Cookie") if "openid" in each)
    assert cookie.startswith("__Host-encante_openid_")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    console.extensions["encante"].engine.dispose()


# Signing in again


def test_who_signs_in_again_must_do_so_at_the_provider_now(
    browser: Browser, provider: OpenIdProvider
) -> None:
    provider.signed_in_at = time.time() - 3600
    sign_in(browser, provider)
    (before,) = rows(browser, sessions)
    address = begin(browser, next="/volumes")
    asked = parse_qs(urlsplit(address).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    assert come_back(browser, provider.sign_in(address)).location == "/volumes"
    (after,) = rows(browser, sessions)
    assert after.handle == before.handle
    assert after.digest != before.digest
    assert (now() - after.signed_in_at).total_seconds() < 100


def test_a_provider_that_has_not_asked_again_is_found_out(
    browser: Browser, provider: OpenIdProvider
) -> None:
    sign_in(browser, provider)
    provider.lies.claims = {"auth_time": int(time.time()) - 600}
    page = sign_in(browser, provider)
    assert page.status == 403
    assert "too long ago" in page.words
    provider.lies.claims = {"auth_time": None}
    page = sign_in(browser, provider)
    assert "does not tell when" in page.words
    assert told(browser)[-1] == ("sign-in.failed", "refused", "auth_time")


def test_who_was_known_to_the_provider_has_not_just_signed_in(
    browser: Browser, provider: OpenIdProvider
) -> None:
    provider.signed_in_at = time.time() - 3600
    sign_in(browser, provider)
    (session,) = rows(browser, sessions)
    assert 3500 < (now() - session.signed_in_at).total_seconds() < 3700


def test_a_provider_that_could_tell_when_and_does_not_is_not_believed_to_have_just_asked(
    browser: Browser, provider: OpenIdProvider
) -> None:
    provider.lies.claims = {"auth_time": None}
    sign_in(browser, provider)
    (session,) = rows(browser, sessions)
    assert (now() - session.signed_in_at).total_seconds() > 11 * 3600


def test_a_provider_that_never_tells_when_is_taken_at_its_word(
    browser: Browser, provider: OpenIdProvider
) -> None:
    provider.lies.told = {"claims_supported": ["sub"]}
    provider.lies.claims = {"auth_time": None}
    assert sign_in(browser, provider).status == 302
    assert sign_in(browser, provider).status == 302
    (session,) = rows(browser, sessions)
    assert (now() - session.signed_in_at).total_seconds() < 100


def test_somebody_else_does_not_take_over_a_session(
    browser: Browser, provider: OpenIdProvider
) -> None:
    sign_in(browser, provider)
    provider.person = {"sub": "another", "preferred_username": "mallory"}
    form = json.dumps([["name", "web-1"]])
    page = sign_in(browser, provider, next="/instances/launch", resume=form)
    assert page.status == 403
    assert "somebody else" in page.words
    assert "web-1" not in page.html
    (session,) = rows(browser, sessions)
    assert [user.name for user in rows(browser, users) if user.id == session.user_id] == ["jane"]
    assert told(browser)[-1] == ("sign-in.failed", "refused", "other")


def test_no_secret_stands_in_a_page_a_log_or_the_database(
    browser: Browser, provider: OpenIdProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    address = begin(browser)
    back = provider.sign_in(address)
    code = parse_qs(urlsplit(back).query)["code"][0]
    page = come_back(browser, back)
    tables = (users, sessions, audit, openid_attempts)
    stored = "\n".join(str(row) for table in tables for row in rows(browser, table))
    output = "".join(capsys.readouterr())
    for text in (unescape(page.html), stored, output):
        for secret in (CLIENT_SECRET, code):
            assert secret not in text
    assert not re.search(r"eyJ[A-Za-z0-9_-]{10,}", stored + output)
