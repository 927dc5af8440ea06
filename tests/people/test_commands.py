"""`python -m app.cli user …`: what each says and does, without a terminal and on one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from app.cli import cli
from app.migrate import upgrade
from app.people import commands, grants, invitations, users
from app.people.users import UserError
from tests.databases import open_engine

PASSWORD = "tulip anchor 9 fog"
ROOT = Path(__file__).resolve().parent.parent.parent
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a console of its own, with something typed on a terminal or without one."""
    monkeypatch.setenv("ENCANTE_DATA", str(tmp_path))
    monkeypatch.setenv("ENCANTE_PORT", "8123")

    def run(*arguments: str, typed: str | None = None) -> Result:
        monkeypatch.setattr(commands, "_on_terminal", lambda: typed is not None)
        return CliRunner().invoke(cli, ["user", *arguments], input=typed)

    return run


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'sandbox.db'}")
    upgrade(engine)
    return engine


def test_without_a_terminal_a_link_is_printed_by_which_a_password_is_chosen(
    run: Run, engine: Engine
) -> None:
    told = run("add", "pat", "--role", "admin", "--full-name", "Pat Mayer")
    assert told.exit_code == 0
    link = urlsplit(told.stdout.split()[-1])
    assert (link.netloc, link.path) == ("127.0.0.1:8123", "/invitation")
    invited = invitations.of(engine, parse_qs(link.query)["token"][0])
    assert invited is not None
    assert (invited.name, invited.full_name) == ("pat", "Pat Mayer")
    [given] = grants.all_given(engine)
    assert (given.user_id, given.grant.role, given.made_by) == (invited.id, "admin", "command line")
    assert run("list").stdout == "pat\tinvited\tadmin\n"


def test_on_a_terminal_the_password_is_asked_for_twice_and_not_shown(
    run: Run, engine: Engine
) -> None:
    told = run("add", "pat", "--role", "viewer", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert told.exit_code == 0
    assert "pat signs in at http://127.0.0.1:8123/login" in told.output
    assert PASSWORD not in told.output
    assert users.look(engine, "pat", PASSWORD)[1]


def test_a_password_that_is_refused_makes_no_user(run: Run, engine: Engine) -> None:
    told = run("add", "pat", typed="passwordpassword\npasswordpassword\n")
    assert told.exit_code == 1
    assert "too easy to guess" in told.stderr
    with pytest.raises(UserError):
        users.named(engine, "pat")


def test_whoever_is_disabled_can_be_enabled(run: Run, engine: Engine) -> None:
    run("add", "pat")
    assert run("disable", "pat").stdout == "pat is disabled.\n"
    assert run("disable", "PAT").stdout == "pat was disabled already.\n"
    assert run("list").stdout == "pat\tdisabled\tno role of their own\n"
    assert "is disabled" in run("invite", "pat").stderr
    assert run("enable", "pat").stdout == "pat is enabled.\n"
    assert "/invitation?token=" in run("invite", "pat").stdout


def test_another_password_is_asked_for_on_a_terminal_only(run: Run, engine: Engine) -> None:
    run("add", "pat")
    assert "user invite pat" in run("password", "pat").stderr
    told = run("password", "pat", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert "signed out everywhere" in told.output
    assert users.look(engine, "pat", PASSWORD)[1]


def test_what_is_wrong_is_told_in_a_line(run: Run, engine: Engine) -> None:
    run("add", "pat")
    for arguments, told in (
        (("add", "pat"), "There is, or was, a user pat"),
        (("add", "a b"), "2 to 64 letters"),
        (("disable", "kim"), "There is no user 'kim'"),
    ):
        result = run(*arguments)
        assert (result.exit_code, told in result.stderr) == (1, True)
        assert "Traceback" not in result.output
    assert run("add", "kim", "--role", "king").exit_code == 2


def test_without_a_database_it_says_how_there_will_be_one(run: Run) -> None:
    told = run("list")
    assert (told.exit_code, "There is no database yet" in told.stderr) == (1, True)


def test_whoever_reads_along_sees_words_alone_and_others_get_the_lines_of_the_log(
    run: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENCANTE_LOG_FORMAT", "json")
    try:
        collected = run("add", "pat").stderr.splitlines()
        assert [json.loads(line)["what"] for line in collected] == ["users.add", "users.invite"]
        monkeypatch.setattr(commands, "_is_read_along", lambda: True)
        assert run("disable", "pat").output == "pat is disabled.\n"
    finally:
        structlog.reset_defaults()


def test_the_commands_are_flasks_too(tmp_path: Path) -> None:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ENCANTE_")}

    def flask(*arguments: str) -> str:
        command = [sys.executable, "-m", "flask", *arguments]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**kept, "ENCANTE_DATA": str(tmp_path)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "/invitation?token=" in flask("user", "add", "pat", "--role", "admin")
    assert "whole" in flask("audit", "verify")
