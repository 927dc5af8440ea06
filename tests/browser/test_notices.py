"""Notices in the browser: a test of a topic is seen going out, templates are shown while typed."""

from __future__ import annotations

from playwright.sync_api import Page, expect

TOPIC = "arn:aws:sns:us-east-1:123456789012:snapshots-done"


def test_a_test_of_a_topic_is_seen_going_out_without_a_reload(page: Page) -> None:
    page.goto(f"/topics/{TOPIC}")
    page.get_by_role("button", name="Test publish").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Notice: Test from Encante")
    expect(page.locator("#state")).to_have_text("sent")
    page.get_by_role("link", name="Notices", exact=True).first.click()
    expect(page.locator("#notices tbody tr").first).to_contain_text("Test from Encante")


def test_what_was_sent_is_sent_once_more_after_one_was_told_what_that_means(page: Page) -> None:
    page.goto("/notices")
    page.get_by_label("Topic").last.select_option(TOPIC)
    page.get_by_role("button", name="Test publish").click()
    expect(page.locator("#state")).to_have_text("sent")
    page.locator("#repeat > summary").click()
    expect(page.get_by_text("whoever is subscribed gets it twice")).to_be_visible()
    page.get_by_role("button", name="Send it once more").click()
    expect(page.locator("#state")).to_have_text("sent")
    expect(page.get_by_text("Tries").locator("xpath=following-sibling::dd")).to_have_text("2")


def test_a_template_is_shown_as_it_is_typed_and_by_the_keyboard_alone(page: Page) -> None:
    page.goto(f"/notices/messages?topic={TOPIC}")
    shown = page.locator("#preview")
    expect(shown).to_contain_text("Snapshot done")
    page.get_by_label("Subject").fill("Oh: ${colour}")
    expect(shown).to_contain_text("There is no fact 'colour'")
    page.get_by_label("Subject").fill("Oh: ${name}")
    expect(shown).to_contain_text("Oh: ")
    expect(shown).not_to_contain_text("There is no fact")
    page.get_by_label("sqs", exact=True).focus()
    page.keyboard.press("Space")
    expect(shown).to_contain_text('"version": 1')
    page.get_by_label("Shown with").select_option("image failed")
    expect(shown).to_contain_text("The image ami-0123456789abcdef0 has failed.")
    page.get_by_label("Subject").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Subject")).to_have_value("Oh: ${name}")
