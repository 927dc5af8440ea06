"""Signing in with an OpenID provider, and people's pages, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from scripts.own_console import OwnConsole
from tests.browser import hand
from tests.browser.conftest import SETTINGS
from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider, openid_provider


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    with openid_provider() as provider:
        provider.person |= {"name": "Jane Doe", "groups": ["web"]}
        yield provider


@pytest.fixture(scope="module")
def console(
    provider: OpenIdProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnConsole]:
    openid = {
        "ENCANTE_OIDC_ISSUER": provider.issuer,
        "ENCANTE_OIDC_CLIENT_ID": CLIENT_ID,
        "ENCANTE_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "ENCANTE_OIDC_NAME": "Example ID",
    }
    console = OwnConsole(tmp_path_factory.mktemp("console"), SETTINGS | openid)
    console.start()
    yield console
    console.stop()


@pytest.fixture
def jane(browser: Browser, console: OwnConsole) -> Iterator[Page]:
    """A browser in which nobody is signed in."""
    context = browser.new_context(base_url=console.url)
    yield _watched(context)
    context.close()


def _watched(context: BrowserContext) -> Page:
    """A page whose policy is not violated, and whose scripts do not fail."""
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.on(
        "console",
        lambda said: pytest.fail(said.text) if "Content Security Policy" in said.text else None,
    )
    return page


def test_a_group_gets_a_role_and_its_people_come_in_with_the_provider(
    page: Page, jane: Page
) -> None:
    jane.goto("/instances")
    jane.get_by_role("button", name="Sign in with Example ID").click()
    expect(jane.get_by_text("You have no role here yet")).to_be_visible()

    page.goto("/people")
    page.get_by_role("link", name="Give a group a role").click()
    page.get_by_label("Group", exact=True).fill("web")
    page.get_by_role("radio", name=re.compile("^Operator")).check()
    page.get_by_role("checkbox", name="eu-central-1").check()
    page.get_by_role("button", name="Give the role").click()
    expect(page.get_by_role("cell", name="operator in eu-central-1", exact=True)).to_be_visible()

    jane.goto("/instances")
    expect(jane.get_by_role("heading", level=1, name="Instances")).to_be_visible()
    jane.get_by_label("You", exact=True).click()
    expect(jane.get_by_text("operator in eu-central-1")).to_be_visible()
    jane.get_by_role("button", name="Sign out").click()
    expect(jane.get_by_text("You are signed out")).to_be_visible()


def test_an_invited_user_chooses_a_password_and_is_disabled(page: Page, jane: Page) -> None:
    page.goto("/people")
    page.get_by_role("link", name="Add a user").click()
    page.get_by_label("Name to sign in with").fill("ben")
    page.get_by_role("radio", name=re.compile("^Admin")).check()
    expect(page.get_by_label("IAM role to act through")).to_be_hidden()
    page.get_by_role("radio", name=re.compile("^Viewer")).check()
    expect(page.get_by_label("IAM role to act through")).to_be_visible()
    page.get_by_role("button", name="Add the user").click()
    link = page.locator("#invitation").inner_text()

    jane.goto(link)
    jane.locator("input[type=password]").first.fill("an uncommon lighthouse of 1911")
    for box in jane.locator("input[type=password]").all()[1:]:
        box.fill("an uncommon lighthouse of 1911")
    with hand.led_on(jane):
        jane.locator("main").get_by_role("button").last.click()
    jane.goto("/volumes")
    expect(jane.get_by_role("heading", level=1, name="Volumes")).to_be_visible()

    page.goto("/people")
    page.get_by_role("link", name="ben", exact=True).click()
    page.get_by_role("link", name="Disable").click()
    expect(page.get_by_text("Their one session ends at once")).to_be_visible()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("ben is disabled and signed out everywhere")).to_be_visible()
    jane.goto("/volumes")
    expect(jane.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
