"""A console full of text that means harm: every page and export, in a real browser.

Pages are found by their links. ``HOSTILE_PAGES=2000`` looks at so many, instead of what a run of
the tests has time for.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request

from app import create_app
from app.resources import RESOURCES
from app.settings import Settings
from scripts.own_console import OwnConsole
from tests import hostile
from tests.browser.conftest import Complaints
from tests.browser.planted import TEXTS, Planter, people, typed_in
from tests.fuzz.judge import cells_of
from tests.fuzz.surface import Surface, read

PAGES = int(os.environ.get("HOSTILE_PAGES", "130"))
OF_EACH = 2 if PAGES < 1000 else 40  # pages of each route
NO_PAGES = {"login", "static", "pick", "suggest"}
# What is wrong with a page, as the browser has made it of the text that it got.
WRONG = """() => {
  const found = [];
  const count = (what) => document.querySelectorAll(what).length;
  if (window.hurt !== undefined) found.push("a script ran");
  for (const what of ["h1", "main", "head > title", "main h1"])
    if (count(what) !== 1) found.push(`${count(what)} ${what}`);
  const never = ["main nav[aria-label='Kinds of resources']", "iframe", "object", "base", "embed",
    "main script", "style", "meta[http-equiv]", "img"];
  for (const what of never) if (count(what)) found.push(what);
  const runs = /^[\\s]*(javascript|data|vbscript):/i, leads = /^(href|src|action|formaction)$/;
  for (const each of document.querySelectorAll("*"))
    for (const {name, value} of each.attributes)
      if (/^(on|hx-on|style$)/.test(name) || (leads.test(name) && runs.test(value)))
        found.push(`<${each.tagName} ${name}=${value.slice(0, 60)}>`);
  for (const each of document.querySelectorAll("a[href], form")) {
    const host = new URL(each.href || each.action, location).host;
    if (host.includes("hurt")) found.push(`leads to ${host}`);
  }
  return found;
}"""

WIDE = """() => [...document.querySelectorAll("main *")]
  .filter((each) => each.scrollWidth > 391 && !each.closest(".scroll"))
  .map((each) => each.outerHTML.slice(0, 150)).slice(-3)"""


@pytest.fixture(scope="module")
def planter(console: OwnConsole) -> Planter:
    """The sandbox, full of harm."""
    planter = Planter(console)
    planter.plant()
    people(console)
    console.advance(3600)
    return planter


@pytest.fixture(scope="module")
def quiet() -> Complaints:
    return Complaints()


@pytest.fixture(scope="module")
def strangers() -> list[str]:
    """Addresses elsewhere that a page asked for."""
    return []


@pytest.fixture(scope="module")
def window(
    browser: Browser,
    console: OwnConsole,
    cookies: Any,
    planter: Planter,
    quiet: Complaints,
    strangers: list[str],
) -> Iterator[Page]:
    """A window of a browser whose own name means harm, too."""
    context = browser.new_context(
        base_url=console.url,
        storage_state=cookies,
        reduced_motion="reduce",
        user_agent=hostile.HTML["image"],
        extra_http_headers={
            "X-Forwarded-Host": "hurt.example",
            "X-Forwarded-For": "<b>hurt",
            "X-Forwarded-Proto": "javascript",
            "Accept-Language": hostile.HTML["attribute"],
        },
    )
    quiet.attend(context)
    _attend(context, console, strangers)
    yield context.new_page()
    context.close()


def _attend(context: BrowserContext, console: OwnConsole, strangers: list[str]) -> None:
    def asked(request: Request) -> None:
        if not request.url.startswith((f"{console.url}/", "data:image/")):
            strangers.append(request.url)

    context.on("request", asked)
    context.on("dialog", lambda dialog: strangers.append(f"a dialog: {dialog.message}"))


def test_what_means_harm_is_planted_wherever_aws_or_a_form_would_take_it(
    planter: Planter, window: Page
) -> None:
    for kind, least in {"volume": 35, "snapshot": 30, "instance": 35, "topic": 20}.items():
        assert len(planter.planted[kind]) >= least, (kind, planter.planted[kind])
    window.goto("/me")  # it asks for nothing by itself
    taken = typed_in(window)
    for what, least in {"view": 20, "rule": 20, "wording": 5}.items():
        assert taken[what] >= least, taken


def test_no_page_runs_breaks_or_leads_away(
    window: Page, quiet: Complaints, strangers: list[str], surface: Surface
) -> None:
    seen: set[str] = set()
    of_each: Counter[str] = Counter()
    waiting = ["/", *(f"/{each.slug}?per_page=250" for each in RESOURCES.values())]
    waiting += [
        "/activity",
        "/watches",
        "/notices",
        "/rules",
        "/people",
        "/audit",
        "/me",
        "/search?q=hurt",
    ]
    problems = []
    while waiting and len(seen) < PAGES:
        address = waiting.pop(0)
        route = surface.endpoint(urlsplit(address).path)
        if address in seen or route is None or of_each[route] >= OF_EACH:
            continue
        if route in {"login", "static", "pick", "suggest"} or address.partition("?")[0].endswith(
            (".csv", ".json")
        ):
            continue
        seen.add(address)
        of_each[route] += 1
        problems += [f"{address}: {each}" for each in _looked_at(window, address)]
        waiting += _links(window, waiting, seen)
    assert problems == []
    assert quiet == []
    assert strangers == []
    assert len(of_each) > 50, of_each  # it was not lost on the way


def _looked_at(page: Page, address: str) -> list[str]:
    page.set_viewport_size({"width": 1440, "height": 900})
    answer = page.goto(address)
    assert answer is not None
    found: list[str] = page.evaluate(WRONG)
    if answer.status >= 500:
        found.append(f"status {answer.status}")
    if "content-security-policy" not in answer.headers:
        found.append("no policy")
    page.set_viewport_size({"width": 390, "height": 900})
    width = page.evaluate("document.documentElement.scrollWidth")
    return [*found, f"{width} wide: {page.evaluate(WIDE)}"] if width > 390 else found


def _links(page: Page, waiting: list[str], seen: set[str]) -> list[str]:
    found = dict.fromkeys(
        urlsplit(link)._replace(fragment="").geturl() for link in read(page.content())[1]
    )
    return [
        link for link in found if link.startswith("/") and link not in seen and link not in waiting
    ]


@pytest.fixture(scope="module")
def surface(tmp_path_factory: pytest.TempPathFactory) -> Surface:
    """The routes, of an application that nobody is served by."""
    app = create_app(Settings(data=tmp_path_factory.mktemp("routes"), background=False))
    app.extensions["encante"].engine.dispose()
    return Surface(app)


@pytest.mark.parametrize("kind", RESOURCES)
def test_exports_give_the_texts_as_they_are_and_no_formulas(
    kind: str, window: Page, planter: Planter
) -> None:
    slug = RESOURCES[kind].slug
    records = window.request.get(f"/{slug}.json").json()
    lines = window.request.get(f"/{slug}.csv").body().decode()
    assert cells_of(lines) == []
    assert len(list(csv.reader(io.StringIO(lines, newline="")))) == len(records) + 1
    if kind in {"volume", "snapshot"}:
        names = {record["name"] for record in records}
        assert {text[:256] for text in planter.planted[kind]} <= names


def test_activity_is_exported_without_formulas(window: Page) -> None:
    assert cells_of(window.request.get("/activity.csv").body().decode()) == []
    assert window.request.get("/activity.json").json()


@pytest.mark.parametrize("text", [hostile.HTML["image"], hostile.HTML["end of text"]])
def test_errors_that_aws_tells_are_text(
    text: str, console: OwnConsole, window: Page, quiet: Complaints, strangers: list[str]
) -> None:
    volume = window.request.get("/volumes.json?q=db-1-data").json()[0]["id"]
    wrong = {"fault": "error", "code": text[:60], "message": text}
    console.sandbox("faults", {**wrong, "operation": "Describe*"})
    console.sandbox("faults", {**wrong, "operation": "CreateSnapshot"})
    try:
        for address in ("/", "/volumes", f"/volumes/{volume}", "/images/public?owner=amazon"):
            assert _looked_at(window, address) in ([], ["status 502"]), address
        window.goto(f"/snapshots/new?volume_id={volume}")
        window.get_by_role("main").get_by_role("button", name="Create snapshot").click()
        window.get_by_role("alert").get_by_text(text).first.wait_for()
        assert window.evaluate(WRONG) == []
    finally:
        console.sandbox("faults", method="DELETE")
    assert strangers == []
    quiet.forgive("status of 5")
    assert quiet == []


def test_every_text_was_one_that_means_harm() -> None:
    assert len(set(TEXTS)) == len(TEXTS) > 50
