"""Signing in with a password: who gets in, what the others are told, and one's own page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.db import now
from app.people import grants, invitations, users
from app.people.audit import By
from app.people.tables import audit, guesses, sessions
from app.people.who import Grant, Role
from app.web import guessing
from app.web.me import browser_in_words
from tests.web.browser import Browser, Page

PASSWORD = "tulip anchor 9 fog"
BY = By("test")


@pytest.fixture
def pat(browser: Browser) -> str:
    """A user with a password who may see; the id."""
    return make(browser, "pat")


def make(browser: Browser, name: str) -> str:
    engine = browser.house.engine
    user_id = users.add(engine, BY, name)
    users.set_password(engine, BY, user_id, PASSWORD)
    grant(browser, user_id, "viewer")
    return user_id


def grant(browser: Browser, user_id: str, role: Role) -> None:
    grants.add(browser.house.engine, BY, Grant(role), user_id)


def stranger(browser: Browser) -> Browser:
    return Browser(browser.app, signed_in=False)


def sign_in(person: Browser, name: str = "pat", password: str = PASSWORD) -> Page:
    page = person.open("/login")
    return person.post("/login", {**page.fields.to_dict(), "name": name, "password": password})


def signed_in(browser: Browser, name: str = "pat") -> Browser:
    person = stranger(browser)
    assert sign_in(person, name).status == 302
    return person


def events(browser: Browser) -> list[tuple[str, str, str]]:
    query = select(audit.c.event, audit.c.actor, audit.c.code).order_by(audit.c.seq)
    with browser.house.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def later(browser: Browser, **by: float) -> None:
    """Time passes for every session."""
    ago = timedelta(**by)
    with browser.house.engine.begin() as connection:
        for row in connection.execute(select(sessions)).all():
            moments = {
                name: getattr(row, name) - ago
                for name in ("made_at", "signed_in_at", "seen_at", "ends_at")
            }
            where = sessions.c.digest == row.digest
            connection.execute(update(sessions).where(where).values(**moments))


@pytest.mark.usefixtures("pat")
def test_a_password_signs_in_and_what_one_may_is_what_one_was_granted(browser: Browser) -> None:
    person = signed_in(browser)
    assert person.open("/instances").status == 200
    assert person.open("/instances/new").status == 403
    assert ("sign-in", "pat", "") in events(browser)


def test_without_any_password_the_page_asks_for_the_link_alone(visitor: Browser) -> None:
    page = stranger(visitor).open("/login")
    assert "make link" in page.words
    assert "Password" not in page.words


def test_whoever_is_not_let_in_is_told_the_same_whatever_the_reason(
    browser: Browser, pat: str
) -> None:
    make(browser, "gone")
    users.disable(browser.house.engine, BY, users.named(browser.house.engine, "gone").id)
    users.add(browser.house.engine, BY, "new")
    told = set()
    for name, password in (("pat", "wrong"), ("nobody", "x"), ("gone", PASSWORD), ("new", "")):
        page = sign_in(stranger(browser), name, password)
        told.add((page.status, page.words.replace(name, "")))
    assert len(told) == 1
    assert "name or the password is wrong" in told.pop()[1]
    failed = [event for event in events(browser) if event[0] == "sign-in.failed"]
    assert {code for _, _, code in failed} == {"password", "nobody", "disabled"}


def test_a_name_that_nobody_has_is_kept_nowhere(browser: Browser, pat: str) -> None:
    sign_in(stranger(browser), "hunter2-is-my-password", "pat")
    with browser.house.engine.connect() as connection:
        kept = str(connection.execute(select(audit)).all())
        kept += str(connection.execute(select(guesses)).all())
    assert "hunter2" not in kept
    assert "sign-in.failed" in kept


@pytest.mark.usefixtures("pat")
def test_who_guesses_has_to_wait_and_is_told_how_long_but_a_known_browser_does_not(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = now()
    monkeypatch.setattr(guessing, "now", lambda: at)
    known = signed_in(browser)
    csrf = known.open("/me").fields["csrf_token"]
    known.post("/logout", {"csrf_token": csrf})
    guesser = stranger(browser)
    statuses = [sign_in(guesser, password=f"guess {n}").status for n in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    refused = sign_in(guesser)
    assert refused.status == 429, "not even with the right one"
    assert int(refused.headers["Retry-After"]) >= 1
    assert "Try again in 1 second." in refused.words
    assert "Try again in" in refused.words
    assert ("sign-in.failed", "", "slowed") in events(browser)
    assert sign_in(known).status == 302


def test_a_password_that_changes_ends_all_other_sessions(browser: Browser, pat: str) -> None:
    here, elsewhere = signed_in(browser), signed_in(browser)
    form = here.open("/me").fields.to_dict()
    new = "marble otter 4 quay"
    wrong = here.post("/me/password", {**form, "password": "no", "new": new, "repeated": new})
    assert (wrong.status, "The password is wrong" in wrong.words) == (401, True)
    common = "passwordpassword"
    form["password"] = PASSWORD
    refused = here.post("/me/password", {**form, "new": common, "repeated": common})
    assert (refused.status, "too easy to guess" in refused.words) == (422, True)
    done = here.post("/me/password", {**form, "new": new, "repeated": new})
    assert done.location == "/me"
    assert "signed out everywhere else" in here.follow(done).words
    assert elsewhere.open("/me").status == 401
    assert sign_in(stranger(browser)).status == 401
    assert sign_in(stranger(browser), password=new).status == 302


def test_who_is_disabled_is_out_at_once(browser: Browser, pat: str) -> None:
    person = signed_in(browser)
    assert users.disable(browser.house.engine, BY, pat)
    assert person.open("/instances").status == 401


@pytest.mark.usefixtures("pat")
def test_sessions_are_listed_and_each_can_be_ended(browser: Browser) -> None:
    make(browser, "kim")
    here, other, kim = signed_in(browser), signed_in(browser), signed_in(browser, "kim")
    page = here.open("/me")
    assert page.words.count("by a password") == 2
    assert page.words.count("this one") == 1
    with browser.house.engine.connect() as connection:
        query = select(sessions.c.handle).where(sessions.c.user_id.is_not(None))
        kims, others, own = connection.scalars(query.order_by(sessions.c.made_at.desc()))
    csrf = {"csrf_token": page.fields["csrf_token"]}
    ends = (here.post(f"/me/sessions/{handle}/end", csrf) for handle in (kims, others, own))
    assert [page.status for page in ends] == [404, 303, 401], "kim's is not pat's to end"
    assert other.open("/me").status == 401
    assert here.open("/me").status == 401
    assert kim.open("/me").status == 200


@pytest.mark.usefixtures("pat")
def test_all_others_are_ended_at_once(browser: Browser) -> None:
    here, other, third = (signed_in(browser) for _ in range(3))
    csrf = {"csrf_token": here.open("/me").fields["csrf_token"]}
    done = here.follow(here.post("/me/sessions/end", csrf))
    assert "2 sessions have ended" in done.words
    assert [person.open("/me").status for person in (here, other, third)] == [200, 401, 401]
    assert ("sessions.end", "pat", "") in events(browser)


@pytest.mark.usefixtures("pat")
def test_a_session_ends_when_it_is_not_used_but_the_owners_on_their_own_machine_does_not(
    browser: Browser,
) -> None:
    person = signed_in(browser)
    later(browser, minutes=121)
    assert person.open("/me").status == 401
    assert browser.open("/me").status == 200
    later(browser, hours=10)
    assert browser.open("/me").status == 401


@pytest.mark.usefixtures("pat")
def test_a_page_that_polls_does_not_keep_its_session_from_ending(browser: Browser) -> None:
    person = signed_in(browser)
    later(browser, minutes=100)
    person.open("/instances", HX_Request="true", HX_PTag="x")
    later(browser, minutes=15)
    person.open("/instances")
    later(browser, minutes=115)
    assert person.open("/instances").status == 200
    later(browser, minutes=100)
    person.open("/instances", HX_Request="true", HX_PTag="x")
    later(browser, minutes=21)
    assert person.open("/instances").status == 401


@pytest.mark.usefixtures("pat")
def test_a_session_has_another_token_after_every_sign_in_and_the_old_one_is_worthless(
    browser: Browser,
) -> None:
    person = signed_in(browser)
    name = browser.house.settings.cookie("session")
    first = person.cookie(name)
    sign_in(person)
    assert person.cookie(name) != first
    thief = stranger(browser)
    thief.take_cookie(name, first)
    assert thief.open("/me").status == 401


@pytest.mark.usefixtures("pat")
def test_signing_out_ends_the_session_in_the_database_too(browser: Browser) -> None:
    person = signed_in(browser)
    name = browser.house.settings.cookie("session")
    token = person.cookie(name)
    person.post("/logout", {"csrf_token": person.open("/me").fields["csrf_token"]})
    assert not person.cookie(name)
    thief = stranger(browser)
    thief.take_cookie(name, token)
    assert thief.open("/me").status == 401
    assert ("sign-out", "pat", "") in events(browser)


def test_an_invitation_lets_its_user_choose_a_password_once(browser: Browser) -> None:
    engine = browser.house.engine
    user_id = users.add(engine, BY, "new", "New Body")
    token = invitations.invite(engine, BY, user_id)
    person = stranger(browser)
    page = person.open(f"/invitation?token={token}")
    assert "Welcome, New Body" in page.words
    form = page.fields.to_dict()
    short = person.post("/invitation", {**form, "new": "short", "repeated": "short"})
    assert (short.status, "15 is the least" in short.words) == (422, True)
    unlike = person.post("/invitation", {**form, "new": PASSWORD, "repeated": "x"})
    assert (unlike.status, "not the same" in unlike.words) == (422, True)
    done = person.post("/invitation", {**form, "new": PASSWORD, "repeated": PASSWORD})
    assert done.location == "/"
    assert "Ask an admin for a role" in person.open("/me").words
    used = stranger(browser).open(f"/invitation?token={token}")
    assert (used.status, "not good any more" in used.words) == (410, True)


def test_a_form_comes_back_after_signing_in_with_a_password_to_the_same_person_only(
    browser: Browser, pat: str
) -> None:
    make(browser, "kim")
    for name, comes_back in (("pat", True), ("kim", False)):
        person = signed_in(browser)
        later(browser, hours=3)
        asked = person.post("/volumes/new", {"size": "77"})
        assert "nothing you filled in is lost" in asked.words
        sent = {**asked.fields.to_dict(), "name": name, "password": PASSWORD}
        back = person.post("/login", sent)
        assert (back.fields.get("size") == "77") is comes_back
        assert (back.location == "/volumes/new") is not comes_back


def test_browsers_are_told_in_plain_words() -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    safari = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
    )
    edge = (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
    )
    assert browser_in_words(firefox) == "Firefox on Linux"
    assert browser_in_words(safari) == "Safari on iPhone"
    assert browser_in_words(edge) == "Edge on Windows"
    assert browser_in_words("curl/8.5.0") == "curl"
    assert browser_in_words("") == "A program that does not say what it is"


def _deletion(browser: Browser, person: Browser) -> Page:
    """The filled in form that deletes a volume, sent."""
    return person.send(_deletion_form(browser, person))


def _deletion_form(browser: Browser, person: Browser) -> Page:
    volumes = browser.house.inventory.all("volume")
    volume = next(row.id for row in volumes if row.state == "available")
    page = person.open(f"/volumes/delete?id={volume}")
    assert page.status == 200, page.words
    return page


def test_what_is_dangerous_asks_for_the_password_again_and_the_form_comes_back(
    browser: Browser, pat: str
) -> None:
    grant(browser, pat, "operator")
    person = signed_in(browser)
    later(browser, minutes=31)
    name = browser.house.settings.cookie("session")
    before = person.cookie(name)
    asked = _deletion(browser, person)
    assert asked.status == 403
    assert "Sign in again to do this" in asked.words
    assert "Nothing was done" in asked.words
    wrong = person.post("/again", {**asked.fields.to_dict(), "password": "x"})
    assert (wrong.status, "The password is wrong" in wrong.words) == (401, True)
    assert person.cookie(name) == before
    back = person.post("/again", {**wrong.fields.to_dict(), "password": PASSWORD})
    assert "Your form is still here" in back.words
    assert " data-at-once" in back.html, "a script opens it"
    assert person.cookie(name) != before, "the session has another token"
    again = person.post(asked.path, back.fields)
    assert again.status == 200
    assert "Sign in again" not in again.words
    assert "Sign in again" not in _deletion(browser, person).words


def test_cancel_leads_back_to_the_form_as_it_was_filled_in(browser: Browser, pat: str) -> None:
    grant(browser, pat, "admin")
    person = signed_in(browser)
    volume = _deletion_form(browser, person)
    people = person.send(person.open("/people/new"), do="refill", name="ben")
    later(browser, minutes=31)
    for page in (volume, people):
        asked = person.send(page)
        assert 'form="back">Cancel' in asked.html
        wrong = person.post("/again", {**asked.fields.to_dict(), "password": "x"})
        assert 'form="back">Cancel' in wrong.html
        kept = page.fields.to_dict() | ({"confirm": page.asked[0]} if page.asked else {})
        back = person.post(page.path, {**kept, "_do": "refill"})
        assert back.status == 200
        for name in ("confirm", "seen", "name"):
            assert back.fields.get(name) == kept.get(name)
    asked = person.open("/people/new", Referer="http://localhost/people")
    assert asked.status == 403
    assert 'href="/people">Cancel' in asked.html


def test_whoever_opened_the_start_link_is_not_asked_again(browser: Browser) -> None:
    later(browser, hours=3)
    assert "Sign in again" not in _deletion(browser, browser).words
