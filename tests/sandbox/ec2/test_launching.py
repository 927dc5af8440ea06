"""RunInstances: how many come, what is refused, and what the instances are like."""

import base64

import pytest

from app.sandbox import clock
from app.sandbox.ec2 import install
from app.sandbox.settings import SandboxSettings

from .conftest import INSTANCE_STORE, OTHER_ZONE, SETTINGS, UBUNTU, UBUNTU_ARM, ZONE


def asked(**params):
    return {
        "ImageId": UBUNTU,
        "InstanceType": "t3.micro",
        "MinCount": 1,
        "MaxCount": 1,
    } | params


def states(ec2):
    pages = ec2.describe_instances()["Reservations"]
    return [i["State"]["Name"] for r in pages for i in r["Instances"]]


def test_an_instance_is_pending_and_then_running(ec2, launch):
    launch(settled=False)
    assert states(ec2) == ["pending"]
    clock.advance(SETTINGS.instance_pending - 1)
    assert states(ec2) == ["pending"]
    clock.advance(1)
    assert states(ec2) == ["running"]


def test_as_many_come_as_were_asked_for_at_most(ec2):
    answer = ec2.run_instances(**asked(MinCount=2, MaxCount=5))
    assert len(answer["Instances"]) == 5
    assert [i["AmiLaunchIndex"] for i in answer["Instances"]] == [0, 1, 2, 3, 4]


def test_as_many_come_as_the_vcpu_limit_has_room_for(ec2):
    install(SandboxSettings(account_id=SETTINGS.account_id, vcpu_limit=7))
    answer = ec2.run_instances(**asked(MinCount=2, MaxCount=5))
    assert len(answer["Instances"]) == 3, "t3.micro has two vCPUs"


def test_none_come_when_the_minimum_does_not_fit(ec2, refusal):
    install(SandboxSettings(account_id=SETTINGS.account_id, vcpu_limit=7))
    code, message = refusal(ec2.run_instances, **asked(MinCount=4, MaxCount=5))
    assert code == "VcpuLimitExceeded"
    assert "current vCPU limit of 7" in message
    assert states(ec2) == []


def test_stopped_instances_do_not_count_against_the_limit(ec2, launch):
    first = launch()
    install(SandboxSettings(account_id=SETTINGS.account_id, vcpu_limit=2))
    ec2.stop_instances(InstanceIds=[first["InstanceId"]])
    assert len(ec2.run_instances(**asked())["Instances"]) == 1


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"MinCount": 3, "MaxCount": 2}, "InvalidParameterValue"),
        ({"MinCount": 0}, "InvalidParameterValue"),
        ({"MinCount": -1}, "InvalidParameterValue"),
        ({"MaxCount": 0}, "InvalidParameterValue"),
        ({"MaxCount": 1001}, "InstanceLimitExceeded"),
        ({"MaxCount": 1_000_000}, "InstanceLimitExceeded"),
        ({"InstanceType": "t3.wide"}, "InvalidParameterValue"),
        ({"ImageId": "ami-0123456789abcdef0"}, "InvalidAMIID.NotFound"),
        ({"ImageId": "ami-ubuntu"}, "InvalidAMIID.Malformed"),
        ({"ImageId": "i-0123456789abcdef0"}, "InvalidAMIID.Malformed"),
        ({"KeyName": "nobody"}, "InvalidKeyPair.NotFound"),
        ({"Placement": {"AvailabilityZone": "eu-west-1a"}}, "InvalidParameterValue"),
        ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound"),
        ({"SecurityGroups": ["nobody"]}, "InvalidGroup.NotFound"),
        ({"SubnetId": "subnet-0123456789abcdef0"}, "InvalidSubnetID.NotFound"),
        ({"UserData": "x" * 16_385}, "InvalidParameterValue"),
        ({"ClientToken": "x" * 65}, "InvalidParameterValue"),
        ({"ClientToken": "löwe"}, "InvalidParameterValue"),
        ({"InstanceInitiatedShutdownBehavior": "sleep"}, "InvalidParameterValue"),
        ({"MetadataOptions": {"HttpTokens": "perhaps"}}, "InvalidParameterValue"),
        ({"LaunchTemplate": {"LaunchTemplateName": "web"}}, "UnsupportedOperation"),
        ({"IamInstanceProfile": {"Name": "web"}}, "UnsupportedOperation"),
        ({"Placement": {"Tenancy": "dedicated"}}, "UnsupportedOperation"),
        ({"InstanceType": "t4g.micro"}, "InvalidParameterValue"),
        ({"ImageId": UBUNTU_ARM}, "InvalidParameterValue"),
        ({"ImageId": INSTANCE_STORE}, "InvalidParameterCombination"),
    ],
)
def test_what_cannot_be_launched_is_refused(ec2, refusal, params, code):
    assert refusal(ec2.run_instances, **asked(**params))[0] == code
    assert states(ec2) == []


def test_the_refusal_of_another_architecture_names_both(ec2, refusal):
    _, message = refusal(ec2.run_instances, **asked(InstanceType="t4g.micro"))
    assert "The architecture 'arm64' of the specified instance type does not match" in message
    assert "the architecture 'x86_64' of the specified AMI" in message


def test_user_data_may_have_16_kilobytes_and_comes_back(ec2):
    text = "x" * 16_384
    instance = ec2.run_instances(**asked(UserData=text))["Instances"][0]["InstanceId"]
    found = ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")
    assert base64.b64decode(found["UserData"]["Value"]).decode() == text


def test_user_data_keeps_any_character(ec2):
    text = "#!/bin/sh\necho '<script>&amp; ü'\r\n"
    instance = ec2.run_instances(**asked(UserData=text))["Instances"][0]["InstanceId"]
    found = ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")
    assert base64.b64decode(found["UserData"]["Value"]).decode() == text


def test_protection_can_be_asked_for_at_launch(ec2, launch, refusal):
    found = launch(DisableApiTermination=True, DisableApiStop=True)["InstanceId"]
    for attribute in ("disableApiTermination", "disableApiStop"):
        answer = ec2.describe_instance_attribute(InstanceId=found, Attribute=attribute)
        assert answer[attribute[0].upper() + attribute[1:]] == {"Value": True}
    assert refusal(ec2.stop_instances, InstanceIds=[found])[0] == "OperationNotPermitted"
    code, message = refusal(ec2.terminate_instances, InstanceIds=[found])
    assert code == "OperationNotPermitted"
    assert message == (
        f"The instance '{found}' may not be terminated. Modify its "
        "'disableApiTermination' instance attribute and try again."
    )


def test_the_same_token_launches_once(ec2):
    first = ec2.run_instances(**asked(ClientToken="one"))
    again = ec2.run_instances(**asked(ClientToken="one"))
    assert again["ReservationId"] == first["ReservationId"]
    assert [i["InstanceId"] for i in again["Instances"]] == [
        i["InstanceId"] for i in first["Instances"]
    ]
    assert len(states(ec2)) == 1


def test_a_dry_run_with_a_used_token_is_still_one(ec2, refusal):
    ec2.run_instances(**asked(ClientToken="one"))
    params = asked(ClientToken="one", DryRun=True)
    assert refusal(ec2.run_instances, status=412, **params)[0] == "DryRunOperation"


def test_the_same_token_with_other_parameters_is_refused(ec2, refusal):
    ec2.run_instances(**asked(ClientToken="one"))
    code, _ = refusal(ec2.run_instances, **asked(ClientToken="one", MaxCount=2))
    assert code == "IdempotentParameterMismatch"


def test_the_same_token_after_termination_is_refused(ec2, refusal):
    found = ec2.run_instances(**asked(ClientToken="one"))["Instances"][0]["InstanceId"]
    ec2.terminate_instances(InstanceIds=[found])
    clock.advance(60)
    code, _ = refusal(ec2.run_instances, **asked(ClientToken="one"))
    assert code == "IdempotentInstanceTerminated"


def test_tags_go_to_the_instance_and_its_volume(ec2):
    specs = [
        {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "lj_instance"}]},
        {"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "lj_volume"}]},
    ]
    found = ec2.run_instances(**asked(TagSpecifications=specs))["Instances"][0]
    assert found["Tags"] == [{"Key": "Name", "Value": "lj_instance"}]
    [volume] = ec2.describe_volumes()["Volumes"]
    assert volume["Tags"] == [{"Key": "Name", "Value": "lj_volume"}]
    assert volume["Attachments"][0]["InstanceId"] == found["InstanceId"]


def test_the_root_volume_follows_the_image(ec2, launch):
    launch()
    [volume] = ec2.describe_volumes()["Volumes"]
    assert (volume["Size"], volume["VolumeType"], volume["State"]) == (8, "gp3", "in-use")
    assert volume["AvailabilityZone"] == ZONE
    assert volume["SnapshotId"].startswith("snap-")
    assert volume["Attachments"][0]["DeleteOnTermination"] is True


def test_the_root_volume_can_be_changed_and_others_added(ec2, launch):
    launch(
        BlockDeviceMappings=[
            {
                "DeviceName": "/dev/sda1",
                "Ebs": {"VolumeSize": 20, "VolumeType": "io2", "Iops": 500},
            },
            {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 125, "VolumeType": "st1"}},
        ]
    )
    found = {v["VolumeType"]: v for v in ec2.describe_volumes()["Volumes"]}
    assert (found["io2"]["Size"], found["io2"]["Iops"]) == (20, 500)
    assert found["io2"]["SnapshotId"], "the root volume still starts from the image's snapshot"
    assert found["st1"]["Attachments"][0]["Device"] == "/dev/sdf"


@pytest.mark.parametrize(
    ("ebs", "code"),
    [
        ({"VolumeSize": 7}, "InvalidBlockDeviceMapping"),
        ({"VolumeSize": 99_999}, "InvalidParameterValue"),
        ({"VolumeType": "io2"}, "MissingParameter"),
        ({"VolumeType": "st1"}, "InvalidParameterValue"),
        ({"VolumeType": "floppy"}, "InvalidParameterValue"),
        ({"SnapshotId": "snap-0123456789abcdef0"}, "InvalidSnapshot.NotFound"),
    ],
)
def test_a_root_volume_that_cannot_be_is_refused(ec2, refusal, ebs, code):
    mapping = [{"DeviceName": "/dev/sda1", "Ebs": ebs}]
    assert refusal(ec2.run_instances, **asked(BlockDeviceMappings=mapping))[0] == code
    assert ec2.describe_volumes()["Volumes"] == []


def test_a_root_volume_smaller_than_its_snapshot_names_the_size(ec2, refusal):
    mapping = [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 4}}]
    _, message = refusal(ec2.run_instances, **asked(BlockDeviceMappings=mapping))
    assert message.startswith("Volume of size 4GB is smaller than snapshot 'snap-")
    assert message.endswith("expect size >= 8GB")


def test_an_instance_store_image_brings_no_volume(ec2):
    found = ec2.run_instances(**asked(ImageId=INSTANCE_STORE, InstanceType="m3.medium"))
    assert found["Instances"][0]["RootDeviceType"] == "instance-store"
    assert ec2.describe_volumes()["Volumes"] == []


def test_the_instance_is_where_it_was_asked_to_be_and_what(ec2, launch):
    ec2.create_key_pair(KeyName="ops", KeyType="ed25519")
    group = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    found = launch(
        KeyName="ops",
        SecurityGroupIds=[group],
        Placement={"AvailabilityZone": OTHER_ZONE},
        MetadataOptions={"HttpTokens": "required"},
        Monitoring={"Enabled": True},
    )
    assert found["KeyName"] == "ops"
    assert found["SecurityGroups"] == [{"GroupId": group, "GroupName": "web"}]
    assert found["Placement"]["AvailabilityZone"] == OTHER_ZONE
    assert found["MetadataOptions"]["HttpTokens"] == "required"
    assert found["Monitoring"] == {"State": "enabled"}
    assert found["PrivateIpAddress"].startswith("172.31.")
    assert found["PublicIpAddress"]


def test_an_image_that_is_still_pending_cannot_be_launched(ec2, launch, refusal):
    image = ec2.create_image(InstanceId=launch()["InstanceId"], Name="lj_test")["ImageId"]
    assert refusal(ec2.run_instances, **asked(ImageId=image))[0] == "InvalidAMIID.Unavailable"


def test_a_dry_run_launches_nothing(ec2, refusal):
    code, _ = refusal(ec2.run_instances, status=412, **asked(DryRun=True))
    assert code == "DryRunOperation"
    assert states(ec2) == []
    assert refusal(ec2.run_instances, **asked(DryRun=True, KeyName="nobody"))[0] == (
        "InvalidKeyPair.NotFound"
    )


def test_an_address_can_be_asked_for_once(ec2, refusal):
    place = {"AvailabilityZone": ZONE}
    [subnet] = ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": [ZONE]}])[
        "Subnets"
    ]
    network = subnet["CidrBlock"].rsplit(".", 1)[0]
    free = f"{network}.77"
    made = ec2.run_instances(**asked(PrivateIpAddress=free, Placement=place))["Instances"][0]
    assert made["PrivateIpAddress"] == free
    for address, code in (
        (free, "InvalidIPAddress.InUse"),
        (f"{network}.2", "InvalidParameterValue"),
        ("10.0.0.1", "InvalidParameterValue"),
        ("nowhere", "InvalidParameterValue"),
    ):
        params = asked(PrivateIpAddress=address, Placement=place)
        assert refusal(ec2.run_instances, **params)[0] == code


def test_a_network_interface_can_be_described(ec2, refusal):
    nic = {"DeviceIndex": 0, "AssociatePublicIpAddress": False, "Description": "front"}
    made = ec2.run_instances(**asked(NetworkInterfaces=[nic]))["Instances"][0]
    assert "PublicIpAddress" not in made
    for nics in (
        [{"Description": "no index"}],
        [nic, nic],
        [nic | {"NetworkInterfaceId": "eni-1"}],
    ):
        params = asked(NetworkInterfaces=nics)
        assert refusal(ec2.run_instances, **params)[0] == "UnsupportedOperation"
    group = made["SecurityGroups"][0]["GroupId"]
    params = asked(NetworkInterfaces=[nic], SecurityGroupIds=[group])
    assert refusal(ec2.run_instances, **params)[0] == "InvalidParameterCombination"


def test_as_many_come_as_the_subnet_has_addresses_for(ec2, refusal):
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    params = {"VpcId": vpc, "CidrBlock": "172.31.255.240/28", "AvailabilityZone": ZONE}
    subnet = ec2.create_subnet(**params)["Subnet"]["SubnetId"]
    made = ec2.run_instances(**asked(SubnetId=subnet, MaxCount=20))["Instances"]
    assert len({i["PrivateIpAddress"] for i in made}) == 11, "16 addresses, five are AWS's"
    code, _ = refusal(ec2.run_instances, **asked(SubnetId=subnet))
    assert code == "InsufficientFreeAddressesInSubnet"


def test_a_type_must_be_offered_in_the_zone(ec2, refusal):
    every = {z["ZoneName"] for z in ec2.describe_availability_zones()["AvailabilityZones"]}
    offers = ec2.describe_instance_type_offerings(
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": ["t3.micro"]}],
    )["InstanceTypeOfferings"]
    [lacking] = every - {offer["Location"] for offer in offers}
    place = {"AvailabilityZone": lacking}
    assert refusal(ec2.run_instances, **asked(Placement=place))[0] == "Unsupported"
