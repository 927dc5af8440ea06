"""/healthz, /readyz and /metrics: who may ask, and what they are told."""

from __future__ import annotations

import json
import math
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, text, update

from app import create_app
from app.background import loops
from app.db import now
from app.inventory.tables import collections
from app.migrate import latest
from app.settings import Settings, SettingsError, load
from tests.web.browser import Browser
from tests.web.conftest import Aws

TOKEN = "a-token-of-enough-characters"
DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "metrics.md"


def stranger(browser: Browser) -> Browser:
    return Browser(browser.app, signed_in=False)


def guarded(aws: Aws, folder: Path) -> Browser:
    """Somebody without a session at a console with a token for its metrics."""
    settings = Settings(data=folder, sandbox_port=aws.port, metrics_token=TOKEN)
    return Browser(create_app(settings), signed_in=False)


class Samples:
    """What /metrics says."""

    def __init__(self, person: Browser) -> None:
        page = person.open("/metrics")
        assert page.status == 200
        families = text_string_to_metric_families(page.html)
        self._all = [sample for family in families for sample in family.samples]

    def value(self, name: str, **labels: str) -> float | None:
        """The one sample of this name and these labels; None if there is none."""
        found = [each for each in self._all if each.name == name and each.labels == labels]
        assert len(found) < 2
        return found[0].value if found else None


# Live


def test_it_lives_while_its_steps_end(visitor: Browser) -> None:
    page = stranger(visitor).open("/healthz")
    assert page.status == 200
    assert json.loads(page.html)["status"] == "ok"


@pytest.mark.parametrize(("step", "limit"), [("poll", 300.0), ("collect", 1800.0)])
def test_a_step_that_hangs_is_told(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, step: str, limit: float
) -> None:
    for age, status in ((limit, 200), (limit + 1, 503)):
        monkeypatch.setattr(browser.house.ticks, "ages", lambda age=age: {step: age})
        assert browser.open("/healthz").status == status
        assert browser.open("/readyz").status == status
    assert json.loads(browser.open("/readyz").html)["reasons"] == [
        f"The step {step} of the background hangs."
    ]


# Ready


def test_it_is_ready_when_the_database_is_there_and_up_to_date(visitor: Browser) -> None:
    page = stranger(visitor).open("/readyz")
    assert (page.status, json.loads(page.html)) == (200, {"ready": True, "reasons": []})


def test_while_it_is_being_stopped_it_lives_but_is_not_ready(browser: Browser) -> None:
    browser.house.stopping.set()
    page = browser.open("/readyz")
    assert page.status == 503
    assert json.loads(page.html)["reasons"] == ["It is being stopped."]
    assert browser.open("/healthz").status == 200


def test_with_a_database_of_another_revision_it_is_not_ready(browser: Browser) -> None:
    with browser.house.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    page = browser.open("/readyz")
    assert page.status == 503
    assert f"at revision 9999, not at {latest()}" in page.html


def test_without_its_database_it_lives_but_is_not_ready(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_the_database(browser, monkeypatch)
    page = stranger(browser).open("/readyz")
    assert page.status == 503
    assert json.loads(page.html)["reasons"] == ["The database does not answer."]
    assert stranger(browser).open("/healthz").status == 200


@pytest.mark.parametrize("path", ["/", "/watches", "/notices", "/instances", "/activity"])
def test_without_its_database_a_page_says_so_and_does_not_call_it_a_fault_of_ours(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    lose_the_database(browser, monkeypatch)
    page = browser.open(path)
    assert page.status == 503
    assert "The database does not answer" in page.words
    assert "fault of Encante" not in page.words
    assert "Traceback" not in page.html


def test_what_was_sent_without_a_database_is_not_said_to_be_undone(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = browser.open("/topics/new")
    lose_the_database(browser, monkeypatch)
    page = browser.post(form.path, form.fields.to_dict())
    assert page.status == 503
    assert "Look whether it was done before you do it again" in page.words


def lose_the_database(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no connection can be made."""
    engine = browser.house.engine
    engine.dispose()
    lost = engine.dialect.dbapi.OperationalError("the server closed the connection")  # type: ignore[union-attr]

    def connect(*_: Any, **__: Any) -> None:
        raise lost

    monkeypatch.setattr(engine.dialect, "connect", connect)


# Who may ask


def test_the_probes_answer_whoever_asks_by_address_and_tell_nothing_secret(
    visitor: Browser,
) -> None:
    for path in ("/healthz", "/readyz"):
        page = stranger(visitor).open(path, Host="10.0.0.7:8080")
        assert page.status == 200
        assert "Set-Cookie" not in page.headers
        assert set(json.loads(page.html)) <= {"status", "seconds_since_step", "ready", "reasons"}


def test_the_token_opens_the_metrics_under_any_name(aws: Aws, tmp_path: Path) -> None:
    prometheus = guarded(aws, tmp_path)
    for kind in ("Bearer", "bearer"):
        page = prometheus.open("/metrics", Authorization=f"{kind} {TOKEN}", Host="10.0.0.7:8080")
        assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ü"]
)
def test_with_another_token_the_metrics_are_closed_to_this_machine_too(
    aws: Aws, tmp_path: Path, given: str
) -> None:
    page = guarded(aws, tmp_path).open("/metrics", **({"Authorization": given} if given else {}))
    assert page.status == 401
    assert page.headers["WWW-Authenticate"] == "Bearer"
    assert "encante_" not in page.html


def test_without_a_token_this_machine_and_who_is_signed_in_may_read_them(
    visitor: Browser,
) -> None:
    local, remote = {"REMOTE_ADDR": "127.0.0.1"}, {"REMOTE_ADDR": "192.0.2.1"}
    client = visitor.app.test_client()
    assert client.get("/metrics", environ_base=local).status_code == 200
    assert client.get("/metrics", environ_base=remote).status_code == 401
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": ""}).status_code == 401
    assert visitor.open("/metrics").status == 200


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_what_a_proxy_on_this_machine_passes_on_is_not_local(visitor: Browser, name: str) -> None:
    page = stranger(visitor).open("/metrics", **{name: "127.0.0.1"})
    assert page.status == 401


def test_a_page_elsewhere_cannot_have_them_by_a_name_that_leads_here(visitor: Browser) -> None:
    assert stranger(visitor).open("/metrics", Host="evil.example").status == 421


def test_a_short_token_is_refused_and_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCANTE_METRICS_TOKEN", "short-secret")
    with pytest.raises(SettingsError, match="ENCANTE_METRICS_TOKEN: must have 16") as raised:
        load()
    assert "short-secret" not in str(raised.value)
    monkeypatch.setenv("ENCANTE_METRICS_TOKEN", TOKEN)
    assert TOKEN not in repr(load())


# What they are told


def test_the_requests_to_aws_are_counted_with_what_came_of_them(first: Browser, aws: Aws) -> None:
    def count(outcome: str) -> float:
        told = {"service": "ec2", "operation": "DescribeVolumes", "outcome": outcome}
        return Samples(first).value("encante_aws_requests_total", **told) or 0

    before = count("ok")
    assert before >= 2  # one in each region
    aws.fault("throttle", "DescribeVolumes", count=1)
    clients = first.house.accounts.clients()
    clients.send("ec2", "DescribeVolumes", {}, "us-east-1", "read")
    assert (count("throttled"), count("ok")) == (1, before + 1)


def test_the_steps_of_the_background_are_counted(first: Browser) -> None:
    found, name = Samples(first), "encante_background_steps_total"
    assert (found.value(name, step="collect", outcome="busy") or 0) >= 2
    assert (found.value(name, step="poll", outcome="idle") or 0) >= 1
    assert found.value("encante_background_step_age_seconds", step="poll") is not None


def test_the_lag_of_a_scope_is_what_its_age_exceeds_its_interval_by(browser: Browser) -> None:
    here = {"account": "123456789012", "region": "us-east-1", "kind": "volume"}
    never = here | {"region": "af-south-1"}
    late = (collections.c.kind == "volume") & (collections.c.region == "us-east-1")
    with browser.house.engine.begin() as connection:
        then = now() - timedelta(hours=3)
        connection.execute(update(collections).where(late).values(seen_at=then))
        connection.execute(insert(collections).values(never))
    found, lag = Samples(browser), "encante_collector_lag_seconds"
    age = found.value("encante_collector_age_seconds", **here)
    assert age is not None
    assert age >= 3 * 3600
    # nobody looks at it: 3600 s, and up to a quarter more
    assert found.value(lag, **here) == pytest.approx(age - 4500)
    assert found.value(lag, **here | {"kind": "image"}) == 0
    assert found.value(lag, **never) == math.inf


def test_the_delay_of_a_notice_is_put_into_its_bucket(browser: Browser) -> None:
    browser.house.metrics.sent(12)
    browser.house.metrics.sent(-1)  # AWS's clock is ahead of ours
    found, name = Samples(browser), "encante_notice_delay_seconds_bucket"
    assert [found.value(name, le=le) for le in ("10.0", "15.0", "+Inf")] == [1, 2, 2]
    assert found.value("encante_notices_sent_total") == 2


def test_without_the_database_the_rest_is_told(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Samples(browser).value("encante_database_up") == 1
    lose_the_database(browser, monkeypatch)
    found = Samples(browser)
    assert found.value("encante_database_up") == 0
    assert found.value("encante_oldest_unsent_notice_age_seconds") is None
    assert (found.value("process_resident_memory_bytes") or 0) > 0


def test_two_consoles_in_one_process_count_for_themselves(
    browser: Browser, aws: Aws, tmp_path: Path
) -> None:
    other = guarded(aws, tmp_path / "other")
    browser.house.metrics.sent(1)
    assert b"encante_notice_delay_seconds_count 0.0" in other.house.metrics.text()


def test_every_metric_is_in_the_documentation_and_no_other(browser: Browser) -> None:
    told = set(re.findall(r"^\| `(encante_\w+)` \|", DOCS.read_text(), re.MULTILINE))
    text = browser.open("/metrics").html
    given = set(re.findall(r"^# TYPE (encante_\w+)", text, re.MULTILINE))
    given = {name for name in given if not name.endswith("_created")}
    assert told == given
    used = set(re.findall(r"encante_\w+", DOCS.read_text().partition("## Alerts")[2]))
    assert used <= given


def test_every_step_is_in_the_documentation_and_no_other(browser: Browser) -> None:
    told = re.findall(r"^- `(\w+)`: ", DOCS.read_text(), re.MULTILINE)
    assert set(told) == {loop.name for loop in loops(browser.house)}


def test_every_metric_has_a_help_that_is_no_empty_word(browser: Browser) -> None:
    text = browser.open("/metrics").html
    helps = dict(re.findall(r"^# HELP (encante_\w+) (.*)$", text, re.MULTILINE))
    for name, words in helps.items():
        assert len(words.split()) > 3, name
        if name.endswith("_seconds"):
            assert "Seconds" in words or name.endswith("_created"), name
