"""Whatever SNS, SQS and STS are asked, the answer is AWS's: never a failure of the sandbox."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.conftest import ACCOUNT, Sandbox

TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:done"
QUEUE_URL = f"http://127.0.0.1/{ACCOUNT}/inbox"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:inbox"
# fmt: off
WORDS = (
    TOPIC, TOPIC + ":x", QUEUE, QUEUE_URL, "arn:aws:sqs:::", "arn:aws:sns:us-east-1",
    "email", "sqs", "http", "json", "{}", "[]", '{"a":[1]}', '{"a":{"b":["c"]}}', "null",
    "Policy", "FilterPolicy", "FilterPolicyScope", "MessageBody", "RawMessageDelivery",
    "VisibilityTimeout", "RedrivePolicy", "DisplayName", "All", ".*", "String", "Number",
    "-1", "9" * 30, "true", "", "x" * 300, "(((", "\x00", "<b>", "é",
)
# fmt: on
TEXTS = st.one_of(
    st.sampled_from(WORDS), st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)


def values(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a shape of botocore's models: of the right type, and otherwise anything."""
    match shape.type_name:
        case "structure":
            members = {name: values(member, depth + 1) for name, member in shape.members.items()}
            needed = {name: members.pop(name) for name in shape.required_members}
            for name, usual in (("TopicArn", TOPIC), ("QueueUrl", QUEUE_URL)):
                if name in needed:
                    needed[name] = st.one_of(st.just(usual), needed[name])
            members.pop("WaitTimeSeconds", None)
            return st.fixed_dictionaries(needed, optional=members)
        case "list":
            return st.lists(values(shape.member, depth + 1), max_size=11 if depth < 2 else 2)
        case "map":
            return st.dictionaries(TEXTS, values(shape.value, depth + 1), max_size=3)
        case "integer" | "long":
            return st.one_of(st.integers(-2, 12), st.sampled_from([901, 43_201, 2**31 - 1]))
        case "boolean":
            return st.booleans()
        case "blob":
            return st.binary(max_size=5)
        case _:
            return TEXTS


def client(url: str, service: str) -> Any:
    make: Any = boto3.client
    return make(
        service,
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="AKIASANDBOXSANDBOX00",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )


@pytest.mark.parametrize("service", ["sns", "sqs", "sts"])
def test_no_input_makes_the_sandbox_fail(sandbox: Sandbox, service: str):
    sandbox.client("sns").create_topic(Name="done")
    sandbox.client("sqs").create_queue(QueueName="inbox")
    asked = client(sandbox.url, service)
    model = asked.meta.service_model
    calls = st.sampled_from(model.operation_names).flatmap(
        lambda name: st.tuples(
            st.just(name),
            values(shape) if (shape := model.operation_model(name).input_shape) else st.just({}),
        )
    )

    @settings(
        max_examples=100,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(calls)
    def ask(call: tuple[str, dict[str, Any]]) -> None:
        name, parameters = call
        status = 200
        try:
            asked._make_api_call(name, parameters)
        except ParamValidationError:
            # The client itself refuses what cannot be put into a request.
            status = 400
        except ClientError as refused:
            status = refused.response["ResponseMetadata"]["HTTPStatusCode"]
        assert status < 500, sandbox.page("calls?last=1")

    ask()
