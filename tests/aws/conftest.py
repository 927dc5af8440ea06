"""Every test here runs without the machine's own AWS settings, and against loopback only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.aws.clients import Clients
from tests.aws.recorder import Recorder, success


@pytest.fixture(autouse=True)
def no_aws_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No AWS_* variable, no profile, no instance role, no proxy."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def shared() -> Iterator[tuple[Recorder, Clients]]:
    """A recorder, and clients that talk to it as to the sandbox.

    One for all, because clients are slow to make, and the sandbox's take nothing from the
    environment; ``recorder`` and ``clients`` are these, cleaned.
    """
    with Recorder() as serving:
        yield serving, Clients(serving.url)


@pytest.fixture
def recorder(shared: tuple[Recorder, Clients]) -> Recorder:
    """A fake endpoint that keeps what it is sent."""
    serving = shared[0]
    serving.answer = success
    serving.taken()
    return serving


@pytest.fixture
def clients(shared: tuple[Recorder, Clients]) -> Clients:
    """Clients that talk to ``recorder`` as to the sandbox."""
    return shared[1]
