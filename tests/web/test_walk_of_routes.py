"""Every route and method, asked by everybody: who gets in stands here, beside app/web/permits.py.

A new route belongs into one of these sets; one that is in none fails the first test.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.routing import Rule

from app import create_app
from app.people.who import Grant, Limits
from app.resources import RESOURCES
from app.settings import Settings
from tests.web.browser import Browser, Page
from tests.web.conftest import Aws

OPEN = {"static", "login", "invitation", "oidc_start", "oidc_done", "metrics", "healthz", "readyz"}
SIGNED_IN = {"logout", "again", "me", "me_password", "me_session_end", "me_sessions_end"}
VIEWER = {"front", "activity", "activity_csv", "activity_json", "search", "suggest", "pick"}
VIEWER |= {"preferences", "view", "views", "view_save", "view_change", "image_public"}
VIEWER |= {"watch", "watches", "notice", "notices", "rule", "rules"}
VIEWER |= {f"{kind}_{page}" for kind in RESOURCES for page in ("list", "csv", "json", "detail")}
VIEWER |= {f"{kind}_gone" for kind in RESOURCES}
OPERATOR = {"action", "action_record", "action_rest", "watch_cancel", "watches_cancel"}
OPERATOR |= {"notice_act", "notice_retry", "notices_all", "notices_test"}
OPERATOR |= {"queue_messages", "queue_messages_of", "queue_look", "queue_message"}
OPERATOR |= {"queue_new", "queue_tags", "queue_delete", "security_group_tags"}
OPERATOR |= {f"instance_{name}" for name in ("new", "start", "stop", "reboot", "terminate")}
OPERATOR |= {f"instance_{name}" for name in ("protect", "unprotect", "tags", "watch", "image_of")}
OPERATOR |= {f"image_{name}" for name in ("new", "register", "deregister", "tags", "watch")}
OPERATOR |= {f"volume_{name}" for name in ("new", "attach", "detach", "delete", "tags", "watch")}
OPERATOR |= {"image_launch_of", "volume_snapshot_of", "snapshot_volume_of", "snapshot_image_of"}
OPERATOR |= {f"snapshot_{name}" for name in ("new", "delete", "tags", "watch")}
OPERATOR |= {f"key_pair_{name}" for name in ("new", "delete", "tags")}
OPERATOR |= {f"topic_{name}" for name in ("new", "delete", "tags", "publish", "permit")}
OPERATOR |= {f"topic_{name}" for name in ("subscribe", "confirm", "unsubscribe")}
ADMIN = {"rule_new", "rule_edit", "rule_delete", "rule_switch", "wording"}
ADMIN |= {"events", "events_forget", "queue_hear", "queue_unhear"}
ADMIN |= {"audit", "audit_csv", "audit_json", "audit_record"}
ADMIN |= {f"people_{name}" for name in ("new", "user", "role", "group", "take", "invite")}
ADMIN |= {"people", "people_disable", "people_enable", "people_end"}
# There while the console is read only, although a viewer may not see them.
SHOWN = {"action", "action_record", "audit", "audit_csv", "audit_json", "audit_record", "events"}
SHOWN |= {"people", "people_user"}
PROVING = {"login", "again", "me_password", "metrics"}  # where a password or token may be wrong
PROBES = {"healthz", "readyz"}  # answered by address

ROLES = {"viewer": VIEWER, "operator": VIEWER | OPERATOR, "admin": VIEWER | OPERATOR | ADMIN}
CHANGING: tuple[str, ...] = (
    "Create",
    "Delete",
    "Run",
    "Start",
    "Stop",
    "Reboot",
    "Terminate",
    "Modify",
    "Attach",
)
CHANGING += ("Detach", "Register", "Deregister", "Publish", "Subscribe", "Unsubscribe", "Confirm")
CHANGING += ("Tag", "Untag", "Set", "Put", "Remove", "Receive", "Send")


def routes(browser: Browser, methods: str = "GET HEAD OPTIONS POST PUT") -> Iterator[Asked]:
    """Every address with every method that it takes; and PUT, which none does."""
    for rule in browser.app.url_map.iter_rules():
        for method in methods.split():
            if method in (rule.methods or ()) or method == "PUT":
                yield Asked(rule, method)


class Asked:
    """One route with one method; names in the address stand for what there is not."""

    def __init__(self, rule: Rule, method: str) -> None:
        self.endpoint, self.method = str(rule.endpoint), method
        given = dict.fromkeys(rule.arguments, "1") | {"slug": "instances", "deed": "retry"}
        _, self.path = rule.build(given, append_unknown=False) or ("", "")

    def __repr__(self) -> str:
        return f"{self.method} {self.path} ({self.endpoint})"


def token_of(browser: Browser) -> dict[str, str]:
    return {"csrf_token": browser.open("/me").fields["csrf_token"]}


def none_of(found: list[tuple[Asked, Page]]) -> None:
    told = [f"{asked}: {page.status} {page.words[:160]}" for asked, page in found]
    assert not told, "\n".join(told)


def test_every_route_has_its_rule(visitor: Browser) -> None:
    known = OPEN | SIGNED_IN | VIEWER | OPERATOR | ADMIN
    assert {str(rule.endpoint) for rule in visitor.app.url_map.iter_rules()} == known


def test_a_route_without_a_rule_is_nobody_s(tmp_path: Path) -> None:
    app = create_app(Settings(data=tmp_path, background=False))
    app.add_url_rule("/new-page", "new_page", lambda: "secret")
    assert Browser(app, signed_in=False).open("/new-page").status == 401
    for person in (Browser(app), Browser(app, as_=[Grant("admin")])):
        page = person.open("/new-page")
        assert (page.status, "secret" in page.html) == (403, False)
    app.extensions["encante"].engine.dispose()


def test_without_a_session_everything_but_the_open_asks_to_sign_in(visitor: Browser) -> None:
    stranger = Browser(visitor.app, signed_in=False)
    asked = [each for each in routes(visitor) if each.endpoint not in OPEN]
    found = [(each, stranger.ask(each.method, each.path)) for each in asked]
    none_of([(each, page) for each, page in found if page.status != 401])
    assert not [each for each, page in found if "web-1" in page.html]


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
def test_a_role_gets_in_where_it_may_and_nowhere_else(visitor: Browser, role: str) -> None:
    person = Browser(visitor.app, as_=[Grant(role)], name=role)  # type: ignore[arg-type]
    token = token_of(person)
    may = ROLES[role] | SIGNED_IN | OPEN
    found = []
    for each in routes(visitor):
        if each.endpoint in {"logout", "me_sessions_end"}:
            continue
        page = person.ask(each.method, each.path, token if each.method == "POST" else None)
        right = page.status not in {401, 403} if each.endpoint in may else page.status == 403
        if each.method == "PUT":
            right = page.status in {404, 405}
        if not right and not (each.endpoint in PROVING and page.status == 401):
            found.append((each, page))
    none_of(found)


def test_only_a_post_does_something(browser: Browser) -> None:
    rules = browser.house.rules
    rule_id = made_rule(browser)
    path = f"/rules/{rule_id}/delete"
    assert browser.ask("HEAD", path, {"_do": "perform"}).status == 200
    assert rules.get(rule_id) is not None
    asked = list(routes(browser, "HEAD"))
    found = [(each, browser.ask("HEAD", each.path)) for each in asked]
    none_of([(each, page) for each, page in found if page.status != browser.open(each.path).status])


def made_rule(browser: Browser) -> str:
    topic = browser.house.inventory.all("topic")[0].id
    page = browser.open("/rules/new")
    sent = browser.send(page, name="nightly", kind="snapshot", topic_arn=topic)
    assert sent.status == 303, sent.words
    return sent.location.rpartition("/")[2]


def test_whoever_may_act_in_another_account_changes_nothing_in_this_one(
    visitor: Browser, aws: Aws
) -> None:
    elsewhere = Limits(accounts=("999999999999",))
    person = Browser(visitor.app, as_=[Grant("operator", elsewhere)], name="elsewhere")
    token = token_of(person)
    account = visitor.house.accounts.main.id
    ids = {kind: visitor.house.inventory.all(kind)[0].id for kind in RESOURCES}
    aws.forget_calls()
    for kind, resource in RESOURCES.items():
        for action in resource.actions:
            path = f"/{resource.slug}/{action.name}?id={ids[kind]}"
            seen = person.open(path)
            assert seen.status in {302, 400, 403, 404, 409} or action.on == "none", path
            for doing in ("perform", "check", "preview"):
                fields = {**seen.fields.to_dict(), **token, "_do": doing}
                fields |= {"account": account, "name": "mine", "key_name": "mine"}
                sent = person.post(path, fields)
                assert sent.status != 303, (path, sent.words)
        assert person.open(f"/{resource.slug}/{ids[kind]}").status == 404
    assert not [name for name in aws.calls() if name.startswith(CHANGING)]


def test_without_the_form_s_token_nothing_is_done(visitor: Browser, aws: Aws) -> None:
    aws.forget_calls()
    owner = Browser(visitor.app)
    asked = list(routes(visitor, "POST"))
    found = [(each, owner.ask("POST", each.path, {"_do": "perform"})) for each in asked]
    none_of([(each, page) for each, page in found if page.status != 400])
    assert not [name for name in aws.calls() if name.startswith(CHANGING)]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
)
def test_what_another_site_sends_is_refused(visitor: Browser, aws: Aws, origin: str) -> None:
    aws.forget_calls()
    owner = Browser(visitor.app)
    token = token_of(owner)
    asked = [each for each in routes(visitor, "POST PUT") if each.endpoint not in PROBES]
    found = [(each, owner.ask(each.method, each.path, token, Origin=origin)) for each in asked]
    none_of([(each, page) for each, page in found if page.status != 403])
    assert not [name for name in aws.calls() if name.startswith(CHANGING)]


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8080", "10.1.2.3"])
def test_under_another_name_nothing_is_answered(visitor: Browser, host: str) -> None:
    owner = Browser(visitor.app)
    asked = [each for each in routes(visitor, "GET POST PUT") if each.endpoint not in PROBES]
    found = [(each, owner.ask(each.method, each.path, None, Host=host)) for each in asked]
    none_of([(each, page) for each, page in found if page.status != 421])


@pytest.fixture(scope="module")
def read_only(tmp_path_factory: pytest.TempPathFactory, _sandbox: Aws) -> Iterator[Browser]:
    """The owner of a console that is read only."""
    folder = tmp_path_factory.mktemp("read-only")
    settings = Settings(
        data=folder,
        sandbox_port=_sandbox.port,
        read_only=True,
        background=False,
        requests_per_minute=0,
    )
    browser = Browser(create_app(settings))
    browser.wait()
    yield browser
    browser.house.engine.dispose()


def test_while_it_is_read_only_everybody_may_look_and_nobody_act(
    read_only: Browser, aws: Aws
) -> None:
    token = token_of(read_only)
    aws.forget_calls()
    found = []
    for each in routes(read_only, "GET HEAD POST"):
        if each.endpoint in OPEN | {"logout", "me_sessions_end"}:
            continue
        page = read_only.ask(each.method, each.path, token if each.method == "POST" else None)
        off = each.endpoint in (OPERATOR | ADMIN) - SHOWN
        if (page.status == 403) != off or (off and each.method != "HEAD" and not says(page)):
            found.append((each, page))
    none_of(found)
    assert not [name for name in aws.calls() if name.startswith(CHANGING)]


def says(page: Page) -> bool:
    return "This console is read only (ENCANTE_READ_ONLY)" in page.words


def test_while_it_is_read_only_pages_say_so_and_offer_nothing(read_only: Browser) -> None:
    page = read_only.open("/instances")
    assert "Read only" in page.words
    assert "Launch instances : This console is read only" in page.words
    for path in ("/", "/instances", "/rules", "/notices", "/watches", "/topics", "/volumes"):
        page = read_only.open(path)
        assert page.status == 200
        assert not [link for link in page.links if link.endswith(("/new", "/edit", "/messages"))]
