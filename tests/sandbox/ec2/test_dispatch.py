"""Every answer is EC2's: unknown operations, unreadable parameters, dry runs, inner failures."""

import re
import urllib.error
import urllib.parse
import urllib.request

import pytest

from app.sandbox.ec2 import moto_patch, operations, parameters
from app.sandbox.ec2.request import OPERATIONS, READS

from .conftest import SETTINGS, UBUNTU, ZONE


@pytest.fixture
def ask(ec2, ec2_url):
    """Send a raw request; gives the status and the body."""

    def send(**params):
        request = urllib.request.Request(
            ec2_url,
            data=urllib.parse.urlencode(params).encode(),
            headers={
                "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/ec2/aws4_request"
            },
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return send


def code(body):
    return re.findall("<Code>(.*?)</Code>", body)[0]


@pytest.mark.parametrize("name", ["MakeCoffee", "<script>", "describeinstances"])
def test_an_unknown_operation_is_an_invalid_action(ask, name):
    status, body = ask(Action=name, Version="2016-11-15")
    assert (status, code(body)) == (400, "InvalidAction")
    assert "<script>" not in body


def test_an_operation_that_nobody_here_knows_is_an_invalid_action(ask):
    status, body = ask(Action="DescribeVolumeStatus", Version="2016-11-15")
    assert (status, code(body)) == (400, "InvalidAction")


@pytest.mark.parametrize(
    "params",
    [
        {"Action": "DescribeVolumes", "MaxResults": "many"},
        {"Action": "RunInstances", "MinCount": "1.5", "MaxCount": "2"},
        {"Action": "CreateVolume", "Size": "", "AvailabilityZone": ZONE},
    ],
)
def test_a_parameter_that_cannot_be_read_is_a_bad_value(ask, params):
    status, body = ask(Version="2016-11-15", **params)
    assert (status, code(body)) == (400, "InvalidParameterValue")


def test_a_missing_parameter_is_named(ask):
    status, body = ask(Action="AttachVolume", Version="2016-11-15")
    assert (status, code(body)) == (400, "MissingParameter")
    assert "The request must contain the parameter device" in body


def test_an_answer_says_which_request_it_was(ask):
    status, body = ask(Action="DescribeVolumes", Version="2016-11-15")
    assert status == 200
    assert re.search("<requestId>[0-9a-f-]{36}</requestId>", body)


def test_an_inner_failure_is_an_internal_error_and_leaves_a_trace(ask, capsys, monkeypatch):
    def broken(request):
        raise ZeroDivisionError("broken for the test")

    monkeypatch.setitem(OPERATIONS, "DescribeVolumes", broken)
    status, body = ask(Action="DescribeVolumes", Version="2016-11-15")
    assert (status, code(body)) == (500, "InternalError")
    assert "broken for the test" in capsys.readouterr().err
    assert "broken for the test" not in body


# What each operation that changes something would do, were it not a dry run.
DRY = {
    "AttachVolume": lambda ids: {
        "VolumeId": ids["volume"],
        "InstanceId": ids["instance"],
        "Device": "/dev/sdf",
    },
    "CreateImage": lambda ids: {"InstanceId": ids["instance"], "Name": "lj_test"},
    "CreateKeyPair": lambda ids: {"KeyName": "deploy"},
    "CreateSnapshot": lambda ids: {"VolumeId": ids["volume"]},
    "CreateSnapshots": lambda ids: {"InstanceSpecification": {"InstanceId": ids["instance"]}},
    "CreateTags": lambda ids: {
        "Resources": [ids["volume"]],
        "Tags": [{"Key": "a", "Value": "1"}],
    },
    "CreateVolume": lambda ids: {"AvailabilityZone": ZONE, "Size": 1},
    "DeleteKeyPair": lambda ids: {"KeyName": "ops"},
    "DeleteSnapshot": lambda ids: {"SnapshotId": ids["snapshot"]},
    "DeleteTags": lambda ids: {"Resources": [ids["instance"]]},
    "DeleteVolume": lambda ids: {"VolumeId": ids["volume"]},
    "DeregisterImage": lambda ids: {"ImageId": ids["image"]},
    "DetachVolume": lambda ids: {"VolumeId": ids["data"]},
    "ImportKeyPair": lambda ids: {"KeyName": "copy", "PublicKeyMaterial": b"ssh-rsa AAAA"},
    "ModifyInstanceAttribute": lambda ids: {
        "InstanceId": ids["instance"],
        "DisableApiStop": {"Value": True},
    },
    "ModifyInstanceMetadataOptions": lambda ids: {
        "InstanceId": ids["instance"],
        "HttpTokens": "required",
    },
    "ModifySnapshotTier": lambda ids: {"SnapshotId": ids["snapshot"], "StorageTier": "archive"},
    "ModifyVolume": lambda ids: {"VolumeId": ids["volume"], "Size": 20},
    "RebootInstances": lambda ids: {"InstanceIds": [ids["instance"]]},
    "RegisterImage": lambda ids: {
        "Name": "again",
        "RootDeviceName": "/dev/sda1",
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": ids["snapshot"]}}
        ],
    },
    "RestoreSnapshotTier": lambda ids: {"SnapshotId": ids["archived"], "PermanentRestore": True},
    "RunInstances": lambda ids: {
        "ImageId": UBUNTU,
        "InstanceType": "t3.micro",
        "MinCount": 1,
        "MaxCount": 1,
    },
    "StartInstances": lambda ids: {"InstanceIds": [ids["instance"]]},
    "StopInstances": lambda ids: {"InstanceIds": [ids["instance"]]},
    "TerminateInstances": lambda ids: {"InstanceIds": [ids["instance"]]},
}


@pytest.fixture
def something_of_everything(ec2, launch, make_volume):
    from app.sandbox import clock

    ec2.create_key_pair(KeyName="ops", KeyType="ed25519")
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web"}]}]
    ids = {"instance": launch(TagSpecifications=tags)["InstanceId"]}
    ids |= {"volume": make_volume(), "data": make_volume()}
    ec2.attach_volume(VolumeId=ids["data"], InstanceId=ids["instance"], Device="/dev/sdg")
    ids["snapshot"] = ec2.create_snapshot(VolumeId=ids["volume"])["SnapshotId"]
    clock.advance(3600)
    ids["image"] = ec2.register_image(**DRY["RegisterImage"](ids) | {"Name": "first"})["ImageId"]
    for name in ("snapshot", "archived"):
        ids[name] = ec2.create_snapshot(VolumeId=ids["volume"])["SnapshotId"]
        clock.advance(3600)
    ec2.modify_snapshot_tier(SnapshotId=ids["archived"], StorageTier="archive")
    clock.advance(3600)
    return ids


def everything(ec2):
    answers = [
        ec2.describe_instances()["Reservations"],
        ec2.describe_volumes()["Volumes"],
        ec2.describe_volumes_modifications()["VolumesModifications"],
        ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"],
        ec2.describe_images(Owners=["self"])["Images"],
        ec2.describe_key_pairs()["KeyPairs"],
        ec2.describe_tags()["Tags"],
    ]
    protected = answers[0][0]["Instances"][0]["InstanceId"]
    answer = ec2.describe_instance_attribute(InstanceId=protected, Attribute="disableApiStop")
    return [*answers, answer["DisableApiStop"]]


def test_no_operation_does_anything_on_a_dry_run(ec2, something_of_everything, refusal):
    operations.load()
    assert set(DRY) == set(OPERATIONS) - READS, "every operation that changes something is here"
    before = everything(ec2)
    for name, params in DRY.items():
        operation = getattr(ec2, re.sub("(?<!^)([A-Z])", r"_\1", name).lower())
        asked = params(something_of_everything) | {"DryRun": True}
        assert (name, refusal(operation, status=412, **asked)[0]) == (name, "DryRunOperation")
        assert everything(ec2) == before, name


def test_a_parameter_that_would_not_be_heeded_is_refused(ec2, refusal):
    assert set(parameters.KNOWN) == set(OPERATIONS) - READS
    for operation, params, name in (
        (ec2.create_volume, {"AvailabilityZone": ZONE, "Size": 1}, "MultiAttachEnabled"),
        (ec2.create_snapshot, {"VolumeId": "vol-1"}, "OutpostArn"),
    ):
        code, message = refusal(operation, **params, **{name: True})
        assert code == "UnsupportedOperation"
        assert name in message


def test_the_known_parameters_are_aws_s_own(ec2):
    for name, known in parameters.KNOWN.items():
        members = ec2.meta.service_model.operation_model(name).input_shape.members
        assert known <= set(members), name


def test_a_question_can_be_asked_dry_too(ec2, refusal):
    for operation in (ec2.describe_instances, ec2.describe_volumes, ec2.describe_vpcs):
        assert refusal(operation, status=412, DryRun=True)[0] == "DryRunOperation"


def test_what_moto_would_do_on_a_dry_run_is_not_done(ec2, refusal):
    params = {"GroupName": "web", "Description": "web", "DryRun": True}
    assert refusal(ec2.create_security_group, status=412, **params)[0] == "DryRunOperation"
    assert len(ec2.describe_security_groups()["SecurityGroups"]) == 1


def test_a_moto_that_has_moved_is_told_at_the_start(monkeypatch):
    from moto.ec2.models import EC2Backend, elastic_block_store
    from moto.ec2.responses import EC2Response

    moto_patch.check()
    for owner, name in (
        (EC2Response, "call_action"),
        (elastic_block_store, "Snapshot"),
        (EC2Backend, "get_zone_by_name"),
    ):
        with monkeypatch.context() as patch:
            where = next(o for o in getattr(owner, "__mro__", [owner]) if name in vars(o))
            patch.delattr(where, name)
            with pytest.raises(moto_patch.MotoHasChanged, match=name):
                moto_patch.install(SETTINGS)


def test_a_moto_that_takes_other_parameters_is_told_at_the_start(monkeypatch):
    from moto.ec2.models import elastic_block_store

    class Snapshot:
        def __init__(self, ec2_backend, snapshot_id, volume, description, encrypted):
            pass

    monkeypatch.setattr(elastic_block_store, "Snapshot", Snapshot)
    with pytest.raises(moto_patch.MotoHasChanged, match="no longer takes owner_id"):
        moto_patch.install(SETTINGS)


def test_installing_twice_changes_nothing(ec2):
    from moto.ec2.responses import EC2Response

    first = EC2Response._dispatch
    moto_patch.install(SETTINGS)
    assert EC2Response._dispatch is first
