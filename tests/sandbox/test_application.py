"""What reaches AWS's services in the sandbox, and how everything else is refused."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from app.sandbox import account
from tests.sandbox.conftest import ACCOUNT, Sandbox, new_client


def raw(sandbox: Sandbox, body: bytes, **headers: str) -> tuple[int, str, str]:
    """A request as it stands: status, content type, text."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = urllib.request.Request(sandbox.url, data=body, headers=named)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers["Content-Type"], refused.read().decode()


def scope(service: str, region: str = "us-east-1") -> str:
    credential = f"AKIASANDBOX/20261123/{region}/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"


def test_we_are_the_user_sandbox_of_the_account(sandbox: Sandbox):
    me = sandbox.client("sts").get_caller_identity()
    assert me["Account"] == ACCOUNT
    assert me["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/sandbox"


def test_an_unsigned_request_is_refused_and_changes_nothing(sandbox: Sandbox, sns: Any):
    status, kind, text = raw(sandbox, b"Action=CreateTopic&Version=2010-03-31&Name=evil")
    assert (status, "xml" in kind) == (403, True)
    assert "MissingAuthenticationToken" in text
    assert sns.list_topics()["Topics"] == []


@pytest.mark.parametrize("service", ["ec2", "sns", "sts"])
def test_an_operation_that_does_not_exist_is_an_invalid_action(sandbox: Sandbox, service: str):
    status, kind, text = raw(
        sandbox, b"Action=MakeCoffee&Version=2016-11-15", Authorization=scope(service)
    )
    assert (status, "xml" in kind) == (400, True)
    assert "<Code>InvalidAction</Code>" in text


def test_an_operation_that_the_sandbox_has_not_got_says_so(sandbox: Sandbox, sqs: Any, ec2: Any):
    with pytest.raises(ClientError, match=r"\(InvalidAction\)"):
        ec2.describe_scheduled_instances()
    with pytest.raises(ClientError, match="StartMessageMoveTask"):
        sqs.start_message_move_task(SourceArn="arn:aws:sqs:us-east-1:210987654321:inbox")


def test_a_json_request_for_something_unknown_gets_json(sandbox: Sandbox):
    status, kind, text = raw(
        sandbox,
        b"{}",
        Authorization=scope("sqs"),
        X_Amz_Target="AmazonSQS.MakeCoffee",
        Content_Type="application/x-amz-json-1.0",
    )
    assert (status, kind) == (400, "application/x-amz-json-1.0")
    assert "InvalidAction" in text


def test_a_service_that_the_sandbox_has_not_got_says_which_it_has(sandbox: Sandbox):
    client = new_client(sandbox.url, "rds")
    with pytest.raises(ClientError, match=r"\(UnsupportedOperation\).*no service 'rds'.*ec2"):
        client.describe_db_instances()


def test_a_region_that_does_not_exist_is_refused(sandbox: Sandbox):
    for service, operation in (("ec2", "describe_volumes"), ("sqs", "list_queues")):
        client = new_client(sandbox.url, service, "mars-north-1")
        with pytest.raises(ClientError, match="valid region"):
            getattr(client, operation)()


def test_a_failure_inside_is_an_internal_error_of_aws_and_its_cause_is_logged(
    sandbox: Sandbox, sns: Any, capfd: pytest.CaptureFixture[str]
):
    sns.create_topic(Name="done")
    with account.LOCK:
        account.backend("sns", ACCOUNT, "us-east-1").subscriptions = None
    with pytest.raises(ClientError, match=r"\(InternalError\).*ListSubscriptions"):
        sns.list_subscriptions()
    assert "Traceback" in capfd.readouterr().err


def test_a_request_without_an_action_is_refused(sandbox: Sandbox):
    status, _, text = raw(sandbox, b"Version=2016-11-15", Authorization=scope("ec2"))
    assert status == 400
    assert "MissingAction" in text


def test_a_control_character_is_refused_before_it_spoils_an_answer(sns: Any, ec2: Any):
    with pytest.raises(ClientError, match=r"\(InvalidParameter\).*control character"):
        sns.create_topic(Name="done", Tags=[{"Key": "a", "Value": "\0"}])
    with pytest.raises(ClientError, match=r"\(InvalidParameterValue\).*control character"):
        ec2.create_key_pair(KeyName="a\x1bb")
    assert sns.list_topics()["Topics"] == []


def test_tabs_and_line_breaks_are_no_control_characters(sns: Any):
    topic = sns.create_topic(Name="done")["TopicArn"]
    sns.publish(TopicArn=topic, Message="two\r\n\tlines")


def test_what_sns_has_for_mobile_apps_is_not_here(sns: Any):
    with pytest.raises(ClientError, match=r"\(InvalidAction\)"):
        sns.list_platform_applications()


def test_a_huge_request_is_refused(sandbox: Sandbox):
    status, _, text = raw(sandbox, b"x" * (8 * 1024 * 1024 + 1), Authorization=scope("ec2"))
    assert status == 413
    assert "8 MiB" in text


def test_regions_are_apart(sandbox: Sandbox, sns: Any):
    sns.create_topic(Name="here")
    assert sandbox.client("sns", "eu-central-1").list_topics()["Topics"] == []
