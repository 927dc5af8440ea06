"""Every POST leaves a record in the audit log: what it did, or that it was refused.

A new route belongs into DONE, with a way to make it succeed, or into SILENT, with the reason why
nothing of it is recorded; one that is in neither fails the first test. Forms that act are all one
view, which records every call: they need no line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select

from app.people import grants, invitations, users
from app.people.audit import By, Entry
from app.people.audit import record as record_one
from app.people.refusals import Refusals
from app.people.tables import audit
from app.people.who import Grant, Limits
from app.sandbox import clock
from app.web.forms import form_page
from tests.web.browser import Browser
from tests.web.conftest import Aws
from tests.web.test_walk_of_routes import OPEN, PROBES, VIEWER, Asked, routes, token_of

BY = By("tests")
PASSWORD = "tulip anchor 9 fog"
SILENT = {
    "preferences": "how a person wants to see a list is theirs alone, and changes nothing else",
    "oidc_start": "nobody is let in or refused before the provider has answered: oidc_done records",
}
# What a form's button does instead of performing: nothing is done, and nothing recorded.
PREVIEWS = {
    "/rules/new": ("preview", "refill"),
    "/notices/messages": ("preview", "refill"),
    "/people/new": ("refill",),
    "/volumes/new": ("preview", "refill", "check"),
}


@dataclass(frozen=True)
class Sent:
    """A POST that is about to be sent: by whom, where, and with what besides the form's token."""

    by: Browser
    path: str
    fields: dict[str, Any]


def somebody(owner: Browser, name: str, *given: Grant) -> tuple[Browser, str]:
    """A user who is signed in and has a password; and their id."""
    person = Browser(owner.app, as_=given, name=name)
    user_id = users.named(owner.house.engine, name).id
    users.set_password(owner.house.engine, BY, user_id, PASSWORD, but=session_of(person))
    return person, user_id


def session_of(person: Browser) -> str:
    found = re.findall(r"/me/sessions/([^/]+)/end", person.open("/me").html)
    return str(found[0])


def topic(owner: Browser) -> str:
    return owner.house.inventory.all("topic")[0].id


def rule(owner: Browser, name: str) -> str:
    """The page of a new rule."""
    made = owner.fill("/rules/new", name=name, kind="snapshot", topic_arn=topic(owner))
    assert made.status == 303, made.words
    return made.location


def watch(owner: Browser) -> str:
    """The page of a new watch."""
    web = owner.house.inventory.find("instance", "name", ["web-1"])[0]
    asked = {"notify": "existing", "topic_arn": topic(owner)}
    return owner.fill(f"/instances/watch?id={web.id}", **asked).location


def a_rule(deed: str, **fields: str) -> Callable[[Browser], Sent]:
    def way(owner: Browser) -> Sent:
        path = f"{rule(owner, f'to {deed}')}/{deed}"
        filled = owner.open(path).fields.to_dict() if deed != "switch" else {}
        return Sent(owner, path, {**filled, **fields})

    return way


def a_user(deed: str, **fields: str) -> Callable[[Browser], Sent]:
    def way(owner: Browser) -> Sent:
        _, user_id = somebody(owner, f"for-{deed.replace('/', '-')}")
        if deed == "enable":
            users.disable(owner.house.engine, BY, user_id)
        return Sent(owner, f"/people/{user_id}/{deed}", fields)

    return way


def a_grant(owner: Browser) -> Sent:
    _, user_id = somebody(owner, "for-take")
    grant_id = grants.add(owner.house.engine, BY, Grant("viewer"), user_id)
    return Sent(owner, f"/people/roles/{grant_id}/remove", {})


def filled(path: str, **fields: Any) -> Callable[[Browser], Sent]:
    def way(owner: Browser) -> Sent:
        return Sent(owner, path, {**owner.open(path).fields.to_dict(), **fields})

    return way


def pressed(path: str, **fields: str) -> Callable[[Browser], Sent]:
    return lambda owner: Sent(owner, path, fields)


def on_topic(path: str, **fields: str) -> Callable[[Browser], Sent]:
    return lambda owner: Sent(owner, path, {"topic": topic(owner), **fields})


def own(path: str, name: str, **fields: str) -> Callable[[Browser], Sent]:
    return lambda owner: Sent(somebody(owner, name, Grant("viewer"))[0], path, fields)


def a_link(owner: Browser) -> Sent:
    user_id = users.add(owner.house.engine, BY, "invited")
    token = invitations.invite(owner.house.engine, BY, user_id)
    stranger = Browser(owner.app, signed_in=False)
    page = stranger.open(f"/invitation?token={token}")
    sent = {**page.fields.to_dict(), "new": PASSWORD, "repeated": PASSWORD}
    return Sent(stranger, "/invitation", sent)


def a_password(owner: Browser) -> Sent:
    somebody(owner, "signing-in", Grant("viewer"))
    stranger = Browser(owner.app, signed_in=False)
    sent = stranger.open("/").fields.to_dict()
    return Sent(stranger, "/login", {**sent, "name": "signing-in", "password": PASSWORD})


def another_session(owner: Browser, one: bool) -> Sent:
    name = f"twice-{one}"
    first, _ = somebody(owner, name, Grant("viewer"))
    second = Browser(owner.app, as_=[Grant("viewer")], name=name)
    other = session_of(second)
    path = f"/me/sessions/{other}/end" if one else "/me/sessions/end"
    return Sent(first, path, {})


def a_view(owner: Browser) -> Sent:
    owner.post("/views/instances", {**token_of(owner), "name": "mine", "address": "q=web"})
    listed = owner.open("/views/instances").links
    path = next(link for link in listed if re.fullmatch(r"/views/instances/\d+", link))
    return Sent(owner, path, {"name": "ours"})


def the_rest(owner: Browser) -> Sent:
    """What is left of a plan of which a call has failed."""
    image = owner.house.inventory.find("image", "image_name", ["web-base-2026-10-29"])[0]
    aws = Aws(f"http://127.0.0.1:{owner.house.settings.sandbox_port}")
    aws.fault("refuse", "DeleteSnapshot", count=1)
    page = owner.fill(f"/images/deregister?id={image.id}", delete_snapshots="y")
    found = re.search(r"/actions/[\w-]+/rest", page.html)
    assert found is not None, page.words
    return Sent(owner, found[0], {})


def the_queue(owner: Browser) -> Sent:
    return Sent(owner, f"/queues/{owner.house.inventory.all('queue')[0].id}/messages", {})


def a_notice(owner: Browser) -> Sent:
    """There is nothing to try again yet: it is refused, in the record of what was wanted."""
    path = owner.post("/notices/test", {"topic": topic(owner), **token_of(owner)}).location
    return Sent(owner, f"{path}/retry", {})


def a_notice_of_a_watch(owner: Browser) -> Sent:
    web = owner.house.inventory.find("instance", "name", ["web-2"])[0]
    asked = {"notify": "existing", "topic_arn": topic(owner), "outcomes": ["stopped"]}
    assert owner.fill(f"/instances/stop?id={web.id}", **asked).status == 303
    clock.advance(100)
    owner.wait()
    watch = next(each for each in owner.house.watches.list() if each.notices)
    return Sent(owner, f"/watches/{watch.id}/notices/{watch.notices[0].id}/retry", {})


DONE: dict[str, Callable[[Browser], Sent]] = {
    "login": a_password,
    "invitation": a_link,
    "again": own("/again", "proving", password=PASSWORD),
    "logout": own("/logout", "leaving"),
    "me_password": own(
        "/me/password",
        "changing",
        password=PASSWORD,
        new="x" * 9 + PASSWORD,
        repeated="x" * 9 + PASSWORD,
    ),
    "me_session_end": lambda owner: another_session(owner, one=True),
    "me_sessions_end": lambda owner: another_session(owner, one=False),
    "people_new": filled("/people/new", name="newcomer"),
    "people_group": filled("/people/groups/role", group="staff"),
    "people_role": a_user("role", role="viewer"),
    "people_take": a_grant,
    "people_invite": a_user("invite"),
    "people_disable": a_user("disable"),
    "people_enable": a_user("enable"),
    "people_end": a_user("sessions/end"),
    "rule_new": lambda owner: Sent(
        owner,
        "/rules/new",
        {**owner.open("/rules/new").fields.to_dict(), "name": "new", "topic_arn": topic(owner)},
    ),
    "rule_edit": a_rule("edit", name="another name"),
    "rule_switch": a_rule("switch", on="no"),
    "rule_delete": a_rule("delete"),
    "wording": filled("/notices/messages", subject="Now: {name}", _do="save"),
    "events_forget": pressed("/watches/events/forget", account="1", region="r"),
    "view_save": pressed("/views/volumes", name="mine", address="q=web"),
    "view_change": a_view,
    "watch_cancel": lambda owner: Sent(owner, f"{watch(owner)}/cancel", {}),
    "watches_cancel": pressed("/watches/cancel", rule="r"),
    "notices_test": on_topic("/notices/test"),
    "notices_all": on_topic("/notices/all", state="held", deed="settle"),
    "notice_act": a_notice,
    "notice_retry": a_notice_of_a_watch,
    "queue_look": the_queue,
    "action_rest": the_rest,
}


def posts(browser: Browser) -> dict[str, Asked]:
    """Every route that takes a POST, by its endpoint."""
    return {each.endpoint: each for each in routes(browser, "POST") if each.method == "POST"}


def last(browser: Browser) -> int:
    with browser.house.engine.connect() as connection:
        return connection.scalar(select(func.max(audit.c.seq))) or 0


def since(browser: Browser, seq: int) -> list[Any]:
    """The records after a number, the oldest first."""
    query = select(audit).where(audit.c.seq > seq).order_by(audit.c.seq)
    with browser.house.engine.connect() as connection:
        return list(connection.execute(query))


def test_every_post_is_known_to_leave_a_record_or_has_a_reason_not_to(visitor: Browser) -> None:
    views = visitor.app.view_functions
    others = {each for each in posts(visitor) if views[each] is not form_page}
    assert others == DONE.keys() | SILENT.keys()


@pytest.mark.parametrize("endpoint", DONE)
def test_what_is_done_leaves_a_record(visitor: Browser, endpoint: str) -> None:
    sent = DONE[endpoint](visitor)
    token = sent.fields.get("csrf_token") or token_of(sent.by)["csrf_token"]
    before = last(visitor)
    page = sent.by.post(sent.path, {"csrf_token": token, **sent.fields})
    assert page.status in {200, 302, 303} or endpoint == "logout", page.words
    assert since(visitor, before), endpoint


@pytest.mark.parametrize("path", PREVIEWS)
def test_what_only_shows_leaves_none(visitor: Browser, path: str) -> None:
    page = visitor.open(path)
    for doing in PREVIEWS[path]:
        before = last(visitor)
        assert visitor.send(page, do=doing, size="8", name="mine").status in {200, 422}
        assert not since(visitor, before)


def test_a_form_leaves_one_for_every_call_or_for_itself(visitor: Browser) -> None:
    """All forms are one view, so what holds for one with calls and one without holds for all."""
    before = last(visitor)
    assert visitor.fill("/volumes/new", size="8").status == 303
    assert [row.event for row in since(visitor, before)] == ["call", "call"]
    before = last(visitor)
    watch(visitor)
    assert [row.event for row in since(visitor, before)] == ["watches.add"]


@pytest.fixture
def unhurried(visitor: Browser, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """The console without the count of refusals, of which many alike would be one record."""

    def record(_: Refusals, by: By, entry: Entry) -> None:
        record_one(visitor.house.engine, by, entry)

    monkeypatch.setattr(Refusals, "record", record)
    return visitor


def unrecorded(owner: Browser, by: Browser, token: dict[str, str], **headers: str) -> list[str]:
    """The POSTs, each sent by somebody who is refused, of which nothing was recorded."""
    found = []
    for endpoint, each in posts(owner).items():
        if endpoint in OPEN | {"logout"} | PROBES:
            continue
        before = last(owner)
        page = by.ask("POST", each.path, {"_do": "perform", **token}, **headers)
        refused = [row for row in since(owner, before) if row.outcome == "refused"]
        if page.status < 400 or page.status == 401 or not refused:
            found.append(f"{each}: {page.status}, {len(refused)} records")
    return found


def test_what_a_role_does_not_let_is_recorded(unhurried: Browser) -> None:
    viewer = Browser(unhurried.app, as_=[Grant("viewer")], name="vera")
    theirs = VIEWER | {"again", "me_password", "me_session_end", "me_sessions_end"}
    token = token_of(viewer)
    told = unrecorded(unhurried, viewer, token)
    assert not [each for each in told if each.split("(")[1].split(")")[0] not in theirs]


def test_what_has_no_token_is_recorded(unhurried: Browser) -> None:
    assert not unrecorded(unhurried, unhurried, {})


def test_what_another_site_sends_is_recorded(unhurried: Browser) -> None:
    token = token_of(unhurried)
    assert not unrecorded(unhurried, unhurried, token, Origin="https://evil.example")


def test_what_is_not_theirs_or_not_there_is_recorded(unhurried: Browser) -> None:
    """Also where a page answers that there is no such thing."""
    elsewhere = Limits(accounts=("999999999999",))
    person = Browser(unhurried.app, as_=[Grant("operator", elsewhere)], name="elsewhere")
    token = token_of(person)
    arn, queue = topic(unhurried), unhurried.house.inventory.all("queue")[0].id
    seen = watch(unhurried)
    for path, fields in (
        (f"{seen}/cancel", {}),
        ("/watches/cancel", {"rule": "r"}),
        ("/notices/test", {"topic": arn}),
        ("/notices/none/retry", {}),
        (f"/queues/{queue}/messages", {}),
        (f"/topics/publish?id={arn}", {}),
        ("/actions/none/rest", {}),
        ("/views/instances/1", {"name": "x"}),
        ("/me/sessions/none/end", {}),
    ):
        before = last(unhurried)
        page = person.post(path, {**token, **fields})
        assert page.status in {400, 403, 404, 409}, (path, page.status)
        (row,) = since(unhurried, before)
        assert (row.actor, row.outcome) == ("elsewhere", "refused"), path


def test_what_may_not_be_done_to_people_is_recorded(unhurried: Browser) -> None:
    admin, user_id = somebody(unhurried, "only-admin", Grant("admin"))
    given = grants.all_given(unhurried.house.engine)
    own_grant = next(each.grant.id for each in given if each.user_id == user_id)
    for path in (f"/people/{user_id}/disable", f"/people/roles/{own_grant}/remove"):
        before = last(unhurried)
        assert admin.post(path, token_of(admin)).status == 303
        assert [row.outcome for row in since(unhurried, before)] == ["refused"], path
    before = last(unhurried)
    assert admin.post("/people/roles/none/remove", token_of(admin)).status == 404
    assert [row.code for row in since(unhurried, before)] == ["404"]
