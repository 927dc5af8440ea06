"""Whatever is asked in whatever order: an instance only goes the ways that AWS documents."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.strategies import sampled_from

from app.sandbox import account, clock
from app.sandbox.ec2 import dispatch, install
from app.sandbox.ec2.agenda import settle
from app.sandbox.ec2.refusal import Refused
from app.sandbox.ec2.request import Request

from .conftest import REGION, SETTINGS, UBUNTU

# From a state to itself and to these; None: the instance is not told any more.
WAYS: dict[str | None, set[str | None]] = {
    "pending": {"running", "shutting-down", "terminated", None},
    "running": {"stopping", "stopped", "shutting-down", "terminated", None},
    "stopping": {"stopped", "shutting-down", "terminated", None},
    "stopped": {"pending", "running", "shutting-down", "terminated", None},
    "shutting-down": {"terminated", None},
    "terminated": {None},
    None: set(),
}
# The states that refuse each operation.
REFUSED_IN: dict[str, set[str]] = {
    "StartInstances": {"stopping", "shutting-down", "terminated"},
    "StopInstances": {"pending", "shutting-down", "terminated"},
    "RebootInstances": {"pending", "stopping", "stopped", "shutting-down", "terminated"},
    "TerminateInstances": set(),
}


class InstanceMachine(RuleBasedStateMachine):
    """One instance, asked straight through the operations (no HTTP, to be quick)."""

    def __init__(self):
        super().__init__()
        install(SETTINGS)
        account.forget(SETTINGS.account_id)
        clock.reset()
        self.backend = account.backend("ec2", SETTINGS.account_id, REGION)

    def teardown(self):
        account.forget(SETTINGS.account_id)
        clock.reset()

    def call(self, operation, **params):
        settle(self.backend)
        return dispatch.perform(Request(operation, params, self.backend, SETTINGS))

    def state(self):
        found = self.call("DescribeInstances")["Reservations"]
        return found[0]["Instances"][0]["State"]["Name"] if found else None

    @initialize()
    def launched(self):
        params = {"ImageId": UBUNTU, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
        answer = self.call("RunInstances", **params)
        self.instance = answer["Instances"][0]["InstanceId"]
        self.seen = "pending"

    @rule(operation=sampled_from(sorted(REFUSED_IN)))
    def asked(self, operation):
        before = self.state()
        if before is not None and before not in REFUSED_IN[operation]:
            self.call(operation, InstanceIds=[self.instance])
            return
        with pytest.raises(Refused) as caught:
            self.call(operation, InstanceIds=[self.instance])
        gone = before is None
        code = "InvalidInstanceID.NotFound" if gone else "IncorrectInstanceState"
        assert caught.value.code == code
        assert self.state() == before

    @rule(seconds=sampled_from([0.5, 1, 3, 5, 3600]))
    def time_passes(self, seconds):
        clock.advance(seconds)

    @invariant()
    def it_went_a_way_that_there_is(self):
        now = self.state()
        assert now == self.seen or now in WAYS[self.seen], f"{self.seen} to {now}"
        self.seen = now

    @invariant()
    def its_volume_goes_with_it_and_not_before(self):
        volumes = self.call("DescribeVolumes")["Volumes"]
        assert len(volumes) == (0 if self.seen in ("terminated", None) else 1)
        assert all(volume["State"] == "in-use" for volume in volumes)


TestInstance = InstanceMachine.TestCase
TestInstance.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
