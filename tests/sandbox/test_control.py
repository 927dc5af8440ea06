"""The pages under /_sandbox/."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.sandbox.conftest import Sandbox


def test_calls_are_counted_by_operation_until_reset(sandbox: Sandbox, ec2: Any, sns: Any):
    sns.list_topics()
    for _ in range(2):
        ec2.describe_volumes()
    status, calls = sandbox.page("calls?last=1")
    assert status == 200
    assert calls["total"] == 3
    assert calls["by_operation"] == {"DescribeVolumes": 2, "ListTopics": 1}
    (last,) = calls["last"]
    assert (last["service"], last["operation"], last["region"]) == (
        "ec2",
        "DescribeVolumes",
        "us-east-1",
    )
    assert sandbox.page("calls", "DELETE")[1]["total"] == 0


def test_the_clock_can_be_advanced(sandbox: Sandbox):
    before = datetime.fromisoformat(sandbox.page("clock")[1]["now"])
    after = datetime.fromisoformat(sandbox.page("clock", "POST", {"advance": 3600})[1]["now"])
    assert (after - before).total_seconds() >= 3600


@pytest.mark.parametrize(
    "body", [{}, [], {"advance": -1}, {"advance": "60"}, {"advance": True}, {"advance": 1e12}]
)
def test_the_clock_refuses_what_is_no_time(sandbox: Sandbox, body: Any):
    status, answer = sandbox.page("clock", "POST", body)
    assert status == 400
    assert "advance" in answer["error"]


def test_an_unknown_page_and_an_unknown_way_are_told_what_there_is(sandbox: Sandbox):
    assert sandbox.page("weather")[0] == 404
    status, answer = sandbox.page("mailbox", "POST", {})
    assert status == 405
    assert "GET" in answer["error"]
    assert sandbox.page("calls?last=-1")[0] == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example.org"},
        {"Host": "127.0.0.1.example.org"},
        {"Host": ""},
        {"Origin": "http://127.0.0.1:8081"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
)
def test_a_web_page_gets_nothing(sandbox: Sandbox, headers: dict[str, str]):
    status, _ = sandbox.page("faults", "POST", {"fault": "throttle"}, **headers)
    assert status in (403, 421)
    assert sandbox.page("faults")[1] == {"faults": []}


def test_loopback_by_any_of_its_names_is_let_in(sandbox: Sandbox):
    for host in ("localhost", "LOCALHOST:8081", "127.0.0.1:1", "[::1]:8081", "sandbox.localhost"):
        assert sandbox.page("faults", Host=host)[0] == 200
