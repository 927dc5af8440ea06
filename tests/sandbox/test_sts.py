"""Assuming roles: keys that act in another account, for as long as they last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from app.sandbox import clock
from app.sandbox.server import Handle, start_in_thread
from app.sandbox.settings import SandboxSettings
from tests.sandbox.conftest import new_client

MAIN, OTHER = "218888888888", "219999999999"
ROLE = f"arn:aws:iam::{OTHER}:role/ops/encante"


@pytest.fixture(scope="module")
def handle() -> Iterator[Handle]:
    settings = SandboxSettings(port=0, account_id=MAIN, accounts=(OTHER,), seed=False)
    handle = start_in_thread(settings)
    yield handle
    handle.stop()


def assume(handle: Handle, role: str = ROLE, **more: Any) -> Any:
    sts = new_client(handle.url, "sts")
    return sts.assume_role(RoleArn=role, RoleSessionName="encante", **more)


def client(handle: Handle, service: str, keys: dict[str, Any]) -> Any:
    make: Any = boto3.client
    return make(
        service,
        region_name="us-east-1",
        endpoint_url=handle.url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def test_whoever_assumed_a_role_is_that_role(handle: Handle):
    answer = assume(handle)
    arn = f"arn:aws:sts::{OTHER}:assumed-role/encante/encante"
    assert answer["AssumedRoleUser"]["Arn"] == arn
    me = client(handle, "sts", answer["Credentials"]).get_caller_identity()
    assert (me["Account"], me["Arn"]) == (OTHER, arn)


def test_what_is_made_in_one_account_is_not_seen_from_the_other(handle: Handle):
    keys = assume(handle)["Credentials"]
    theirs, ours = client(handle, "ec2", keys), new_client(handle.url, "ec2")
    volume = theirs.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    assert [one["VolumeId"] for one in theirs.describe_volumes()["Volumes"]] == [volume]
    assert ours.describe_volumes()["Volumes"] == []
    topic = client(handle, "sns", keys).create_topic(Name="done")["TopicArn"]
    assert topic == f"arn:aws:sns:us-east-1:{OTHER}:done"
    assert new_client(handle.url, "sns").list_topics()["Topics"] == []


@pytest.mark.parametrize(
    "role", ["arn:aws:iam::210000000000:role/encante", f"arn:aws:iam::{OTHER}:user/encante", "me"]
)
def test_a_role_of_no_account_of_ours_cannot_be_assumed(handle: Handle, role: str):
    with pytest.raises(ClientError, match=r"\(AccessDenied\).*sts:AssumeRole|\(Validation"):
        assume(handle, role.ljust(20, "x"))


def test_an_external_id_that_was_not_asked_for_is_refused_too(handle: Handle):
    with pytest.raises(ClientError, match=r"\(AccessDenied\)"):
        assume(handle, ExternalId="guess")


@pytest.mark.parametrize(("service", "code"), [("ec2", "RequestExpired"), ("sns", "ExpiredToken")])
def test_keys_end(handle: Handle, service: str, code: str):
    keys = assume(handle, DurationSeconds=900)["Credentials"]
    made = client(handle, service, keys)
    ask = made.describe_volumes if service == "ec2" else made.list_topics
    ask()
    clock.advance(901)
    try:
        with pytest.raises(ClientError, match=code):
            ask()
    finally:
        clock.reset()


def test_keys_that_are_none_of_ours_are_refused(handle: Handle):
    keys = assume(handle)["Credentials"]
    for wrong in ({"SessionToken": "e30="}, {"AccessKeyId": "ASIAENCA210000000000"}):
        with pytest.raises(ClientError, match="AuthFailure"):
            client(handle, "ec2", {**keys, **wrong}).describe_volumes()


def test_only_the_roles_there_are_can_be_assumed_and_none_of_one_s_own_account_asks_for_an_id():
    settings = SandboxSettings(
        port=0, account_id=MAIN, accounts=(OTHER,), seed=False, roles=("web",), external_id="k3v9"
    )
    handle = start_in_thread(settings)
    try:
        own = f"arn:aws:iam::{MAIN}:role/ops/web"
        assert assume(handle, own)["AssumedRoleUser"]["Arn"].endswith("assumed-role/web/encante")
        with pytest.raises(ClientError, match=r"\(AccessDenied\)"):
            assume(handle, own.replace("web", "db"))
        with pytest.raises(ClientError, match=r"\(AccessDenied\)"):
            assume(handle, own.replace(MAIN, OTHER))
        assume(handle, own.replace(MAIN, OTHER), ExternalId="k3v9")
    finally:
        handle.stop()
