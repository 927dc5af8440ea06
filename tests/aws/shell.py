"""Running what is shown: the Python in this process, the commands through a real shell."""

from __future__ import annotations

import io
import os
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import awscli
import pytest
from awscli.clidriver import CLIDriver, create_clidriver

# In place of aws, a function that says what it was given: the number of arguments, what of the
# environment it sees, the arguments; each ended by a NUL, which no argument can hold.
_AWS = """aws() {
  printf '%s\\0' "$#" \\
    "${AWS_ACCESS_KEY_ID-}" "${AWS_SECRET_ACCESS_KEY-}" "${AWS_MAX_ATTEMPTS-}" "$@"
}
"""


@dataclass(frozen=True)
class Command:
    """One ``aws`` command as the shell understood it."""

    arguments: list[str]
    environment: dict[str, str]


def run_python(code: str) -> dict[str, Any]:
    """Run shown code as a module of its own; returns its variables."""
    variables: dict[str, Any] = {"__name__": "__main__"}
    with redirect_stdout(io.StringIO()):
        exec(compile(code, "<shown>", "exec"), variables)  # noqa: S102 - to run it is the test
    return variables


def parsed_by(shell: str, script: str) -> list[Command]:
    """The commands that ``shell`` makes of ``script``."""
    done = subprocess.run(
        [shell],
        input=(_AWS + script).encode(),
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )
    assert done.stderr == b""
    words = done.stdout.decode().split("\0")
    assert words.pop() == ""
    commands = []
    while words:
        count, key, secret, attempts, *words = words
        values = {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_MAX_ATTEMPTS": attempts,
        }
        environment = {name: value for name, value in values.items() if value}
        commands.append(Command(words[: int(count)], environment))
        words = words[int(count) :]
    return commands


@cache
def _driver(service: str, operation: str) -> CLIDriver:
    # Making one costs twenty times what a command costs, most of it for the services' models,
    # which can be shared. The driver cannot: one EC2 command in it leaves hooks for the next.
    driver = create_clidriver()
    driver.session.register_component("data_loader", _loader())
    return driver


@cache
def _loader() -> Any:
    return create_clidriver().session.get_component("data_loader")


def run_cli(command: Command) -> str:
    """Run one command in the AWS CLI itself, in this process; returns what it printed."""
    printed, complaints = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        # The CLI finds its own data by this, and sets it when it is imported.
        patch.setenv("AWS_DATA_PATH", str(Path(awscli.__file__).with_name("data")))
        for name, value in command.environment.items():
            patch.setenv(name, value)
        with redirect_stdout(printed), redirect_stderr(complaints):
            code = _driver(*command.arguments[:2]).main(command.arguments)
    assert code == 0, complaints.getvalue()
    return printed.getvalue()
