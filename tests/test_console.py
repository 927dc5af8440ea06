"""`python -m app.cli`: run, link, reset, and what they say when something is in the way."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a console of our own: its ports and its data folder."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ENCANTE_")}
    return {
        **kept,
        "ENCANTE_PORT": str(free_port()),
        "ENCANTE_SANDBOX_PORT": str(free_port()),
        "ENCANTE_DATA": str(tmp_path_factory.mktemp("data")),
    }


def command(
    *arguments: str, environment: dict[str, str], **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=ROOT,
        env=environment | changes,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def running(environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running console: its process, and what it printed up to the line with the link."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "run"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if "/login?token=" in line:
            break
    assert "/login?token=" in printed, "the console did not start; its reason is on stderr"
    yield process, printed
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


Running = tuple[subprocess.Popen[str], str]


def link_in(text: str) -> str:
    """The one link in what was printed."""
    (link,) = re.findall(r"http://\S+", text)
    return str(link)


def opens(link: str) -> str:
    """Open a link as a browser would, cookies and redirections included: the final page's path."""
    browser = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(CookieJar()), urllib.request.ProxyHandler({})
    )
    with browser.open(link, timeout=30) as answer:
        assert answer.status == 200
        return str(answer.geturl())


def test_run_prints_one_line_with_a_link_that_signs_in(
    running: Running, environment: dict[str, str]
) -> None:
    base = f"http://127.0.0.1:{environment['ENCANTE_PORT']}"
    link = link_in(running[1])
    assert re.fullmatch(rf"{base}/login\?token=[\w.-]{{20,}}", link)
    assert opens(link) == f"{base}/"


def test_link_prints_another_one(running: Running, environment: dict[str, str]) -> None:
    done = command("link", environment=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert link_in(done.stdout) != link_in(running[1])
    assert "/login" not in opens(link_in(done.stdout))


def test_health_is_well_while_it_runs(running: Running, environment: dict[str, str]) -> None:
    assert command("health", environment=environment).returncode == 0


@pytest.mark.parametrize("name", ["run", "reset"])
def test_a_data_folder_in_use_is_left_alone(
    running: Running, environment: dict[str, str], name: str
) -> None:
    done = command(name, environment=environment, ENCANTE_PORT=str(free_port()))
    assert done.returncode == 1
    assert "Encante is already running on the data folder" in done.stderr
    assert opens(link_in(command("link", environment=environment).stdout))


@pytest.mark.parametrize("setting", ["ENCANTE_PORT", "ENCANTE_SANDBOX_PORT"])
def test_a_port_in_use_is_named_with_its_setting(
    environment: dict[str, str], setting: str, tmp_path: Path
) -> None:
    free = {"ENCANTE_PORT": str(free_port()), "ENCANTE_SANDBOX_PORT": str(free_port())}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        changes = {**free, setting: port, "ENCANTE_DATA": str(tmp_path)}
        done = command("run", environment=environment, **changes)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Port {port} is in use by another program.")
    assert f"{setting}=" in done.stderr
    assert done.stdout == ""


def test_one_port_for_both_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    port = str(free_port())
    changes = {"ENCANTE_PORT": port, "ENCANTE_SANDBOX_PORT": port, "ENCANTE_DATA": str(tmp_path)}
    done = command("run", environment=environment, **changes)
    assert done.returncode == 1
    assert f"ENCANTE_PORT and ENCANTE_SANDBOX_PORT are both {port}" in done.stderr


@pytest.mark.parametrize("name", ["run", "link", "migrate", "reset", "health"])
def test_a_wrong_setting_is_named(environment: dict[str, str], name: str) -> None:
    done = command(name, environment=environment, ENCANTE_PORT="many")
    assert done.returncode == 1
    assert "ENCANTE_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_link_before_the_first_start_says_what_to_do(
    environment: dict[str, str], tmp_path: Path
) -> None:
    done = command("link", environment=environment, ENCANTE_DATA=str(tmp_path))
    assert done.returncode == 1
    assert "Start the console first: make run" in done.stderr


def test_reset_deletes_the_sandbox_and_its_database_and_nothing_else(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "sandbox").mkdir()
    for name in ("sandbox/state", "sandbox.db", "sandbox.db-wal", "aws.db", "secret"):
        (tmp_path / name).write_text("x")
    done = command("reset", environment=environment, ENCANTE_DATA=str(tmp_path))
    assert done.returncode == 0
    for name in ("sandbox", "sandbox.db", "sandbox.db-wal"):
        assert f"Deleting {tmp_path / name}\n" in done.stdout
        assert not (tmp_path / name).exists()
    assert {path.name for path in tmp_path.iterdir()} >= {"aws.db", "secret"}


def test_reset_deletes_nothing_of_aws(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "aws.db").write_text("x")
    changes = {"ENCANTE_DATA": str(tmp_path), "ENCANTE_AWS": "aws"}
    done = command("reset", environment=environment, **changes)
    assert done.returncode == 1
    assert "there is no sandbox to forget" in done.stderr
    assert (tmp_path / "aws.db").exists()


def test_a_sandbox_that_dies_takes_the_console_with_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    # What is in the place of the sandbox's folder keeps the sandbox from starting.
    (tmp_path / "sandbox").write_text("not a folder")
    changes = {
        "ENCANTE_DATA": str(tmp_path),
        "ENCANTE_PORT": str(free_port()),
        "ENCANTE_SANDBOX_PORT": str(free_port()),
    }
    done = command("run", environment=environment, **changes)
    assert done.returncode == 1
    assert "The sandbox ended unexpectedly" in done.stderr
    assert "/login" not in done.stdout
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", int(changes["ENCANTE_PORT"])))


def test_ctrl_c_stops_everything(running: Running, environment: dict[str, str]) -> None:
    process, _ = running
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    for setting in ("ENCANTE_PORT", "ENCANTE_SANDBOX_PORT"):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", int(environment[setting]))) != 0
