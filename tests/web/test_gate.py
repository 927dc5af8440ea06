"""Who gets in, and what happens to a form whose session has ended."""

from __future__ import annotations

from app.people import login_tokens
from tests.web.browser import Browser, Page


def test_the_start_link_signs_in_and_leads_to_the_front_page(visitor: Browser) -> None:
    person = Browser(visitor.app, signed_in=False)
    page = person.sign_in()
    assert page.status == 302
    assert page.location == "/"
    assert person.open("/instances").status == 200


def test_a_link_works_once_but_opening_it_twice_in_one_browser_does_no_harm(
    visitor: Browser,
) -> None:
    token = login_tokens.create(visitor.house.engine)
    first = Browser(visitor.app, signed_in=False)
    assert first.open(f"/login?token={token}").status == 302
    assert first.open(f"/login?token={token}").status == 302
    other = Browser(visitor.app, signed_in=False).open(f"/login?token={token}")
    assert other.status == 401
    assert "make link" in other.words


def test_without_a_session_every_page_asks_to_sign_in(visitor: Browser) -> None:
    stranger = Browser(visitor.app, signed_in=False)
    for path in ("/", "/instances", "/instances.json", "/instances/new", "/nothing-here"):
        page = stranger.open(path)
        assert page.status == 401
        assert "web-1" not in page.html


def test_a_token_is_not_in_the_database(visitor: Browser) -> None:
    token = login_tokens.create(visitor.house.engine)
    kept = (visitor.house.settings.data / "sandbox.db").read_bytes()
    log = visitor.house.settings.data / "sandbox.db-wal"
    assert token.encode() not in kept + (log.read_bytes() if log.exists() else b"")


def test_the_whole_link_may_be_pasted(visitor: Browser) -> None:
    person = Browser(visitor.app, signed_in=False)
    link = f"http://127.0.0.1:8080/login?token={login_tokens.create(visitor.house.engine)}"
    page = person.send(person.open("/volumes"), token=link)
    # the form of the sign-in page goes to /login, whatever page it stands on
    assert page.status in {302, 401}
    again = person.post("/login", {**person.open("/login").fields.to_dict(), "token": link})
    assert again.status == 302


def test_a_form_sent_after_the_session_ended_comes_back_filled_in(browser: Browser) -> None:
    page = browser.open("/topics/new")
    late = Browser(browser.app, signed_in=False)
    asked = late.post("/topics/new", {**page.fields.to_dict(), "name": "kept", "_do": "perform"})
    assert asked.status == 401
    assert "nothing you filled in is lost" in asked.words
    token = login_tokens.create(browser.house.engine)
    resumed = late.post("/login", {**asked.fields.to_dict(), "token": token})
    assert resumed.status == 200
    assert resumed.fields["name"] == "kept"
    opened = late.post("/topics/new", resumed.fields)
    assert opened.status == 200
    assert opened.fields["name"] == "kept"
    assert not browser.house.inventory.find("topic", "name", ["kept"])
    done = late.send(opened)
    assert done.status == 303
    assert browser.house.inventory.find("topic", "name", ["kept"])


def test_after_signing_in_nobody_is_sent_to_another_site(visitor: Browser) -> None:
    for target in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:x"):
        person = Browser(visitor.app, signed_in=False)
        fields = person.open("/login").fields.to_dict()
        token = login_tokens.create(visitor.house.engine)
        page = person.post("/login", {**fields, "token": token, "next": target})
        assert page.location == "/"


def test_a_post_without_the_csrf_token_does_nothing_and_loses_nothing(browser: Browser) -> None:
    fields = browser.open("/topics/new").fields.to_dict()
    page = browser.post("/topics/new", {**fields, "csrf_token": "", "name": "forged"})
    assert page.status == 400
    assert page.fields["name"] == "forged"
    assert not browser.house.inventory.find("topic", "name", ["forged"])


def test_other_names_than_loopbacks_are_not_answered(visitor: Browser) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8080", "["):
        page = visitor.open("/", Host=host)
        assert page.status in {400, 421}
        assert "web-1" not in page.html
    for host in ("127.0.0.1:8080", "localhost", "[::1]:8080"):
        assert visitor.open("/static/app.css", Host=host).status == 200


def test_every_answer_carries_the_strict_headers(visitor: Browser) -> None:
    for path in ("/", "/nothing-here", "/instances?page=-1", "/static/app.css", "/healthz"):
        headers = visitor.open(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_signing_out_ends_the_session(browser: Browser) -> None:
    csrf = browser.open("/topics/new").fields["csrf_token"]
    browser.post("/logout", {"csrf_token": csrf})
    assert browser.open("/instances").status == 401


def _late(browser: Browser, path: str, **fields: str) -> Page:
    """Send what was opened in time after the session has ended, and sign in."""
    late = Browser(browser.app, signed_in=False)
    asked = late.post(path, fields, Referer="http://127.0.0.1:8080/notices?state=held")
    token = login_tokens.create(browser.house.engine)
    return late.post("/login", {**asked.fields.to_dict(), "token": token})


def test_a_button_pressed_after_the_session_ended_is_not_pressed_by_signing_in(
    browser: Browser,
) -> None:
    (topic,) = browser.house.inventory.find("topic", "name", ["alerts"])
    led = _late(browser, "/notices/test", topic=topic.id)
    assert (led.status, led.location) == (302, "/notices?state=held")
    stale = browser.post("/notices/test", {"topic": topic.id, "csrf_token": ""}, Referer="x:y")
    assert stale.status == 400
    assert "Nothing was done" in stale.words
    assert browser.house.watches.notices.counts() == {}


def test_templates_that_come_back_after_signing_in_are_not_saved_by_that(browser: Browser) -> None:
    resumed = _late(browser, "/notices/messages", subject="Mine ${one}", when_uncertain="repeat")
    assert resumed.fields["subject"] == "Mine ${one}"
    token = browser.open("/notices").fields["csrf_token"]
    again = browser.post("/notices/messages", {**resumed.fields.to_dict(), "csrf_token": token})
    assert again.fields["subject"] == "Mine ${one}"
    assert browser.house.watches.topic_settings.own("") is None


def test_a_rule_is_not_deleted_by_signing_in(browser: Browser) -> None:
    (topic,) = browser.house.inventory.find("topic", "name", ["alerts"])
    draft = {"name": "kept", "kind": "snapshot", "outcomes": "completed", "topic_arn": topic.id}
    path = browser.fill("/rules/new", **draft).location + "/delete"
    resumed = _late(browser, path)
    token = browser.open("/notices").fields["csrf_token"]
    again = browser.post(path, {**resumed.fields.to_dict(), "csrf_token": token})
    assert "What goes with it" in again.words
    assert [rule.name for rule in browser.house.rules.list()] == ["kept"]
