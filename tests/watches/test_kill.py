"""A real process, killed with -9 while it holds a claim."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.watches.claims import LEASE
from tests.watches.desk import Desk
from tests.watches.fakes import FakeAws

ROOT = Path(__file__).parents[2]


def kill_a_sender_in_the_act(desk: Desk, moment: str) -> list[str]:
    """Returns the notice ids that the killed process has published."""
    command = [sys.executable, "-m", "tests.watches.stuck_sender"]
    arguments = [
        desk.engine.url.render_as_string(hide_password=False),
        desk.now.isoformat(),
        moment,
    ]
    with subprocess.Popen(
        [*command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline().split()
        process.kill()
    assert said[-1:] == ["hanging"]
    return said[:-1]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_killed_sender_loses_nothing(desk: Desk, aws: FakeAws, moment: str) -> None:
    watch = desk.waiting()
    aws.finish(watch.resource_id or "")
    desk.later(seconds=5)
    assert desk.watches.poll(desk.now) is True
    out = kill_a_sender_in_the_act(desk, moment)
    desk.work()
    assert aws.published == [], "its lease still holds"
    desk.tick(seconds=LEASE.total_seconds())
    (notice,) = desk.view(watch.id).notices
    assert (notice.state, notice.attempts, notice.uncertain) == ("sent", 2, 1)
    assert out + aws.ids() == [notice.id] * (1 if moment == "before" else 2)
    desk.tick(hours=1)
    assert len(aws.published) == 1
