"""Whatever is sent, the answer is an EC2 error or an answer: never an internal error."""

from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.sandbox import account, clock
from app.sandbox.ec2 import operations
from app.sandbox.ec2.request import OPERATIONS

from .conftest import SETTINGS, UBUNTU, ZONE

PUBLIC_KEY = (
    b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINSIGnvsDvzqJaVCiG7xS/WWAFNaNmsqQLExw6xA3bI4 test"
)
TEXT = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "",
            "i-0123456789abcdef0",
            "vol-0123456789abcdef0",
            "snap-0123456789abcdef0",
            "ami-0123456789abcdef0",
            UBUNTU,
            ZONE,
            "<script>",
            "self",
            "\x00",
            "-1",
            "true",
            "99999999999999999999",
        ]
    ),
)


def values(shape, depth=0):
    """Anything that fits the shape's type, sensible or not."""
    kind = shape.type_name
    if kind == "structure":
        if depth > 3:
            return st.just({})
        members = {name: values(member, depth + 1) for name, member in shape.members.items()}
        return st.fixed_dictionaries({}, optional=members)
    if kind == "list":
        return st.lists(values(shape.member, depth + 1), max_size=2)
    if kind == "boolean":
        return st.booleans()
    if kind in ("integer", "long"):
        return st.one_of(st.integers(-5, 20), st.sampled_from([1000, 10**6, 2**63]))
    if kind in ("float", "double"):
        return st.floats(allow_nan=False, allow_infinity=False)
    if kind == "timestamp":
        return st.datetimes()
    if kind == "blob":
        return st.binary(max_size=20)
    return st.one_of(TEXT, st.sampled_from(shape.enum)) if shape.enum else TEXT


# What gets an operation past its first checks. A word in brackets stands for an id of the account,
# which is known only when the test runs.
SENSE: dict[str, list[Any]] = {
    "InstanceId": ["[instance]"],
    "InstanceIds": [["[instance]"]],
    "VolumeId": ["[volume]", "[root]"],
    "VolumeIds": [["[volume]", "[root]"]],
    "SnapshotId": ["[snapshot]", "[public snapshot]"],
    "SnapshotIds": [["[snapshot]"]],
    "ImageId": [UBUNTU, "[image]"],
    "ImageIds": [["[image]"]],
    "KeyName": ["ops"],
    "AvailabilityZone": [ZONE],
    "Size": [1, 10, 200],
    "VolumeType": ["gp3", "io2", "st1"],
    "InstanceType": ["t3.micro", "m3.medium", "t4g.micro"],
    "MinCount": [1],
    "MaxCount": [1],
    "Name": ["lj_test", "another name"],
    "Device": ["/dev/sdf", "/dev/sdg"],
    "Resources": [["[instance]"], ["[volume]", "[image]", "[snapshot]"]],
    "Attribute": ["disableApiTermination", "userData", "instanceType"],
    "InstanceSpecification": [{"InstanceId": "[instance]"}],
    "DryRun": [False],
}


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_nonsense_is_answered_as_ec2_would(ec2, data):
    operations.load()
    name = data.draw(st.sampled_from(sorted(OPERATIONS)))
    shape = ec2.meta.service_model.operation_model(name).input_shape
    # A few parameters at a time get further than all of them at once.
    members = data.draw(st.sets(st.sampled_from(sorted(shape.members)), max_size=5))
    required = [m for m in shape.required_members if data.draw(st.integers(0, 9))]
    params = {}
    for member in sorted({*members, *required}):
        nonsense = values(shape.members[member])
        sense = st.sampled_from(SENSE[member]) if member in SENSE else nonsense
        params[member] = data.draw(st.one_of(nonsense, sense), label=member)
    answer = answered(getattr(ec2, xform_name(name)), with_ids(params, small_account(ec2)))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] in (200, 400, 403, 412), answer
    error = answer.get("Error", {"Code": "none", "Message": "none"})
    assert error["Code"]
    assert error["Message"]


def small_account(ec2):
    """A new account with one of each; gives their ids."""
    account.forget(SETTINGS.account_id)
    ec2.import_key_pair(KeyName="ops", PublicKeyMaterial=PUBLIC_KEY)
    params = {"ImageId": UBUNTU, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    instance = ec2.run_instances(Placement={"AvailabilityZone": ZONE}, **params)["Instances"][0]
    volume = ec2.create_volume(AvailabilityZone=ZONE, Size=1)["VolumeId"]
    clock.advance(60)
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    clock.advance(60)
    device = {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot}}
    image = ec2.register_image(Name="mine", BlockDeviceMappings=[device])["ImageId"]
    [public] = ec2.describe_images(ImageIds=[UBUNTU])["Images"]
    return {
        "[instance]": instance["InstanceId"],
        "[root]": instance["BlockDeviceMappings"][0]["Ebs"]["VolumeId"],
        "[volume]": volume,
        "[snapshot]": snapshot,
        "[image]": image,
        "[public snapshot]": public["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"],
    }


def with_ids(value, ids):
    """The value with every word in brackets replaced."""
    if isinstance(value, dict):
        return {key: with_ids(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [with_ids(item, ids) for item in value]
    return ids.get(value, value) if isinstance(value, str) else value


def answered(operation, params):
    """What came back, be it an error."""
    try:
        return operation(**params)
    except ClientError as error:
        return error.response
