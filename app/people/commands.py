"""The commands about users: `python -m app.cli user …`, and `flask user …` as well."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, ProgrammingError

from app import settings as settings_module
from app.db import make_engine
from app.people import grants, invitations, passwords, users
from app.people.audit import By
from app.people.grants import GrantError
from app.people.passwords import PasswordError
from app.people.users import User, UserError
from app.people.who import ROLES, Grant, Role
from app.settings import Settings, SettingsError

_BY = By("command line", method="command")
_NAME = click.argument("name")


class Problem(click.ClickException):
    """Something a person can mend; printed as it is, exit status 1."""

    def show(self, file: object = None) -> None:
        """Print the message without click's own `Error:` in front."""
        click.echo(self.message, err=True)


@click.group()
def user() -> None:
    """Who may sign in with a password: add, invite, disable, enable, list, password."""
    if _is_read_along():
        # somebody reads along: the lines of the log, which others collect, do not come between
        warnings_only = structlog.make_filtering_bound_logger(logging.WARNING)
        structlog.configure(wrapper_class=warnings_only)


@user.command()
@_NAME
@click.option("--role", type=click.Choice(ROLES), help="What they may do, everywhere.")
@click.option("--full-name", default="", help="What people call them.")
def add(name: str, role: Role | None, full_name: str) -> None:
    """Make a user; asks for a password on a terminal, else prints a link to choose one."""
    with _console() as (settings, engine):
        wrong = users.wrong_with(name, full_name)
        if wrong:
            raise wrong
        password = _asked(name, full_name) if _on_terminal() else ""
        user_id = users.add(engine, _BY, name, full_name)
        if role:
            grants.add(engine, _BY, Grant(role), user_id)
        if password:
            users.set_password(engine, _BY, user_id, password)
            click.echo(f"{name} signs in at {settings.address}/login")
        else:
            click.echo(_invitation(settings, engine, user_id))
        if not role:
            click.echo(f"{name} may do nothing yet; an admin gives roles on the page People.")


@user.command()
@_NAME
def invite(name: str) -> None:
    """Print a link by which a user chooses a password: for seven days, once."""
    with _console() as (settings, engine):
        click.echo(_invitation(settings, engine, users.named(engine, name).id))


@user.command()
@_NAME
def disable(name: str) -> None:
    """Let a user in no more; all their sessions end."""
    with _console() as (settings, engine):
        found = users.named(engine, name)
        done = users.disable(engine, _BY, found.id, settings.oidc_admin_group)
        click.echo(f"{found.name} is disabled." if done else f"{found.name} was disabled already.")


@user.command()
@_NAME
def enable(name: str) -> None:
    """Let a disabled user in again."""
    with _console() as (_, engine):
        found = users.named(engine, name)
        done = users.enable(engine, _BY, found.id)
        click.echo(f"{found.name} is enabled." if done else f"{found.name} was not disabled.")


@user.command()
@_NAME
def password(name: str) -> None:
    """Ask for another password of a user's, on a terminal; all their sessions end."""
    with _console() as (_, engine):
        found = users.named(engine, name)
        if not _on_terminal():
            raise Problem(f"A password is only asked for on a terminal. A link: user invite {name}")
        users.set_password(engine, _BY, found.id, _asked(found.name, found.full_name))
        click.echo(f"{found.name} has another password, and is signed out everywhere.")


@user.command("list")
def list_users() -> None:
    """Print who there is, how they sign in, and what they may do."""
    with _console() as (_, engine):
        given: dict[str, list[str]] = {}
        for each in grants.all_given(engine):
            given.setdefault(each.user_id, []).append(grants.words_of(each.grant))
        for found in users.all_users(engine):
            roles = "; ".join(given.get(found.id, ["no role of their own"]))
            click.echo(f"{found.name}\t{_how(found)}\t{roles}")


def _how(found: User) -> str:
    if found.disabled_at:
        return "disabled"
    ways = [way for way, has in (("password", found.password), ("OpenID", found.issuer)) if has]
    return ", ".join(ways) or "invited"


def _on_terminal() -> bool:
    return sys.stdin.isatty()


def _is_read_along() -> bool:
    return sys.stderr.isatty()


def _asked(name: str, full_name: str) -> str:
    chosen: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    passwords.check(chosen, name, full_name)
    return chosen


def _invitation(settings: Settings, engine: Engine, user_id: str) -> str:
    token = invitations.invite(engine, _BY, user_id)
    link = f"{settings.address}/invitation?token={token}"
    return f"To choose a password, once, within seven days: {link}"


@contextmanager
def _console() -> Iterator[tuple[Settings, Engine]]:
    """The settings and the database of the console; what goes wrong is told in plain words."""
    try:
        settings = settings_module.load()
    except SettingsError as error:
        raise Problem(f"Encante cannot start:\n{error}") from None
    engine = make_engine(settings.database_url)
    try:
        yield settings, engine
    except (UserError, PasswordError, GrantError) as error:
        raise Problem(str(error)) from None
    except (OperationalError, ProgrammingError) as error:
        # SQLite's answer where there is no table, or PostgreSQL's
        if settings.on_postgresql and isinstance(error, OperationalError):
            why = " ".join(str(error.orig).split())
            told = f"The database (ENCANTE_DATABASE_URL) cannot be reached: {why}"
        else:
            told = (
                "There is no database yet. Start the console first, or: python -m app.cli migrate"
            )
        raise Problem(told) from None
    finally:
        engine.dispose()
