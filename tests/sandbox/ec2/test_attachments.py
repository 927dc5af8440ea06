"""AttachVolume and DetachVolume."""

import pytest

from app.sandbox import clock

from .conftest import OTHER_ZONE, SETTINGS


@pytest.fixture
def instance(launch):
    return launch()["InstanceId"]


@pytest.fixture
def attached(ec2, instance, make_volume):
    made = make_volume()
    ec2.attach_volume(VolumeId=made, InstanceId=instance, Device="/dev/sdf")
    clock.advance(SETTINGS.volume_attaching)
    return made


def volume(ec2, volume_id):
    return ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"][0]


def test_a_volume_is_attaching_and_then_attached(ec2, instance, make_volume):
    made = make_volume()
    answer = ec2.attach_volume(VolumeId=made, InstanceId=instance, Device="/dev/sdf")
    assert (answer["State"], answer["Device"]) == ("attaching", "/dev/sdf")
    found = volume(ec2, made)
    assert found["State"] == "in-use"
    assert found["Attachments"][0]["State"] == "attaching"
    clock.advance(SETTINGS.volume_attaching)
    [attachment] = volume(ec2, made)["Attachments"]
    assert (attachment["State"], attachment["InstanceId"]) == ("attached", instance)
    assert attachment["DeleteOnTermination"] is False
    devices = ec2.describe_instances()["Reservations"][0]["Instances"][0]["BlockDeviceMappings"]
    assert {d["DeviceName"]: d["Ebs"]["VolumeId"] for d in devices}["/dev/sdf"] == made


def test_a_volume_is_detaching_and_then_available(ec2, attached):
    assert ec2.detach_volume(VolumeId=attached)["State"] == "detaching"
    assert volume(ec2, attached)["Attachments"][0]["State"] == "detaching"
    clock.advance(SETTINGS.volume_detaching)
    found = volume(ec2, attached)
    assert (found["State"], found["Attachments"]) == ("available", [])
    ec2.delete_volume(VolumeId=attached)


def test_it_can_be_attached_elsewhere_afterwards(ec2, attached, launch):
    ec2.detach_volume(VolumeId=attached)
    clock.advance(SETTINGS.volume_detaching)
    other = launch()["InstanceId"]
    ec2.attach_volume(VolumeId=attached, InstanceId=other, Device="/dev/sdf")
    assert volume(ec2, attached)["Attachments"][0]["InstanceId"] == other


def test_a_volume_in_use_cannot_be_attached(ec2, attached, launch, refusal):
    params = {"VolumeId": attached, "InstanceId": launch()["InstanceId"], "Device": "/dev/sdg"}
    code, message = refusal(ec2.attach_volume, **params)
    assert (code, message) == ("VolumeInUse", f"{attached} is already attached to an instance")


def test_a_volume_in_the_making_cannot_be_attached(ec2, instance, make_volume, refusal):
    made = make_volume(settled=False)
    params = {"VolumeId": made, "InstanceId": instance, "Device": "/dev/sdf"}
    code, message = refusal(ec2.attach_volume, **params)
    assert (code, message) == ("IncorrectState", f"{made} is not 'available'.")


def test_a_volume_of_another_zone_cannot_be_attached(ec2, instance, make_volume, refusal):
    made = make_volume(AvailabilityZone=OTHER_ZONE)
    params = {"VolumeId": made, "InstanceId": instance, "Device": "/dev/sdf"}
    assert refusal(ec2.attach_volume, **params)[0] == "InvalidVolume.ZoneMismatch"


def test_a_device_is_used_once(ec2, attached, instance, make_volume, refusal):
    for device in ("/dev/sdf", "/dev/sda1"):
        params = {"VolumeId": make_volume(), "InstanceId": instance, "Device": device}
        code, message = refusal(ec2.attach_volume, **params)
        assert code == "InvalidParameterValue"
        assert message.endswith(f"Attachment point {device} is already in use")


@pytest.mark.parametrize("device", ["sdf", "/dev/", "<script>", "/dev/sd f", "C:"])
def test_a_device_name_that_is_none_is_refused(ec2, instance, make_volume, refusal, device):
    params = {"VolumeId": make_volume(), "InstanceId": instance, "Device": device}
    assert refusal(ec2.attach_volume, **params)[0] == "InvalidParameterValue"


def test_the_instance_has_to_run_or_be_stopped(ec2, launch, make_volume, refusal):
    pending = launch(settled=False)["InstanceId"]
    params = {"InstanceId": pending, "Device": "/dev/sdf"}
    made = make_volume(settled=False)
    clock.advance(SETTINGS.volume_creating)
    code, message = refusal(ec2.attach_volume, VolumeId=made, **params)
    assert (code, message) == ("IncorrectState", f"Instance '{pending}' is not 'running'.")


def test_what_is_not_attached_cannot_be_detached(ec2, attached, make_volume, launch, refusal):
    free = make_volume()
    code, message = refusal(ec2.detach_volume, VolumeId=free)
    assert (code, message) == ("IncorrectState", f"Volume '{free}' is in the 'available' state.")
    other = launch()["InstanceId"]
    code, _ = refusal(ec2.detach_volume, VolumeId=attached, InstanceId=other)
    assert code == "InvalidAttachment.NotFound"
    code, _ = refusal(ec2.detach_volume, VolumeId=attached, Device="/dev/sdz")
    assert code == "InvalidAttachment.NotFound"
    ec2.detach_volume(VolumeId=attached)
    assert refusal(ec2.detach_volume, VolumeId=attached)[0] == "IncorrectState"


def test_the_root_volume_of_a_running_instance_stays(ec2, instance, refusal):
    [root] = ec2.describe_volumes()["Volumes"]
    code, message = refusal(ec2.detach_volume, VolumeId=root["VolumeId"])
    assert code == "OperationNotPermitted"
    assert message == (
        f"Unable to detach root volume '{root['VolumeId']}' from instance '{instance}'"
    )
    ec2.stop_instances(InstanceIds=[instance])
    clock.advance(SETTINGS.instance_stopping)
    ec2.detach_volume(VolumeId=root["VolumeId"])
    clock.advance(SETTINGS.volume_detaching)
    assert volume(ec2, root["VolumeId"])["State"] == "available"


def test_an_instance_without_its_root_volume_cannot_start(ec2, instance, refusal):
    [root] = ec2.describe_volumes()["Volumes"]
    ec2.stop_instances(InstanceIds=[instance])
    clock.advance(SETTINGS.instance_stopping)
    ec2.detach_volume(VolumeId=root["VolumeId"])
    clock.advance(SETTINGS.volume_detaching)
    code, message = refusal(ec2.start_instances, InstanceIds=[instance])
    assert code == "InvalidParameterValue"
    assert message.endswith("Instance does not have a volume attached at root (/dev/sda1)")


def test_terminating_the_instance_frees_an_attached_volume(ec2, attached, instance):
    ec2.terminate_instances(InstanceIds=[instance])
    clock.advance(SETTINGS.instance_shutting_down)
    assert volume(ec2, attached)["State"] == "available"
