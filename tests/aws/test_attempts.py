"""Every request to AWS is told to whoever counts them, with what came of it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from sqlalchemy.exc import OperationalError

from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.impatient import impatient
from app.aws.operations import Repeat
from tests.aws import wire
from tests.aws.samples import REGION

GOOD = "<DescribeVolumesResponse><volumeSet/></DescribeVolumesResponse>"
ERROR = "<Response><Errors><Error><Code>{}</Code><Message>m</Message></Error></Errors></Response>"
DRY = ERROR.format("DryRunOperation")


def told(repeat: Repeat, *behaviours: wire.Behaviour) -> tuple[list[str], int]:
    """What the listener hears of one DescribeVolumes, and how many requests really came."""
    heard = []

    def listen(service: str, operation: str, outcome: str) -> None:
        assert (service, operation) == ("ec2", "DescribeVolumes")
        heard.append(outcome)

    with wire.Wire(*behaviours) as server:
        clients = Clients(server.url, listener=listen)
        with suppress(AwsError):
            clients.send("ec2", "DescribeVolumes", {}, REGION, repeat)
    return heard, server.attempts


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


def test_each_attempt_is_told_with_its_own_outcome() -> None:
    throttled = wire.answer(503, ERROR.format("RequestLimitExceeded"))
    broken = wire.answer(500, ERROR.format("InternalError"))
    good = wire.answer(200, GOOD)
    heard = ["throttled", "uncertain", "uncertain", "ok"]
    assert told("read", throttled, broken, wire.reset, good) == (heard, 4)


def test_who_must_wait_for_a_turn_waits_before_each_attempt() -> None:
    broken = wire.answer(500, ERROR.format("InternalError"))
    seen: list[int] = []
    with wire.Wire(broken, wire.answer(200, GOOD)) as server:
        clients = Clients(server.url)
        turns = impatient(clients, lambda: seen.append(server.attempts))
        turns.send("ec2", "DescribeVolumes", {}, REGION, "read")
        assert seen == [0, 1]
        clients.send("ec2", "DescribeVolumes", {}, REGION, "read")
    assert len(seen) == 2, "others need not wait"


def test_what_goes_wrong_while_one_waits_for_a_turn_is_told_as_what_it_is() -> None:
    def fail() -> None:
        raise OperationalError("SELECT 1", {}, Exception("the database is away"))

    with wire.Wire(wire.answer(200, GOOD)) as server:
        with pytest.raises(OperationalError):
            impatient(Clients(server.url), fail).send("ec2", "DescribeVolumes", {}, REGION, "read")
        assert server.attempts == 0


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (wire.answer(200, GOOD), "ok"),
        (wire.answer(412, DRY), "ok"),
        (wire.answer(403, ERROR.format("UnauthorizedOperation")), "refused"),
        (wire.answer(401, ERROR.format("AuthFailure")), "refused"),
        (wire.answer(200, "<html>a web server</html>"), "uncertain"),
        (wire.answer(200, "no XML"), "uncertain"),
        (wire.close, "uncertain"),
    ],
)
def test_one_attempt_is_told_once(behaviour: wire.Behaviour, outcome: str) -> None:
    assert told("once", behaviour) == ([outcome], 1)


def test_a_connection_that_is_refused_is_told_too() -> None:
    heard: list[str] = []
    clients = Clients("http://127.0.0.1:9", listener=lambda *words: heard.append(words[-1]))
    with pytest.raises(AwsError):  # at the discard port nobody listens
        clients.send("ec2", "DescribeVolumes", {}, REGION, "once")
    assert heard == ["unreachable"]
