"""A console that is told to stop ends its step, writes it down, and gives back what it claimed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.aws.clients import Clients
from app.watches import Watches
from scripts.own_console import ROOT, free_port
from tests.accounts import one_account
from tests.torture.aws import Aws, endpoint
from tests.torture.endpoint import ACCOUNT, REGIONS
from tests.torture.faults import Fault
from tests.watches.notices import rows

TOPIC = f"arn:aws:sns:{REGIONS[0]}:{ACCOUNT}:backups"
PATIENCE = 60.0  # seconds: ten for what is under way, and some for the process to end


def until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.05)


def console(folder: Path, url: str, aws: Aws) -> subprocess.Popen[bytes]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ENCANTE_")}
    environment = {
        **kept,
        **aws.environment(),
        "ENCANTE_DATA": str(folder),
        "ENCANTE_DATABASE_URL": url,
        "ENCANTE_SECRET_KEY": "0123456789abcdef" * 4,
        "ENCANTE_PORT": str(free_port()),
        "ENCANTE_REGIONS": ",".join(REGIONS),
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py"]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log)


@pytest.mark.parametrize("seconds", [0.3, 600], ids=["slow", "hanging"])
def test_a_console_that_is_told_to_stop_leaves_nothing_in_doubt_that_it_knows(
    tmp_path: Path, database_url: str, engine: Engine, seconds: float
) -> None:
    with endpoint() as aws:
        watches = Watches(engine, one_account(ACCOUNT, REGIONS, Clients()))
        owed = {watches.test(TOPIC, ACCOUNT, REGIONS[0]) for _ in range(40)}
        aws.faults(Fault("Publish", "received", "wait", wait=seconds, times=-1))
        process = console(tmp_path, database_url, aws)
        try:
            until(lambda: len(aws.called("Publish")) > 0)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.wait()
        left = rows(engine)
        assert {row["owner"] for row in left} == {""}, "all claims are given back"
        assert {row["state"] for row in left} <= {"sent", "waiting"}
        assert "waiting" in {row["state"] for row in left}
        out = aws.told().times()
        assert out.keys() <= owed
        for row in left:
            if seconds < 1:
                assert (row["state"] == "sent", row["uncertain"]) == (out[row["id"]] == 1, 0)
        # A call that hung was given up: that may have been delivered, and is written as such.
        assert sum(row["uncertain"] for row in left) == (1 if seconds > 1 else 0)
