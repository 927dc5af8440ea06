"""DescribeInstanceAttribute, ModifyInstanceAttribute, ModifyInstanceMetadataOptions."""

import base64

import pytest

from app.sandbox import clock

from .conftest import SETTINGS


@pytest.fixture
def running(launch):
    return launch()["InstanceId"]


@pytest.fixture
def stopped(ec2, running):
    ec2.stop_instances(InstanceIds=[running])
    clock.advance(SETTINGS.instance_stopping)
    return running


def told(ec2, instance, attribute):
    answer = ec2.describe_instance_attribute(InstanceId=instance, Attribute=attribute)
    return answer[attribute[0].upper() + attribute[1:]]


@pytest.mark.parametrize("attribute", ["disableApiTermination", "disableApiStop"])
def test_protection_is_put_on_and_taken_off(ec2, running, attribute):
    parameter = attribute[0].upper() + attribute[1:]
    assert told(ec2, running, attribute) == {"Value": False}
    for value in (True, False):
        ec2.modify_instance_attribute(InstanceId=running, **{parameter: {"Value": value}})
        assert told(ec2, running, attribute) == {"Value": value}


def test_protection_can_be_said_by_attribute_and_value_too(ec2, running):
    ec2.modify_instance_attribute(
        InstanceId=running, Attribute="disableApiTermination", Value="true"
    )
    assert told(ec2, running, "disableApiTermination") == {"Value": True}
    ec2.modify_instance_attribute(
        InstanceId=running, Attribute="disableApiTermination", Value="false"
    )
    assert told(ec2, running, "disableApiTermination") == {"Value": False}


def test_the_type_changes_while_it_is_stopped(ec2, stopped):
    ec2.modify_instance_attribute(InstanceId=stopped, InstanceType={"Value": "t3.large"})
    assert told(ec2, stopped, "instanceType") == {"Value": "t3.large"}


def test_the_type_does_not_change_while_it_runs(ec2, running, refusal):
    params = {"InstanceId": running, "InstanceType": {"Value": "t3.large"}}
    code, message = refusal(ec2.modify_instance_attribute, **params)
    assert code == "IncorrectInstanceState"
    assert message == f"The instance '{running}' is not in the 'stopped' state."


@pytest.mark.parametrize("kind", ["t3.wide", "t4g.micro"])
def test_a_type_that_does_not_exist_or_fit_is_refused(ec2, stopped, refusal, kind):
    params = {"InstanceId": stopped, "InstanceType": {"Value": kind}}
    assert refusal(ec2.modify_instance_attribute, **params)[0] == "InvalidParameterValue"


def test_user_data_changes_while_it_is_stopped(ec2, stopped):
    ec2.modify_instance_attribute(InstanceId=stopped, UserData={"Value": b"#!/bin/sh\n"})
    assert base64.b64decode(told(ec2, stopped, "userData")["Value"]) == b"#!/bin/sh\n"


def test_security_groups_change_while_it_runs(ec2, running):
    group = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    ec2.modify_instance_attribute(InstanceId=running, Groups=[group])
    answer = ec2.describe_instance_attribute(InstanceId=running, Attribute="groupSet")
    assert [g["GroupId"] for g in answer["Groups"]] == [group]


def test_what_happens_to_a_volume_at_the_end_can_be_changed(ec2, running):
    keep = [{"DeviceName": "/dev/sda1", "Ebs": {"DeleteOnTermination": False}}]
    ec2.modify_instance_attribute(InstanceId=running, BlockDeviceMappings=keep)
    [volume] = ec2.describe_volumes()["Volumes"]
    assert volume["Attachments"][0]["DeleteOnTermination"] is False


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "InvalidParameterCombination"),
        (
            {"DisableApiStop": {"Value": True}, "DisableApiTermination": {"Value": True}},
            "InvalidParameterCombination",
        ),
        ({"Groups": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound"),
        ({"Attribute": "disableApiStop", "Value": "perhaps"}, "InvalidParameterValue"),
        ({"Attribute": "colour", "Value": "red"}, "InvalidParameterValue"),
        (
            {"BlockDeviceMappings": [{"DeviceName": "/dev/sdz"}]},
            "InvalidInstanceAttributeValue",
        ),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(ec2, running, refusal, params, code):
    assert refusal(ec2.modify_instance_attribute, InstanceId=running, **params)[0] == code


def test_an_unknown_attribute_is_refused(ec2, running, refusal):
    params = {"InstanceId": running, "Attribute": "colour"}
    assert refusal(ec2.describe_instance_attribute, **params)[0] == "InvalidParameterValue"


def test_a_dry_run_changes_nothing(ec2, running, refusal):
    params = {"InstanceId": running, "DisableApiTermination": {"Value": True}, "DryRun": True}
    assert refusal(ec2.modify_instance_attribute, status=412, **params)[0] == "DryRunOperation"
    assert told(ec2, running, "disableApiTermination") == {"Value": False}


def test_metadata_options_change_one_by_one(ec2, running, refusal):
    ec2.modify_instance_metadata_options(InstanceId=running, HttpTokens="required")
    answer = ec2.modify_instance_metadata_options(InstanceId=running, HttpPutResponseHopLimit=2)[
        "InstanceMetadataOptions"
    ]
    assert (answer["HttpTokens"], answer["HttpPutResponseHopLimit"]) == ("required", 2)
    params = {"InstanceId": running, "HttpTokens": "perhaps"}
    code, _ = refusal(ec2.modify_instance_metadata_options, **params)
    assert code == "InvalidParameterValue"
