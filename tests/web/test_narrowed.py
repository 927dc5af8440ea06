"""Nobody learns of what is outside their limits, by any page: every route, by several persons."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.aws.call import Call, Plan
from app.db import now
from app.people import actions, views
from app.people.who import Grant, Limits
from app.resources import RESOURCES
from app.resources.spec import Row
from app.watches.rule_store import Draft
from app.watches.tables import notices, watches
from tests.web.browser import Browser, Page
from tests.web.conftest import Start

MAIN, OTHER = "123456789012", "210987654321"
HERE, THERE = "us-east-1", "eu-central-1"
HUSH = "hushhush"  # a part of every word that the persons below must not read
OUTSIDE = {"accounts": (OTHER, HERE), "regions": (MAIN, THERE), "tags": (MAIN, HERE)}
WEB = Limits(tag_key="team", tag_value="open")
PERSONS: dict[str, Sequence[Limits]] = {
    "of an account, in a region, with a tag": [Limits((MAIN,), (HERE,), "team", "open")],
    "with a tag": [WEB],
    "of two limits": [Limits((MAIN,), (HERE,), "team", "open"), Limits(("999999999999",))],
}


class Planted:
    """Resources of every kind inside the limits (``own``) and outside (``hidden``)."""

    def __init__(self, browser: Browser) -> None:
        self.house = browser.house
        self.own: dict[str, str] = {}
        self.hidden: list[Row] = []
        self.stored: list[tuple[str, str, str, dict[str, Any]]] = []
        for number, kind in enumerate(RESOURCES):
            like = self.house.inventory.all(kind)[0]
            self.own[kind] = self._plant(like, f"open{number}", (MAIN, HERE), "open")
            for place, (where, at) in enumerate(OUTSIDE.items()):
                word = f"{HUSH}{where}{number}"
                found = self._plant(like, word, at, HUSH + where, f"{place}{number}")
                row = self.house.inventory.get(kind, found)
                assert row is not None
                self.hidden.append(row)
        self.watch, self.notice, self.rule, self.action, self.view = self._deeds()
        self.browser = browser

    def again(self) -> None:
        """Let all be there again: AWS, asked for one by its id, does not know it."""
        for kind, account, region, description in self.stored:
            self.house.inventory.store(kind, account, region, [description], now())

    def _plant(self, like: Row, word: str, at: tuple[str, str], tag: str, mark: str = "") -> str:
        """Store a resource like another, by another name; returns its id."""
        resource = RESOURCES[like.kind]
        account, region = at
        if like.id.startswith("arn:"):
            service = like.id.split(":")[2]
            made = f"arn:aws:{service}:{region}:{account}:{word}"
        else:
            made = f"{resource.prefix}{'0dead' if mark else '0beef'}{mark:0>12}"
        description: dict[str, Any] = {**like.description, resource.id_key: made}
        tags = {"Name": word, "team": tag, f"{word}key": word}
        own = "_Tags" if like.kind in ("topic", "queue") else "Tags"
        description[own] = [{"Key": key, "Value": value} for key, value in tags.items()]
        for name in ("KeyName", "GroupName", "Name", "Description"):
            if isinstance(description.get(name), str):
                description[name] = word
        if like.kind == "queue":
            description["QueueUrl"] = f"http://localhost/{account}/{word}"
        self.stored.append((like.kind, account, region, description))
        self.house.inventory.store(like.kind, account, region, [description], now())
        return made

    def _deeds(self) -> tuple[str, str, str, str, int]:
        """A watch with a notice, a rule, an action and a shared view, all of what is hidden."""
        house = self.house
        snapshot = next(row for row in self.hidden if row.kind == "snapshot")
        topic = next(row.id for row in self.hidden if row.kind == "topic")
        pending = {**snapshot.description, "State": "pending", "Progress": "1%"}
        watch = house.watches.watch(
            kind="snapshot",
            account=snapshot.account,
            region=snapshot.region,
            found=pending,
            source_name=f"{HUSH}source",
            topic_arn=topic,
            outcomes=("completed",),
            actor=f"{HUSH}actor",
        )
        notice = house.watches.test(topic, snapshot.account, snapshot.region)
        with house.engine.begin() as connection:
            told = {"subject": f"{HUSH}subject", "message": f"{HUSH}message", "state": "held"}
            connection.execute(update(notices).values(told))
            connection.execute(update(watches).values(description=f"{HUSH}description"))
        rule = house.rules.make(
            Draft(f"{HUSH}rule", "snapshot", f"tag:{HUSH}", topic, ("completed",)), "owner", ""
        )
        call = Call("ec2", "StopInstances", HERE, {"InstanceIds": [HUSH]}, f"Stop {HUSH}")
        token = "0123456789abcdef0123"
        actions.begin(
            house.engine, token, "owner", Plan(f"{HUSH}title", (call,)), "/instances/stop"
        )
        views.save(house.engine, "instance", "owner", f"{HUSH}view", f"q={HUSH}", shared=True)
        (view,) = views.of(house.engine, "instance", "owner")
        return watch, notice, rule, token, view.id


@pytest.fixture(scope="module")
def planted(_start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    browser = _start.console(tmp_path_factory.mktemp("planted"))
    yield Planted(browser)
    browser.house.engine.dispose()


@pytest.fixture(params=PERSONS)
def person(request: pytest.FixtureRequest, planted: Planted) -> Browser:
    planted.again()
    limits = PERSONS[request.param]
    app = planted.browser.app
    return Browser(app, as_=[Grant("operator", each) for each in limits], name=request.param)


def routes(planted: Planted) -> Iterator[str]:
    """Every address that a GET can ask for, with what is hidden in it where it takes an id."""
    app = planted.browser.app
    by_kind = {row.kind: row.id for row in planted.hidden}
    given: dict[str, Any] = {
        "watch_id": planted.watch,
        "notice_id": planted.notice,
        "rule_id": planted.rule,
    }
    given |= {"action_id": planted.action, "view_id": planted.view, "filename": "parts.css"}
    given |= {"seq": 1}
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "logout":
            continue
        kind = (rule.defaults or {}).get("kind") or rule.endpoint.partition("_")[0]
        values: dict[str, Any] = {"resource_id": by_kind.get(kind, "i-0dead0dead0"), **given}
        for slug in ("instances", "snapshots", "topics", "volumes"):
            built = rule.build({**dict.fromkeys(rule.arguments, "1"), **values, "slug": slug})
            if built is not None:
                yield built[1]
            if "slug" not in rule.arguments:
                break


def questions(planted: Planted) -> Iterator[str]:
    """What is asked of the routes that answer to something typed or ticked."""
    hidden = {row.kind: row.id for row in planted.hidden}
    for kind, resource in RESOURCES.items():
        for asked in ("q=dead", "q=hushh", "sort=-name", "q=tag:team", "per_page=250"):
            yield f"/{resource.slug}?{asked}"
        for text in ("", "hushh", "team", "tag:", "tag:team ", "tag:team = ", "name = hushh"):
            yield f"/suggest/{resource.slug}?q={text}&at={len(text)}"
        yield f"/pick/{resource.slug}?x=hushh"
        yield f"/pick/{resource.slug}?x=dead"
        yield f"/{resource.slug}/gone?q=hushh"
        for action in resource.actions:
            for each in (planted.own[kind], hidden[kind]):
                yield f"/{resource.slug}/{action.name}?id={each}"
        yield f"/{resource.slug}/{planted.own[kind]}"
    yield from ("/search?q=hushh", "/search?q=dead", "/activity?q=hushh", "/watches?state=open")
    yield from (f"/watches?of={planted.hidden[0].id}", f"/notices?topic={planted.own['topic']}")


def leaks(planted: Planted, page: Page, path: str) -> list[str]:
    """What of the hidden words stands in an answer, but for what was asked with."""
    whole = f"{page.html} {page.headers}"
    words = {HUSH, *(row.id for row in planted.hidden)}
    return [word for word in words if word in whole and word not in path]


def test_no_page_tells_a_person_of_what_is_outside_their_limits(
    planted: Planted, person: Browser
) -> None:
    told = []
    paths = dict.fromkeys((*routes(planted), *questions(planted)))
    # those with an id come last: AWS is asked for it, and what it does not know is gone then
    for path in sorted(paths, key=lambda path: "dead" in path or "beef" in path or "arn" in path):
        for headers in ({},) if "?id=" in path else ({}, {"HX_Request": "true"}):
            page = person.open(path, **headers)
            assert page.status < 500, (path, page.words)
            told += [(path, headers, found) for found in leaks(planted, page, path)]
    assert told == []


def test_whoever_sees_everything_reads_the_same_words(planted: Planted) -> None:
    planted.again()
    owner = planted.browser
    for path in ("/instances", "/instances.csv", "/activity", "/watches", "/rules", "/search?q=hu"):
        assert HUSH in owner.open(path).html, path


def test_what_is_outside_is_answered_like_what_there_is_not(
    planted: Planted, person: Browser
) -> None:
    for row in planted.hidden:
        if row.id.startswith("arn:"):
            continue
        none = row.id.replace("0dead", "0feed")
        there, not_there = (
            person.open(f"/{RESOURCES[row.kind].slug}/{each}") for each in (row.id, none)
        )
        assert there.status == not_there.status == 404
        assert there.words == not_there.words.replace(none, row.id)
    for path, none in ((f"/watches/{planted.watch}", "/watches/none"),):
        assert person.open(path).status == person.open(none).status == 404


def test_one_s_own_resources_are_all_there(planted: Planted) -> None:
    planted.again()
    app = planted.browser.app
    pat = Browser(app, as_=[Grant("viewer", WEB)], name="pat")
    for kind, own in planted.own.items():
        slug = RESOURCES[kind].slug
        assert pat.open(f"/{slug}/{own}").status == 200
        assert own in pat.open(f"/{slug}").html
        assert own in pat.open(f"/{slug}.json").html


def test_pages_read_only_what_whoever_asks_may_see() -> None:
    """The whole inventory, all accounts and all watches are for writers and for judging."""
    folder = Path(__file__).resolve().parents[2] / "app" / "web"
    judges = {"context.py", "acting.py", "may.py", "recording.py", "perform.py", "health.py"}
    admins = {"rules.py", "wording.py", "events.py"}  # whose role is never narrowed
    whole = {
        f"{path.name}: {ast.unparse(node)}"
        for path in folder.glob("*.py")
        if path.name not in judges | admins
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in {"inventory", "accounts", "watches"}
        and ast.unparse(node.value) in {"house()", "services"}
    }
    assert whole == ALLOWED


# what they are needed for: judging a plan, endpoints, and what is written
ALLOWED = {
    "chosen.py: services.watches",
    "forms.py: house().accounts",
    "messages.py: house().accounts",
    "notices.py: house().watches",
    "parts.py: house().watches",
    "preview.py: house().accounts",
    "preview.py: house().inventory",
    "watches.py: house().watches",
}
