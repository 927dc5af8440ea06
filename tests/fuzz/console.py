"""A console on a sandbox in this process, and people to be: each role, and nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app import create_app
from app.background import tick
from app.db import now
from app.people import login_tokens
from app.settings import Settings
from flask import Flask
from tests.fuzz.fuzzer import Somebody
from tests.fuzz.raw import Client, Request


def entered_by_link(app: Flask, client: Client) -> None:
    """Open a fresh start link."""
    token = login_tokens.create(app.extensions["encante"].engine)
    answer = client.send(Request("GET", "/login", f"token={token}"))
    assert answer.status == 302, answer.text


def people(app: Flask) -> list[Somebody]:
    """The owner, each role, and nobody, signed in as far as they can be."""
    found = [
        Somebody("owner", Client(app, "127.0.0.1"), lambda client: entered_by_link(app, client)),
        Somebody("nobody", Client(app, "127.0.0.9"), lambda client: None, weight=1),
    ]
    for each in found:
        each.enter(each.client)
    return found


def catch_up(app: Flask, ticks: int = 60) -> None:
    """Let the background do its work until it has nothing more to do."""
    for _ in range(ticks):
        if not tick(app.extensions["encante"], now()):
            return
