"""Every call of poller and sender, and every way in which it can go wrong on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.retries.standard import ExponentialBackoff
from sqlalchemy import Engine, insert, select

from app import db
from app.aws import clients as clients_module
from app.aws.clients import Clients
from app.resources import AWAITED
from app.watches import Watches
from app.watches.tables import regions, watches
from tests import wire
from tests.accounts import one_account
from tests.databases import ON_SQLITE
from tests.torture.aws import Aws, endpoint
from tests.torture.endpoint import ACCOUNT
from tests.watches.notices import rows
from tests.wire import Proxy

REGION = "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:backups"
_ERROR = (
    "<ErrorResponse><Error><Type>T</Type><Code>{0}</Code><Message>No.</Message></Error>"
    "<RequestId>r</RequestId></ErrorResponse>"
)
_EC2_ERROR = (
    "<Response><Errors><Error><Code>{0}</Code><Message>No.</Message></Error></Errors>"
    "<RequestID>r</RequestID></Response>"
)
GARBAGE = wire.says(200, "<html><body>Please sign in to the network</body></html>")
GRIEFS: dict[str, wire.Grief] = {
    "reset before the request": wire.reset,
    "cut after the request": wire.cut,
    "cut in the middle of the answer": wire.cut_short,
    "hanging before the request": wire.hang,
    "hanging after the request": wire.hang_after,
    "slow": wire.slow,
    "500": wire.says(500, _ERROR.format("InternalFailure")),
    "500 after the deed": wire.says(500, _ERROR.format("InternalFailure"), after=True),
    "503 throttle": wire.says(503, _ERROR.format("Throttling")),
    "503 of a proxy": wire.says(503, "<html>Service Unavailable</html>"),
    "garbage": GARBAGE,
    "garbage after the deed": wire.says(200, "<html>", after=True),
}
DONE = {  # in these SNS has done it
    "cut after the request",
    "cut in the middle of the answer",
    "hanging after the request",
    "slow",
    "500 after the deed",
    "garbage after the deed",
}


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with endpoint() as made:
        yield made


@pytest.fixture
def proxy(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """In front of the endpoint; with little patience for answers, and none between attempts."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0)
    monkeypatch.setattr(clients_module, "READ_SECONDS", 0.3)
    for repeat in ("read", "brief"):
        monkeypatch.setitem(clients_module._READ, repeat, 0.3)
    with Proxy(aws.url) as made:
        for name, value in Aws(made.url).environment().items():
            monkeypatch.setenv(name, value)
        yield made


class Console:
    """Watches with real clients, and a clock that the test moves."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = db.now()
        clients = Clients()
        clients.identity(REGION)  # is asked once in a while, and not what this is about
        self.watches = Watches(
            engine,
            one_account(ACCOUNT, [REGION], clients),
            clock=lambda: self.now,
            ages=lambda: self.now.timestamp(),
        )

    def put(self, kind: str, state: str = "waiting") -> None:
        """A watch of that kind; intended or on a resource that the endpoint does not have."""
        row: dict[str, Any] = {
            "id": "w-1",
            "account": ACCOUNT,
            "region": REGION,
            "kind": kind,
            "resource_id": f"{kind}-1" if state == "waiting" else None,
            "request_id": "r-1",
            "source_id": "vol-1",
            "source_name": "",
            "description": "",
            "topic_arn": TOPIC,
            "outcomes": ["vanished"],
            "actor": "me",
            "state": state,
            "made_at": self.now,
            "due_at": self.now,
            "due_set_at": self.now,
        }
        with self.engine.begin() as connection:
            connection.execute(insert(watches).values(row))

    def watch(self) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(select(watches)).one()

    def lane(self, service: str) -> datetime | None:
        """Till when that service is left alone."""
        with self.engine.connect() as connection:
            query = select(regions.c.due_at).where(regions.c.service == service)
            return connection.execute(query).scalar()

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@pytest.fixture
def console(engine: Engine, proxy: Proxy) -> Console:
    made = Console(engine)
    proxy.heal()
    return made


def publish(console: Console, fifo: bool) -> str:
    """Owe a notice and try once; returns its id."""
    topic = f"{TOPIC}.fifo" if fifo else TOPIC
    identity = console.watches.test(topic, ACCOUNT, REGION)
    assert console.watches.send(console.now)
    return identity


@pytest.mark.parametrize("fifo", [False, True], ids=["standard", "fifo"])
@pytest.mark.parametrize("name", GRIEFS)
def test_a_publish_that_comes_to_grief_is_made_once_and_made_again_later(
    console: Console, proxy: Proxy, aws: Aws, name: str, fifo: bool
) -> None:
    proxy.griefs.append(GRIEFS[name])
    identity = publish(console, fifo)
    (row,) = rows(console.engine)
    assert proxy.came == 1, "botocore must not repeat it"
    assert aws.told().times()[identity] == (1 if name in DONE else 0)
    if name == "slow":
        assert (row["state"], row["uncertain"]) == ("sent", 0)
        return
    clear = name == "503 throttle"
    assert (row["state"], row["uncertain"], row["attempts"]) == ("waiting", 0 if clear else 1, 1)
    assert row["error"]
    assert timedelta(seconds=0) < row["due_at"] - console.now <= timedelta(seconds=2)
    assert console.lane("sns") is not None
    assert not console.watches.send(console.now), "not at once"

    console.later(seconds=3)
    assert console.watches.send(console.now)
    (row,) = rows(console.engine)
    assert (row["state"], proxy.came, console.lane("sns")) == ("sent", 2, None)
    told = [each for each in aws.told().published if each.notice_id == identity]
    assert len(told) == (2 if name in DONE else 1)
    assert sum(each.delivered for each in told) == (1 if fifo else len(told))


def test_a_connection_that_is_refused_has_certainly_not_published(
    console: Console, proxy: Proxy, aws: Aws
) -> None:
    proxy.refuse()
    identity = publish(console, fifo=False)
    (row,) = rows(console.engine)
    assert (row["state"], row["uncertain"]) == ("waiting", 0)
    assert aws.told().times()[identity] == 0


def test_a_connection_that_the_endpoint_has_closed_meanwhile_is_no_trouble(
    console: Console, proxy: Proxy, aws: Aws
) -> None:
    proxy.griefs.append(wire.says(200, ""))  # its connection is closed afterwards
    publish(console, fifo=False)
    console.later(minutes=5)
    assert console.watches.send(console.now)
    assert {row["state"] for row in rows(console.engine)} == {"sent"}


CALLS = [(kind, "waiting") for kind in AWAITED]
CALLS += [(kind, "intended") for kind, awaited in AWAITED.items() if awaited.find is not None]


@ON_SQLITE  # what comes over the wire has nothing to do with the database
@pytest.mark.parametrize(("kind", "state"), CALLS)
@pytest.mark.parametrize("name", [each for each in GRIEFS if each != "slow"])
def test_a_poll_that_comes_to_grief_says_nothing_of_what_it_asked_for(
    console: Console, proxy: Proxy, kind: str, state: str, name: str
) -> None:
    console.put(kind, state)
    proxy.always = _of_ec2(name)
    assert console.watches.poll(console.now)
    asked = proxy.came
    watch = console.watch()
    assert 1 <= asked <= 5
    assert (watch.state, watch.absent_polls, watch.absent_since) == (state, 0, None)
    assert watch.last_error
    left_alone = console.lane("ec2")
    assert left_alone is not None
    assert console.now < left_alone <= console.now + timedelta(minutes=1)
    assert not console.watches.poll(console.now), "the region is left alone"
    assert rows(console.engine) == []

    proxy.heal()
    console.later(minutes=1)
    assert console.watches.poll(console.now)
    watch = console.watch()
    assert (watch.last_error, watch.absent_polls, console.lane("ec2")) == ("", 1, None)


@ON_SQLITE  # what comes over the wire has nothing to do with the database
@pytest.mark.parametrize(("kind", "state"), CALLS)
@pytest.mark.parametrize("name", [each for each in GRIEFS if "garbage" not in each])
def test_one_grief_is_made_up_for_by_asking_again(
    console: Console, proxy: Proxy, kind: str, state: str, name: str
) -> None:
    console.put(kind, state)
    proxy.griefs.append(_of_ec2(name))
    assert console.watches.poll(console.now)
    watch = console.watch()
    assert (watch.last_error, watch.absent_polls) == ("", 1)
    assert proxy.came == (1 if name == "slow" else 2)


def _of_ec2(name: str) -> wire.Grief:
    """The same, in the form in which EC2 gives its errors."""
    if name == "503 throttle":
        return wire.says(503, _EC2_ERROR.format("RequestLimitExceeded"))
    if name.startswith("500"):
        return wire.says(500, _EC2_ERROR.format("InternalError"), after="after" in name)
    return GRIEFS[name]
