"""Our clients read answers with the lean parser; over HTTP, beside a plain boto3 client."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import Any, cast

import boto3
import pytest

from app.aws.call import Call, plain
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.lean import Plain
from tests.aws.answers import model, written
from tests.aws.recorder import Recorder, Reply
from tests.aws.samples import REGION
from tests.aws.test_lean_odd import laughs
from tests.aws.wire import Wire

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
TOPIC = f"arn:aws:sns:{REGION}:123456789012:alarms"
ANSWERS = {
    ("ec2", "DescribeVolumes"): {
        "Volumes": [
            {
                "VolumeId": f"vol-{number}",
                "Size": number,
                "Encrypted": bool(number % 2),
                "CreateTime": MOMENT,
                "Attachments": [{"Device": "/dev/sda1", "AttachTime": MOMENT}],
                "Tags": [{"Key": "Name", "Value": "ü & <b>"}, {"Key": "empty", "Value": ""}],
            }
            for number in range(1000)
        ]
    },
    ("sns", "ListTopics"): {"Topics": [{"TopicArn": TOPIC}]},
    ("sns", "GetTopicAttributes"): {"Attributes": {"Owner": "1", "ResponseMetadata": "kept out"}},
}
PARAMETERS = {"GetTopicAttributes": {"TopicArn": TOPIC}}


@pytest.mark.parametrize(("service", "operation"), ANSWERS)
def test_our_clients_read_what_a_plain_client_reads(
    service: str, operation: str, recorder: Recorder, clients: Clients
) -> None:
    """It fails when botocore does not ask its session for the parser any more."""
    body = written(ANSWERS[service, operation], model(service, operation)).decode()
    recorder.answer = lambda request: Reply(200, body)
    parameters = PARAMETERS.get(operation, {})
    answer = clients.send(service, operation, parameters, REGION, "read")
    assert type(answer) is Plain
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200

    stock: Any = boto3.client(
        cast(Any, service),
        REGION,
        endpoint_url=recorder.url,
        aws_access_key_id="k",
        aws_secret_access_key="s",
    )
    names = stock.meta.method_to_api_mapping
    method = getattr(stock, next(name for name, api in names.items() if api == operation))
    expected = plain(method(**parameters))
    assert Call(service, operation, REGION, parameters).run(clients) == expected
    assert type(expected) is dict
    stock.close()


def test_an_answer_that_breaks_off_is_no_shorter_list() -> None:
    body = written(ANSWERS["ec2", "DescribeVolumes"], model("ec2", "DescribeVolumes"))

    def half(connection: socket.socket, wire: Wire) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[: len(body) // 2])

    with Wire(half) as wire, pytest.raises(AwsError) as caught:
        Call("ec2", "DescribeVolumes", REGION).run(Clients(wire.url))
    assert caught.value.trouble in {"uncertain", "unreachable"}


@pytest.mark.parametrize("status", [200, 400, 403])
def test_entities_are_not_let_grow(status: int, recorder: Recorder, clients: Clients) -> None:
    recorder.answer = lambda request: Reply(status, laughs().decode())
    with pytest.raises(AwsError):
        Call("ec2", "DescribeVolumes", REGION).run(clients)
