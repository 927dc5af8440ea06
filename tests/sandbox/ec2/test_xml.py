"""EC2's XML: what the writer writes, botocore's own parser reads back."""

from datetime import UTC, datetime

import boto3
import pytest
from botocore.parsers import EC2QueryParser
from hypothesis import given
from hypothesis import strategies as st

from app.sandbox.ec2 import xml
from app.sandbox.ec2.refusal import Refused

# As moto keeps times: UTC, without saying so.
NINE = datetime(2026, 11, 23, 9, 0, 1, 250_000, tzinfo=UTC).replace(tzinfo=None)
REQUEST_ID = "c0ffee00-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def model():
    client = boto3.client(
        "ec2", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    return client.meta.service_model


def parsed(body, shape, status=200):
    answer = {"status_code": status, "headers": {}, "body": body.encode()}
    return EC2QueryParser().parse(answer, shape)


def back(model, operation, result):
    shape = model.operation_model(operation).output_shape
    return parsed(xml.answer(operation, shape, result, REQUEST_ID), shape)


def test_an_answer_comes_back_as_it_was(model):
    volume = {
        "VolumeId": "vol-1",
        "Size": 8,
        "Encrypted": True,
        "MultiAttachEnabled": False,
        "CreateTime": NINE,
        "Attachments": [],
        "Tags": [{"Key": "Name", "Value": "a & <b>"}],
    }
    answer = back(model, "DescribeVolumes", {"Volumes": [volume], "NextToken": "more"})
    assert answer.pop("ResponseMetadata")["RequestId"] == REQUEST_ID
    shown = volume | {"CreateTime": NINE.replace(tzinfo=UTC)}
    assert answer == {"Volumes": [shown], "NextToken": "more"}


def test_what_is_none_is_left_out(model):
    answer = back(model, "DescribeVolumes", {"Volumes": [], "NextToken": None})
    assert "NextToken" not in answer


def test_an_operation_without_an_answer_says_that_it_is_done(model):
    assert model.operation_model("DeleteVolume").output_shape is None
    body = xml.answer("DeleteVolume", None, {}, REQUEST_ID)
    assert body.endswith("<return>true</return></DeleteVolumeResponse>")


def test_a_member_that_the_model_does_not_know_is_a_mistake(model):
    with pytest.raises(KeyError, match="Colour"):
        back(model, "DescribeVolumes", {"Volumes": [{"Colour": "red"}]})


def legal(text):
    return "".join("\ufffd" if c < " " and c not in "\t\n\r" else c for c in text)


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")))
def test_any_text_comes_back_with_what_xml_cannot_carry_replaced(text):
    refused = parsed(xml.error(Refused("Bad<Code", text), REQUEST_ID), None, 400)
    assert refused["Error"] == {"Code": "Bad<Code", "Message": legal(text) or None}
