"""The commands: `python -m app.cli <command>`; without one it lists them.

Each command imports what it needs itself, so that `run` is not slowed by what it does not use.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from app import settings as settings_module
from app.settings import Settings, SettingsError

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Problem(click.ClickException):
    """Something a person can mend; printed as it is, exit status 1."""

    def show(self, file: object = None) -> None:
        """Print the message without click's own `Error:` in front."""
        click.echo(self.message, err=True)


def load_settings() -> Settings:
    """The settings of the environment; a wrong one ends the command with a clear message."""
    try:
        return settings_module.load()
    except SettingsError as error:
        raise Problem(f"Encante cannot start:\n{error}") from None


def _log_format() -> str:
    """As the settings say; if these are wrong, the command itself will tell."""
    try:
        return settings_module.load().log_format
    except SettingsError:
        return "console"


class Commands(click.Group):
    """All commands; those about users are read only when one of them is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return sorted([*super().list_commands(ctx), "user"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, if there is one."""
        if cmd_name == "user":
            from app.logs import configure
            from app.people.commands import user

            configure(_log_format())  # what they record is logged too, to standard error
            return user
        return super().get_command(ctx, cmd_name)


@click.group(cls=Commands)
def cli() -> None:
    """Encante, a web console for EC2, EBS and SNS."""


@cli.command()
@click.option("--with-parent", is_flag=True, help="Stop when the starting process ends (Linux).")
def run(with_parent: bool) -> None:
    """Run the console, with the sandbox beside it, until Ctrl-C."""
    from app import console, supervisor

    if with_parent:
        supervisor.follow_parent()
    try:
        console.run(load_settings())
    except console.ConsoleError as error:
        raise Problem(str(error)) from None


@cli.command()
def link() -> None:
    """Print a fresh link that signs in to the console."""
    from app import console

    settings = load_settings()
    try:
        click.echo(console.login_link(settings))
    except console.ConsoleError as error:
        raise Problem(str(error)) from None
    if not console.answers(settings):
        click.echo("(The console is not running: make run)", err=True)


@cli.command()
def migrate() -> None:
    """Bring the database up to date (the console does so itself when it starts)."""
    from sqlalchemy.exc import OperationalError

    from app import console
    from app.db import make_engine
    from app.migrate import NewerDatabase, upgrade

    engine = make_engine(load_settings().database_url)
    try:
        upgrade(engine)
    except OperationalError as error:
        raise Problem(console.database_away(error)) from None
    except NewerDatabase as error:
        raise Problem(str(error)) from None
    finally:
        engine.dispose()


@cli.command()
def health() -> None:
    """Succeed when the console answers that all is well (for a container's health check)."""
    from app import console

    if not console.answers(load_settings()):
        raise Problem("The console does not answer, or says that something is wrong (/healthz).")


@cli.command()
def reset() -> None:
    """Forget the sandbox's account, and what the console knows of it."""
    from app import console

    try:
        console.reset(load_settings())
    except console.ConsoleError as error:
        raise Problem(str(error)) from None


@cli.command("iam-policy")
def iam_policy() -> None:
    """Print the smallest IAM policy that everything in the console needs."""
    import json

    from app.aws import operations

    click.echo(json.dumps(operations.iam_policy(), indent=2))


@cli.group("audit")
def audit_log() -> None:
    """The audit log: is it whole, and all of it."""


@audit_log.command("verify")
@click.option(
    "--expect",
    multiple=True,
    metavar="NUMBER:HASH",
    help="A record that was noted elsewhere, as the page or a log line tells it.",
)
def audit_verify(expect: tuple[str, ...]) -> None:
    """Say whether the audit log is whole, and where it is not (exit status 1)."""
    from app.people import audit_check

    try:
        expected = {int(seq): kept for seq, _, kept in (each.partition(":") for each in expect)}
    except ValueError:
        raise Problem("--expect takes the number of a record, a colon, and its hash.") from None
    with _database() as engine:
        report = audit_check.verify(engine, expected)
    click.echo("\n".join(report.in_words()))
    if not report.whole:
        raise click.exceptions.Exit(1)


@audit_log.command("export")
def audit_export() -> None:
    """Print every record as a line of JSON, just as it is hashed."""
    from app.people import audit_check

    with _database() as engine:
        for line in audit_check.export(engine):
            click.echo(line)


@contextmanager
def _database() -> Iterator[Engine]:
    """The database of the settings, for a command that reads it as it is."""
    from sqlalchemy.exc import DatabaseError

    from app import console
    from app.db import make_engine

    engine = make_engine(load_settings().database_url)
    try:
        yield engine
    except DatabaseError as error:
        raise Problem(console.database_away(error)) from None
    finally:
        engine.dispose()


if __name__ == "__main__":
    cli()
