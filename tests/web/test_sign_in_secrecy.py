"""Whether a name is somebody's: neither the answer to a wrong password nor how long it takes tells.

What is measured is the processor's time, which a busy machine hardly changes, of requests in turn.
``SIGN_IN_SAMPLES=2000`` measures longer, and prints what it found.
"""

from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import run_wsgi_app

from app.db import now
from app.people import passwords, tables, users
from app.people.audit import By
from tests.fuzz.raw import FORM, HOST, Client, Request
from tests.web.browser import Browser

FULL_COST = True
SAMPLES = int(os.environ.get("SIGN_IN_SAMPLES", "16"))
KINDS = ("somebody", "nobody", "disabled", "without a password")


@dataclass
class Measured:
    """Of wrong passwords for one kind of name: how long they took, and the answers."""

    seconds: list[float] = field(default_factory=list)
    answers: set[tuple[int, str, str]] = field(default_factory=set)


@pytest.fixture(scope="module")
def measured(visitor: Browser) -> dict[str, Measured]:
    """The kinds in turn, each name once, each from an address of its own."""
    names = dict(_names(visitor.app))
    found = {kind: Measured() for kind in KINDS}
    for number in range(-2, SAMPLES):  # the first ones load what is loaded once
        for kind in KINDS:
            name = names.get((kind, number), f"nobody-{number + 5}")
            took, answer = _tried(visitor.app, name, len(KINDS) * (number + 5) + KINDS.index(kind))
            if number >= 0:
                found[kind].seconds.append(took)
                found[kind].answers.add(answer)
    return found


def _names(app: Flask) -> Iterator[tuple[tuple[str, int], str]]:
    engine = app.extensions["encante"].engine
    kept = passwords.hashed("four uncommon words in a row")
    for kind in KINDS:
        if kind == "nobody":
            continue
        for number in range(-2, SAMPLES):
            name = f"{kind.partition(' ')[0]}-{number + 5}"
            made = users.add(engine, By("tests"), name)
            values = {
                "password": "" if kind == "without a password" else kept,
                "disabled_at": now() if kind == "disabled" else None,
            }
            with engine.begin() as connection:
                connection.execute(
                    update(tables.users).where(tables.users.c.id == made).values(values)
                )
            yield (kind, number), name


def _tried(app: Flask, name: str, number: int) -> tuple[float, tuple[int, str, str]]:
    client = Client(app, f"10.{number // 62500 % 250}.{number // 250 % 250}.{number % 250 + 1}")
    page = client.send(Request("GET", "/login")).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    fields = {"csrf_token": token[1], "name": name, "password": "wrong, and long enough"}
    headers = (("Origin", f"http://{HOST}"), ("Content-Type", FORM))
    environ = client.environ(
        Request("POST", "/login", headers=headers, body=urlencode(fields).encode())
    )
    began = time.process_time()
    body, status, answered = run_wsgi_app(app.wsgi_app, environ)
    content = b"".join(body).decode()
    took = time.process_time() - began
    body.close()  # type: ignore[attr-defined]
    kept = sorted(set(answered.keys()) - {"Server-Timing"})
    cookies = sorted(each.partition("=")[0] for each in answered.getlist("Set-Cookie"))
    shown = re.sub(r'value="[^"]{20,}"', "", content).replace(name, "NAME")
    return took, (int(status.split()[0]), f"{kept} {cookies}", shown)


def test_a_wrong_password_is_answered_alike_whoever_the_name_is_of(
    measured: dict[str, Measured],
) -> None:
    answers = set().union(*(each.answers for each in measured.values()))
    assert len(answers) == 1
    status, _, shown = answers.pop()
    assert status == 401
    assert "The name or the password is wrong." in shown


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "nobody"])
def test_it_takes_as_long(kind: str, measured: dict[str, Measured]) -> None:
    one, other = measured[kind].seconds, measured["nobody"].seconds
    chance = _longer(one, other)
    print(
        f"{kind}: median {statistics.median(one) * 1000:.2f} ms, nobody: "
        f"{statistics.median(other) * 1000:.2f} ms; of a pair the first takes longer in "
        f"{chance:.1%} of all ({len(one)} of each; by chance 50 % ± {_spread(len(one)):.1%})"
    )
    # One that skips the hash would be at 0 or 1. By chance it is beyond four deviations once in
    # fifteen thousand runs.
    assert abs(chance - 0.5) < max(4 * _spread(len(one)), 0.1)


def _longer(one: list[float], other: list[float]) -> float:
    """How likely it is that one of the first takes longer than one of the others (Mann–Whitney)."""
    pairs = [(a > b) + (a == b) / 2 for a in one for b in other]
    return sum(pairs) / len(pairs)


def _spread(number: int) -> float:
    """The standard deviation of that if nothing makes a difference."""
    return float(((2 * number + 1) / (12 * number * number)) ** 0.5)


def test_the_comparison_would_find_a_sign_in_that_does_not_hash() -> None:
    slow = [0.08 + step / 1e6 for step in range(SAMPLES)]
    quick = [0.004 + step / 1e6 for step in range(SAMPLES)]
    assert _longer(slow, quick) == 1.0 > 0.5 + 4 * _spread(SAMPLES)
