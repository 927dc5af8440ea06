"""Forms that are kept through signing in: what comes back is somebody else's text."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from app.web.kept import as_text, local, pairs_of
from tests.hostile import ALL, NESTED, PATHS, SURROGATES, hurt_in
from tests.web.browser import Browser


def test_fields_come_back_as_they_were() -> None:
    pairs = [(name, text) for name, text in ALL.items()]
    assert pairs_of(as_text(pairs)) == pairs


@pytest.mark.parametrize(
    "text",
    [
        *NESTED.values(),
        *(as_text([("a", text)]) for text in SURROGATES.values()),
        "",
        "1",
        "null",
        '{"a": 1}',
        "[[1, 2, 3]]",
        "not JSON",
    ],
)
def test_what_is_no_kept_form_is_none(text: str) -> None:
    assert pairs_of(text) == []


@pytest.mark.parametrize(
    "target",
    [
        *PATHS.values(),
        "javascript:alert(1)",
        "//hurt.example",
        "/\\hurt.example",
        "\\\\hurt.example",
        "https:/hurt.example",
        "/\t\\hurt.example",
        "/\n\\hurt.example",
        "/\t/hurt.example",
        " //hurt.example",
        "",
    ],
)
def test_after_signing_in_nobody_is_led_away(target: str) -> None:
    assert local(target) == "/"


@pytest.mark.parametrize(
    "target", ["/\\hurt.example", "/\t/hurt.example", "/\t\\hurt.example", "//hurt.example"]
)
def test_cancel_leads_to_no_other_console(visitor: Browser, target: str) -> None:
    page = visitor.open(f"/topics/new?back={quote(target)}")
    assert page.status == 200
    assert hurt_in(page.html) == []


def test_a_password_stands_in_no_page_that_keeps_a_form(visitor: Browser) -> None:
    typed = {"name": "pat", "password": "canary canary canary", "next": "/volumes"}
    kept = visitor.post("/login", {**typed, "csrf_token": "of an older page"})
    assert kept.status == 400
    assert "canary" not in kept.html
    asked = visitor.post("/login", kept.fields)
    assert asked.status == 401
    assert asked.fields["next"] == "/volumes"
