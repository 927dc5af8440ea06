"""A console on a sandbox in this process, and people to be: each role, and nobody."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from flask import Flask

from app import create_app
from app.background import tick
from app.db import now
from app.people import login_tokens
from app.people.who import ROLES, Grant, Limits
from app.sandbox.server import start_in_thread
from app.sandbox.settings import SandboxSettings
from app.settings import Settings
from tests.fuzz.fuzzer import Fuzzer, Somebody
from tests.fuzz.raw import Client, Request
from tests.web.browser import session_of

# told apart from the sandbox of other tests in the same process
SANDBOX = SandboxSettings(port=0, account_id="310987654321")
TOGETHER = 400  # requests, after which the background has its turn


@contextmanager
def fuzzing(folder: Path, seed: int) -> Iterator[Fuzzer]:
    """A fuzzer with a console of its own that has seen everything once."""
    sandbox = start_in_thread(SANDBOX)
    told = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        settings = Settings(
            data=folder,
            sandbox_port=urlsplit(sandbox.url).port or 0,
            background=False,
            requests_per_minute=0,
            refresh_seconds=3600,
            idle_refresh_seconds=3600,
        )
        app = create_app(settings)
        catch_up(app)
        yield Fuzzer(app, people(app), seed)
        app.extensions["encante"].engine.dispose()
    finally:
        structlog.configure(wrapper_class=told)
        sandbox.stop()


def go(fuzzer: Fuzzer, number: int) -> None:
    """Every route once, then on until so many requests were sent."""
    fuzzer.walk()
    while fuzzer.number < number:
        catch_up(fuzzer.app)
        fuzzer.run(min(number, fuzzer.number + TOGETHER))


def people(app: Flask) -> list[Somebody]:
    """The owner, each role, one that is narrowed, and nobody, signed in as far as they can be."""
    narrowed = Grant("operator", Limits(regions=("us-east-1",), tag_key="team", tag_value="web"))
    held = {role: Grant(role) for role in ROLES} | {"narrowed": narrowed}
    found = [
        Somebody("owner", Client(app, "127.0.0.1"), partial(_by_link, app)),
        Somebody("nobody", Client(app, "127.0.0.9"), lambda client: None, weight=1),
    ]
    for number, (name, grant) in enumerate(held.items(), 2):
        found.append(
            Somebody(name, Client(app, f"127.0.0.{number}"), partial(_as, app, name, grant))
        )
    for each in found:
        each.enter(each.client)
    return found


def _by_link(app: Flask, client: Client) -> None:
    token = login_tokens.create(app.extensions["encante"].engine)
    answer = client.send(Request("GET", "/login", f"token={token}"))
    assert answer.status in {302, 303}, answer.text


def _as(app: Flask, name: str, grant: Grant, client: Client) -> None:
    house = app.extensions["encante"]
    # under a new name each time: whoever was disabled meanwhile is so for good
    token = session_of(house, f"{name}-{secrets.token_hex(4)}", [grant])
    client.cookies = {house.settings.cookie("session"): token}


def catch_up(app: Flask, ticks: int = 60) -> None:
    """Let the background do its work until it has nothing more to do."""
    for _ in range(ticks):
        if not tick(app.extensions["encante"], now()):
            return
