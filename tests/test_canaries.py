"""Secrets with marks on them: after a console was used, they stand nowhere but where they must.

A real console works with credentials of its own and of an assumed role, is signed in to by link and
password, makes a key pair, launches with user data, is refused, and breaks. Then everything that it
has written or shown is searched.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sqlalchemy import MetaData, create_engine, select, text

from app.sandbox.server import start_in_thread
from app.sandbox.settings import SandboxSettings
from scripts.own_console import ROOT, OwnConsole
from tests.databases import Databases
from tests.fuzz.surface import read

ACCOUNT, OTHER = "345678901234", "456789012345"
# what the sandbox gives out for an assumed role: the end of its keys, and how its tokens begin
ASSUMED = (r"[0-9a-f]{32}sandbox", "WyJlbmNhbnRl")
PAGES = 120


def _canary() -> str:
    return f"canary{secrets.token_hex(24)}"


@dataclass
class Run:
    """A console in use: its secrets by what they are, and what it showed."""

    console: OwnConsole
    database: str
    secrets: dict[str, str]
    session: requests.Session = field(default_factory=requests.Session)
    shown: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **more: object) -> requests.Response:
        """Open a page, and keep what it showed."""
        answer = self.session.get(f"{self.console.url}{path}", timeout=60, **more)  # type: ignore[arg-type]
        self.shown[f"GET {path}"] = f"{answer.headers}\n{answer.text}"
        return answer

    def send(self, path: str, number: int = 0, **changes: str) -> requests.Response:
        """Fill in a form of a page, and send it."""
        forms = [form for form in read(self.get(path).text)[0] if form.method == "POST"]
        own = [form for form in forms if form.action != "/logout"]
        acting = [form for form in own if any(name == "client_token" for name, _ in form.fields)]
        form = (acting or own)[number]
        fields = dict(form.fields) | changes
        answer = self.session.post(
            f"{self.console.url}{form.action or path}",
            data=fields,
            headers={"Origin": self.console.url},
            allow_redirects=False,
            timeout=60,
        )
        self.shown[f"POST {path} {len(self.shown)}"] = f"{answer.headers}\n{answer.text}"
        return answer

    def crawl(self) -> None:
        """Open what pages lead to, until there were many."""
        seen: set[str] = set()
        waiting = ["/", "/me", "/people", "/audit", "/metrics", "/healthz", "/nothing"]
        while waiting and len(seen) < PAGES:
            path = waiting.pop(0)
            seen.add(path)
            for link in read(self.get(path).text)[1]:
                parts = urlsplit(link)
                known = parts.netloc or not parts.path.startswith("/") or "static" in parts.path
                if not known and link not in seen and link not in waiting:
                    waiting.append(link)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def run(
    request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """A console that was used in every way in which a secret passes through it; stopped again."""
    folder = tmp_path_factory.mktemp("canaries")
    names = (
        "access key", "secret access key", "session token", "external id", "secret key",
        "old secret key", "metrics token", "client secret", "database password", "password",
        "wrong password", "user data",
    )  # fmt: skip
    marks = {name: _canary() for name in names}
    sandbox = start_in_thread(
        SandboxSettings(
            port=0, account_id=ACCOUNT, accounts=(OTHER,), external_id=marks["external id"]
        )
    )
    with databases.new(request.param) as url:
        address = re.sub(r"://([^:@/]+)@", rf"://\1:{marks['database password']}@", url)
        role = f"arn:aws:iam::{OTHER}:role/encante;external_id={marks['external id']}"
        console = OwnConsole(
            folder,
            {
                "ENCANTE_AWS": "aws",
                "ENCANTE_REQUESTS_PER_MINUTE": "0",
                "AWS_ENDPOINT_URL": sandbox.url,
                "ENCANTE_REGIONS": "us-east-1",
                "ENCANTE_ACCOUNTS": f"home,other=role:{role}",
                "AWS_ACCESS_KEY_ID": marks["access key"],
                "AWS_SECRET_ACCESS_KEY": marks["secret access key"],
                "AWS_SESSION_TOKEN": marks["session token"],
                "ENCANTE_DATABASE_URL": address,
                "ENCANTE_SECRET_KEY": marks["secret key"],
                "ENCANTE_OLD_SECRET_KEYS": marks["old secret key"],
                "ENCANTE_METRICS_TOKEN": marks["metrics token"],
                "ENCANTE_OIDC_ISSUER": "http://127.0.0.1:9",
                "ENCANTE_OIDC_CLIENT_ID": "encante",
                "ENCANTE_OIDC_CLIENT_SECRET": marks["client secret"],
                "ENCANTE_LOG_FORMAT": "json" if request.param == "sqlite" else "console",
            },
        )
        run = Run(console, url, marks)
        link = console.start()
        try:
            use(run, link)
            run.crawl()
            run.shown["metrics"] = requests.get(
                f"{console.url}/metrics",
                headers={"Authorization": f"Bearer {marks['metrics token']}"},
                timeout=60,
            ).text
            break_it(run)
        finally:
            console.stop()
            sandbox.stop()
        yield run


def use(run: Run, link: str) -> None:
    """Sign in in every way, and send secrets through forms."""
    run.secrets["start link"] = parse_qs(urlsplit(link).query)["token"][0]
    run.session.get(link, timeout=60)
    _remember_cookies(run, "of the link")
    key = run.send("/key-pairs/new", key_name="canary")
    found = re.search(r"BEGIN [A-Z ]*PRIVATE KEY-----\s+([\w+/=]{40,})", key.text)
    assert found, re.sub(r"<[^>]*>|\s+", " ", key.text[2000:])
    assert key.headers["Cache-Control"] == "no-store"
    del run.shown[f"POST /key-pairs/new {len(run.shown) - 1}"]  # where it must stand, this once
    run.secrets["private key"] = found[1][-40:]
    image = _image(run)
    launched = run.send(
        f"/instances/new?image_id={image}", user_data=f"#!/bin/sh\n{run.secrets['user data']}"
    )
    assert launched.status_code == 303, launched.text
    refused = run.send(
        f"/instances/new?image_id={image}",
        user_data=f"#!/bin/sh\n{run.secrets['user data']}",
        instance_type="no.such",
    )
    assert refused.status_code >= 400
    for path in [name for name, shown in run.shown.items() if name.startswith("POST /instances")]:
        # a form that was refused comes back filled in, to whoever has sent it
        run.shown[path] = run.shown[path].replace(run.secrets["user data"], "")
    _sign_in_by_password(run)


def _image(run: Run) -> str:
    """The id of an image, as soon as images have been read."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = run.get("/images.json").json()
        if found:
            return str(found[0]["id"])
        time.sleep(0.2)
    raise AssertionError("there are no images")


def _sign_in_by_password(run: Run) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "app.cli", "user", "add", "pat", "--role", "admin"],
        cwd=ROOT, env=run.console.environment, capture_output=True, text=True, check=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    found = re.search(r"/invitation\?token=(\S+)", told.stdout)
    assert found, told
    run.secrets["invitation"] = found[1]
    password = run.secrets["password"]
    run.session = requests.Session()
    chosen = run.send(f"/invitation?token={found[1]}", new=password, repeated=password)
    assert chosen.status_code < 400, chosen.text
    for name in [name for name in run.shown if found[1] in name]:
        del run.shown[name]  # the form of the invitation itself
    _remember_cookies(run, "of the invitation")
    run.session = requests.Session()
    forms = read(run.get("/login").text)[0]
    number = next(
        at for at, form in enumerate(forms) if any(name == "password" for name, _ in form.fields)
    )
    wrong = run.send("/login", number, name="pat", password=run.secrets["wrong password"])
    assert wrong.status_code in {401, 429}
    right = run.send("/login", number, name="pat", password=password)
    assert right.status_code < 400, right.text
    _remember_cookies(run, "of the password")


def _remember_cookies(run: Run, what: str) -> None:
    for cookie in run.session.cookies:
        if cookie.name.endswith("session"):
            run.secrets[f"session {what}"] = str(cookie.value)
    assert f"session {what}" in run.secrets, run.session.cookies
    for name in run.shown:  # where it was given
        run.shown[name] = run.shown[name].replace(run.secrets[f"session {what}"], "")


def break_it(run: Run) -> None:
    """Take away a table that is written to, and have a form of user data and a sign-in fail."""
    engine = create_engine(run.database)
    forms = f"/instances/new?image_id={_image(run)}"
    page = run.get(forms).text
    fields = dict(
        next(f for f in read(page)[0] if f.method == "POST" and f.action != "/logout").fields
    )
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE actions RENAME TO actions_away"))
    answer = run.session.post(
        f"{run.console.url}{forms}",
        data=fields | {"user_data": run.secrets["user data"], "name": "broken"},
        headers={"Origin": run.console.url},
        timeout=60,
    )
    # SQLite says of a missing table what it says of a database in trouble
    assert answer.status_code in {500, 503}
    run.shown["broken"] = answer.text
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE actions_away RENAME TO actions"))
        connection.execute(text("ALTER TABLE sessions RENAME TO sessions_away"))
    run.shown["broken sign-in"] = requests.get(run.console.url, timeout=60).text
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE sessions_away RENAME TO sessions"))
    engine.dispose()


def leaks(run: Run, where: str, content: str, but: tuple[str, ...] = ()) -> list[str]:
    """Which secrets stand in a text."""
    found = [
        f"{name} in {where}"
        for name, secret in run.secrets.items()
        if name not in but and secret in content
    ]
    return found + [
        f"assumed role's {each} in {where}" for each in ASSUMED if re.search(each, content)
    ]


def test_no_secret_is_in_the_log(run: Run) -> None:
    log = run.console.errors.read_text()
    assert "unexpected error" in log  # it broke, and told
    assert "Traceback" in log
    assert leaks(run, "the log", log) == []


def test_no_secret_is_on_a_page(run: Run) -> None:
    assert len(run.shown) > PAGES
    assert [leak for name, shown in run.shown.items() for leak in leaks(run, name, shown)] == []


def test_no_secret_is_in_the_database_or_a_backup(run: Run, tmp_path: Path) -> None:
    engine = create_engine(run.database)
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        rows = [
            f"{table.name}: {dict(row._mapping)}"
            for table in tables.sorted_tables
            for row in connection.execute(select(table))
        ]
    engine.dispose()
    assert any("RunInstances" in row for row in rows)
    assert [leak for row in rows for leak in leaks(run, row[:200], row)] == []
    if run.database.startswith("sqlite"):
        copy = tmp_path / "backup.db"
        path = run.database.removeprefix("sqlite:///")
        with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
            source.backup(target)
        source.close()
        target.close()
        for file in (copy, *Path(path).parent.glob(f"{Path(path).name}*")):
            assert leaks(run, str(file), file.read_bytes().decode("latin-1")) == []


def test_no_secret_is_in_the_data_folder(run: Run) -> None:
    for file in run.console.data.rglob("*"):
        if file.is_file():
            assert leaks(run, str(file), file.read_bytes().decode("latin-1")) == []


def test_the_metrics_hold_no_secret_and_ask_for_theirs(run: Run) -> None:
    assert "Not without ENCANTE_METRICS_TOKEN" in run.shown["GET /metrics"]
    assert "encante_notices" in run.shown["metrics"]
    assert leaks(run, "the metrics", run.shown["metrics"]) == []
