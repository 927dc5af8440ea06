"""Signing in with a password, by hand: invited, in, ended elsewhere, and a form that comes back."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from scripts.own_console import ROOT, OwnConsole
from tests.browser.conftest import PATIENCE, Complaints

PASSWORD = "tulip anchor 9 fog"


def invited(console: OwnConsole, name: str) -> str:
    """Make a user by the command; the link that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "user", "add", name, "--role", "operator"],
        cwd=ROOT,
        env=console.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = re.search(r"http\S+/invitation\?token=\S+", done.stdout)
    assert found, done.stdout
    return found[0]


def window(browser: Browser, console: OwnConsole, complaints: Complaints) -> BrowserContext:
    context = browser.new_context(base_url=console.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    complaints.attend(context)
    return context


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("textbox", name="Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.fixture(scope="module")
def link(console: OwnConsole) -> str:
    return invited(console, "pat")


def test_a_user_is_invited_signs_in_twice_and_ends_the_other_session(
    browser: Browser, console: OwnConsole, complaints: Complaints, link: str
) -> None:
    here, there = (window(browser, console, complaints) for _ in range(2))
    page, other = here.new_page(), there.new_page()
    page.goto(link)
    page.get_by_role("textbox", name="New password").fill("passwordpassword")
    page.get_by_role("textbox", name="The same once more").fill("passwordpassword")
    page.get_by_role("button", name="Choose it and sign in").click()
    expect(page.get_by_text("It is too easy to guess")).to_be_visible()
    page.get_by_role("textbox", name="New password").fill(PASSWORD)
    page.get_by_role("textbox", name="The same once more").fill(PASSWORD)
    page.get_by_role("button", name="Choose it and sign in").click()
    expect(page.get_by_role("heading", name="What there is")).to_be_visible()

    other.goto("/")
    sign_in(other, "pat", "not the password")
    expect(other.get_by_text("The name or the password is wrong.")).to_be_visible()
    sign_in(other, "pat")
    expect(other.get_by_role("heading", name="What there is")).to_be_visible()

    page.goto("/me")
    rows = page.get_by_role("row").filter(has_text="Chrome on Linux")
    expect(rows).to_have_count(2)
    rows.filter(has_not_text="This one").get_by_role("button").click()
    expect(page.get_by_text("The session has ended.")).to_be_visible()
    expect(rows).to_have_count(1)
    other.goto("/instances")
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    here.close()
    there.close()


def test_a_form_that_was_sent_after_signing_out_elsewhere_comes_back(
    browser: Browser, console: OwnConsole, complaints: Complaints
) -> None:
    context = window(browser, console, complaints)
    page = context.new_page()
    page.goto(invited(console, "kim"))
    page.get_by_role("textbox", name="New password").fill(PASSWORD)
    page.get_by_role("textbox", name="The same once more").fill(PASSWORD)
    page.get_by_role("button", name="Choose it and sign in").click()
    expect(page.get_by_role("heading", name="What there is")).to_be_visible()
    page.goto("/volumes/new")
    size = page.get_by_role("spinbutton", name="Size")
    size.fill("77")
    elsewhere = context.new_page()
    elsewhere.goto("/me")
    elsewhere.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(elsewhere.get_by_text("You are signed out.")).to_be_visible()
    page.get_by_role("button", name="Create volume").click()
    expect(page.get_by_text("nothing you filled in is lost")).to_be_visible()
    sign_in(page, "kim")
    expect(size).to_have_value("77")
    expect(page).to_have_url(re.compile("/volumes/new$"))
    expect(page.get_by_role("button", name="Create volume")).to_be_visible()
    context.close()
