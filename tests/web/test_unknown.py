"""Whoever sees a part only learns by no id that they type whether it is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from app.people.who import Grant, Limits
from tests.web.browser import Browser, Page

Answer = Callable[[str], Page]
Fields = Mapping[str, str]
TEAM = Limits(tag_key="team", tag_value="shop")
NARROWED = {"team": TEAM, "region": Limits(regions=("eu-central-1",))}
# Forms with fields for ids that are typed: the address, the field, the kind, what else is sent.
TYPED = [
    ("/volumes/attach?id={volume}", "instance_id", "instance", {"device": "/dev/sdf"}),
    ("/volumes/new", "snapshot_id", "snapshot", {"size": "8"}),
    ("/images/new", "instance_id", "instance", {"name": "mine"}),
    ("/images/register", "snapshot_id", "snapshot", {"name": "mine"}),
    ("/snapshots/new", "volume_id", "volume", {}),
    ("/instances/new", "image_id", "image", {}),
    ("/instances/new", "security_groups", "security_group", {}),
    ("/snapshots/new?volume_id={volume}", "topic_arn", "topic", {"notify": "existing"}),
]
# Those that tests/web/test_narrowed.py does not ask: it holds that no page tells what is outside.
ADDRESSES = [
    "/{slug}.json?q=id+%3D+{id}",
    "/{slug}?q={id}",
    "/{slug}/tags?id={id}",
    "/watches?of={id}&topic={id}",
    "/activity.json?resource={id}",
    "/search?q={id}",
    "/pick/{slug}?q={id}",
]
BUTTONS = [
    ("instance", "/instances/stop?id={}"),
    ("volume", "/volumes/delete?id={}"),
    ("topic", "/topics/publish?id={}"),
    ("topic", "/notices/test"),
    ("queue", "/queues/{}/messages"),
]
SLUGS = {"instance": "instances", "snapshot": "snapshots", "topic": "topics", "queue": "queues"}


def outside(browser: Browser, kind: str, limits: Limits) -> str:
    """The id of something that is outside of the limits."""
    rows = browser.house.inventory.all(kind)
    return next(
        row.id
        for row in rows
        if not row.gone and not limits.cover(row.account, row.region, row.tags)
    )


def like(resource_id: str) -> str:
    """Another id of the same form and place that nothing has."""
    if resource_id.startswith("arn:"):
        return resource_id.rpartition(":")[0] + ":nowhere"
    prefix, _, digits = resource_id.partition("-")
    return f"{prefix}-{'0123456789abcdef0'[: len(digits)]}"


def told(page: Page, resource_id: str) -> tuple[int, str]:
    """What a page says, whatever the id is, and whatever form it was."""
    words = page.words.replace(resource_id, "it").replace(resource_id.rpartition(":")[2], "it")
    return page.status, re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+ (second|minute)s? ago", "…", words)


def unlike(answer: Answer, browser: Browser, kind: str, limits: Limits) -> list[Any]:
    """What is answered to an id that is outside, and to one that nothing has, if that differs."""
    there = outside(browser, kind, limits)
    answers = [told(answer(each), each) for each in (there, like(there))]
    return [] if answers[0] == answers[1] else [kind, *answers]


def opened(pat: Browser, path: str) -> Answer:
    return lambda each: pat.open(path.replace("{id}", each))


def filled_in(pat: Browser, page: Page, field: str, more: Fields, doing: str) -> Answer:
    return lambda each: pat.send(page, do=doing, **{**more, field: each})


def pressed(pat: Browser, path: str, token: Fields) -> Answer:
    return lambda each: pat.post(path.format(each), {**token, "topic": each})


@pytest.fixture(params=NARROWED)
def limits(request: pytest.FixtureRequest) -> Limits:
    return NARROWED[str(request.param)]


def test_what_is_typed_into_a_form_or_its_address(visitor: Browser, limits: Limits) -> None:
    pat = Browser(visitor.app, as_=[Grant("operator", limits)])
    volume = next(
        row.id
        for row in visitor.house.inventory.all("volume")
        if limits.cover(row.account, row.region, row.tags) and row.state in ("available", "in-use")
    )
    found = []
    for path, field, kind, more in TYPED:
        page = pat.open(path.format(volume=volume))
        for doing in ("preview", "perform"):
            found += unlike(filled_in(pat, page, field, more, doing), visitor, kind, limits)
        base = path.partition("?")[0]
        found += unlike(opened(pat, f"{base}?{field}={{id}}"), visitor, kind, limits)
    assert found == []


@pytest.mark.parametrize("kind", SLUGS)
def test_what_stands_in_an_address(visitor: Browser, limits: Limits, kind: str) -> None:
    pat = Browser(visitor.app, as_=[Grant("operator", limits)])
    found = []
    for address in ADDRESSES:
        path = address.replace("{slug}", SLUGS[kind])
        found += unlike(opened(pat, path), visitor, kind, limits)
    assert found == []


def test_what_is_sent_by_a_button(visitor: Browser, limits: Limits) -> None:
    pat = Browser(visitor.app, as_=[Grant("operator", limits)])
    token = {"csrf_token": pat.open("/me").fields["csrf_token"], "_do": "perform"}
    found = []
    for kind, path in BUTTONS:
        found += unlike(pressed(pat, path, token), visitor, kind, limits)
    assert found == []
