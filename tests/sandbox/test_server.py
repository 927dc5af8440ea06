"""The sandbox as a process of its own: it starts, says so, stops, and says why it cannot start."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import ConnectionClosedError, HTTPClientError

from app.sandbox import account, patching, sqs
from app.sandbox.server import StartError, start_in_thread
from app.sandbox.settings import SandboxSettings
from tests.sandbox.conftest import new_client

ROOT = Path(__file__).parents[2]


def start(data: Path, regions: str = "us-east-1", **settings: str) -> subprocess.Popen[str]:
    """A sandbox process with its account in `data`, at a port of its own choice."""
    environment = {
        "ENCANTE_DATA": str(data),
        "ENCANTE_SANDBOX_PORT": "0",
        "ENCANTE_REGIONS": regions,
        **{f"ENCANTE_SANDBOX_{name.upper()}": value for name, value in settings.items()},
    }
    return subprocess.Popen(
        [sys.executable, "-m", "app.sandbox"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def url_of(process: subprocess.Popen[str]) -> str:
    """The address in the line that says that the sandbox is ready."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith("sandbox ready on http://127.0.0.1:"):
        raise AssertionError(line + (process.stderr.read() if process.stderr else ""))
    return line.removeprefix("sandbox ready on ").strip()


@contextmanager
def running(data: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running sandbox process and its address; killed at the end if it still runs."""
    with start(data, **settings) as process:
        try:
            yield process, url_of(process)
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_and_stops_when_told(tmp_path: Path, number: signal.Signals):
    with running(tmp_path, seed="0") as (process, url):
        assert new_client(url, "sns").list_topics()["Topics"] == []
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_stopping_saves_what_was_done_last(tmp_path: Path):
    with running(tmp_path, seed="0") as (process, url):
        new_client(url, "sns").create_topic(Name="last")
        process.terminate()
        process.wait(timeout=60)
    with running(tmp_path, seed="0") as (_, url):
        (topic,) = new_client(url, "sns").list_topics()["Topics"]
        assert topic["TopicArn"].endswith(":last")


def refusal(process: subprocess.Popen[str]) -> str:
    with process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.count("\n") == 1, err
    return err


def test_a_port_in_use_is_one_clear_line(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refusal(start(tmp_path, port=port))
    assert f"cannot listen on 127.0.0.1:{port}" in said
    assert "ENCANTE_SANDBOX_PORT" in said
    assert not (tmp_path / "sandbox").exists()


def test_a_bad_setting_is_one_clear_line(tmp_path: Path):
    assert "ENCANTE_SANDBOX_SNAPSHOT_PENDING='soon'" in refusal(
        start(tmp_path, snapshot_pending="soon")
    )


def test_a_region_that_does_not_exist_is_one_clear_line(tmp_path: Path):
    said = refusal(start(tmp_path, regions="us-east-1,mars-north-1"))
    assert "ENCANTE_REGIONS: 'mars-north-1'" in said


def test_a_region_without_instance_types_is_one_clear_line(tmp_path: Path):
    assert "no instance types in mx-central-1" in refusal(start(tmp_path, regions="mx-central-1"))


def test_a_folder_that_cannot_be_used_is_one_clear_line(tmp_path: Path):
    (tmp_path / "sandbox").write_text("a file")
    assert "cannot use the folder" in refusal(start(tmp_path))


def test_two_sandboxes_do_not_share_a_folder(tmp_path: Path):
    with running(tmp_path, seed="0"):
        assert "another sandbox is using" in refusal(start(tmp_path))


def test_a_moto_that_has_changed_is_told_instead_of_a_traceback(monkeypatch: pytest.MonkeyPatch):
    def gone() -> None:
        raise patching.MotoMoved("moto's Queue.wait_for_messages has moved")

    monkeypatch.setattr(sqs, "install", gone)
    with pytest.raises(StartError, match="has moved"):
        start_in_thread(SandboxSettings(port=0, account_id="215555555555", seed=False))


def test_once_it_is_stopping_nothing_more_is_done():
    handle = start_in_thread(SandboxSettings(port=0, account_id="216666666666", seed=False))
    sns = new_client(handle.url, "sns")
    handle._application.close()
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        sns.create_topic(Name="too-late")
    assert account.backend("sns", "216666666666", "us-east-1").topics == {}
    handle.stop()
    handle.stop()
