"""Start, stop, reboot, terminate: the ways from state to state, and what bars them."""

import gc

import pytest
from botocore.exceptions import ClientError

from app.sandbox import clock

from .conftest import INSTANCE_STORE, OTHER_ZONE, SETTINGS


def instance(ec2, instance_id):
    return ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]


def state(ec2, instance_id):
    return instance(ec2, instance_id)["State"]["Name"]


@pytest.fixture
def running(launch):
    return launch()["InstanceId"]


@pytest.fixture
def stopped(ec2, running):
    ec2.stop_instances(InstanceIds=[running])
    clock.advance(SETTINGS.instance_stopping)
    return running


def test_a_running_instance_stops_by_way_of_stopping(ec2, running):
    [change] = ec2.stop_instances(InstanceIds=[running])["StoppingInstances"]
    assert change["PreviousState"] == {"Code": 16, "Name": "running"}
    assert change["CurrentState"] == {"Code": 64, "Name": "stopping"}
    clock.advance(SETTINGS.instance_stopping)
    found = instance(ec2, running)
    assert found["State"] == {"Code": 80, "Name": "stopped"}
    assert found["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert found["StateTransitionReason"].startswith("User initiated (")
    assert "PublicIpAddress" not in found


def test_a_stopped_instance_starts_by_way_of_pending(ec2, stopped):
    launched = instance(ec2, stopped)["LaunchTime"]
    [change] = ec2.start_instances(InstanceIds=[stopped])["StartingInstances"]
    assert change["CurrentState"] == {"Code": 0, "Name": "pending"}
    clock.advance(SETTINGS.instance_pending)
    found = instance(ec2, stopped)
    assert found["State"]["Name"] == "running"
    assert "StateReason" not in found
    assert found["StateTransitionReason"] == ""
    assert found["PublicIpAddress"]
    assert found["LaunchTime"] > launched


def test_a_reboot_leaves_it_running(ec2, running):
    ec2.reboot_instances(InstanceIds=[running])
    assert state(ec2, running) == "running"


def test_what_is_already_so_is_answered_without_a_change(ec2, running):
    [change] = ec2.start_instances(InstanceIds=[running])["StartingInstances"]
    assert change["CurrentState"] == change["PreviousState"] == {"Code": 16, "Name": "running"}


def test_a_pending_instance_cannot_be_stopped(ec2, launch, refusal):
    found = launch(settled=False)["InstanceId"]
    code, message = refusal(ec2.stop_instances, InstanceIds=[found])
    assert code == "IncorrectInstanceState"
    assert message == f"The instance '{found}' is not in a state from which it can be stopped."


def test_a_stopping_instance_cannot_be_started(ec2, running, refusal):
    ec2.stop_instances(InstanceIds=[running])
    code, message = refusal(ec2.start_instances, InstanceIds=[running])
    assert code == "IncorrectInstanceState"
    assert message == f"The instance '{running}' is not in a state from which it can be started."


def test_a_stopped_instance_cannot_be_rebooted(ec2, stopped, refusal):
    assert refusal(ec2.reboot_instances, InstanceIds=[stopped])[0] == "IncorrectInstanceState"


def test_a_terminated_instance_stays_for_an_hour_and_then_goes(ec2, running, refusal):
    [change] = ec2.terminate_instances(InstanceIds=[running])["TerminatingInstances"]
    assert change["CurrentState"] == {"Code": 32, "Name": "shutting-down"}
    assert ec2.describe_volumes()["Volumes"] != []
    clock.advance(SETTINGS.instance_shutting_down)
    found = instance(ec2, running)
    assert found["State"] == {"Code": 48, "Name": "terminated"}
    assert found["BlockDeviceMappings"] == found["NetworkInterfaces"] == []
    assert "PrivateIpAddress" not in found
    assert found["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    assert ec2.describe_volumes()["Volumes"] == []
    clock.advance(SETTINGS.instance_terminated_kept - 1)
    assert state(ec2, running) == "terminated"
    clock.advance(1)
    assert refusal(ec2.describe_instances, InstanceIds=[running])[0] == (
        "InvalidInstanceID.NotFound"
    )


@pytest.mark.parametrize("operation", ["start_instances", "stop_instances", "reboot_instances"])
def test_a_terminated_instance_cannot_be_revived(ec2, running, refusal, operation):
    ec2.terminate_instances(InstanceIds=[running])
    clock.advance(60)
    code, _ = refusal(getattr(ec2, operation), InstanceIds=[running])
    assert code == "IncorrectInstanceState"
    assert state(ec2, running) == "terminated"


def test_terminating_it_twice_changes_nothing(ec2, running):
    ec2.terminate_instances(InstanceIds=[running])
    clock.advance(60)
    [change] = ec2.terminate_instances(InstanceIds=[running])["TerminatingInstances"]
    assert change["CurrentState"]["Name"] == change["PreviousState"]["Name"] == "terminated"


def test_a_stopped_instance_can_be_terminated(ec2, stopped):
    ec2.terminate_instances(InstanceIds=[stopped])
    clock.advance(60)
    assert state(ec2, stopped) == "terminated"


def test_volumes_that_do_not_go_with_the_instance_become_available(ec2, launch):
    keep = {"DeviceName": "/dev/sda1", "Ebs": {"DeleteOnTermination": False}}
    found = launch(BlockDeviceMappings=[keep])["InstanceId"]
    ec2.terminate_instances(InstanceIds=[found])
    clock.advance(60)
    [volume] = ec2.describe_volumes()["Volumes"]
    assert (volume["State"], volume["Attachments"]) == ("available", [])


def test_an_instance_store_instance_cannot_be_stopped_but_terminated(ec2, launch, refusal):
    found = launch(ImageId=INSTANCE_STORE, InstanceType="m3.medium")["InstanceId"]
    code, message = refusal(ec2.stop_instances, InstanceIds=[found])
    assert code == "UnsupportedOperation"
    assert message == (
        f"The instance '{found}' does not have an 'ebs' root device type and cannot be stopped."
    )
    ec2.terminate_instances(InstanceIds=[found])
    clock.advance(60)
    assert state(ec2, found) == "terminated"


def test_protection_is_taken_off_and_then_it_can_be_terminated(ec2, launch, refusal):
    found = launch(DisableApiTermination=True)["InstanceId"]
    assert refusal(ec2.terminate_instances, InstanceIds=[found])[0] == "OperationNotPermitted"
    assert state(ec2, found) == "running"
    ec2.modify_instance_attribute(InstanceId=found, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[found])
    assert state(ec2, found) == "shutting-down"


def test_a_protected_one_saves_the_others_of_its_zone_only(ec2, launch, refusal):
    protected = launch(DisableApiTermination=True)["InstanceId"]
    beside = launch()["InstanceId"]
    elsewhere = launch(Placement={"AvailabilityZone": OTHER_ZONE})["InstanceId"]
    code, message = refusal(ec2.terminate_instances, InstanceIds=[beside, protected, elsewhere])
    assert code == "OperationNotPermitted"
    assert protected in message
    assert state(ec2, protected) == state(ec2, beside) == "running"
    assert state(ec2, elsewhere) == "shutting-down"


def test_one_unknown_instance_fails_the_whole_call(ec2, running, refusal):
    unknown = "i-0123456789abcdef0"
    code, message = refusal(ec2.stop_instances, InstanceIds=[running, unknown])
    assert code == "InvalidInstanceID.NotFound"
    assert message == f"The instance ID '{unknown}' does not exist"
    assert state(ec2, running) == "running"


@pytest.mark.parametrize(
    "operation",
    ["start_instances", "stop_instances", "reboot_instances", "terminate_instances"],
)
def test_a_malformed_id_is_told_so(ec2, refusal, operation):
    for malformed in ("i-1", "vol-0123456789abcdef0", "<script>", "i-0123456789ABCDEF0"):
        code, message = refusal(getattr(ec2, operation), InstanceIds=[malformed])
        assert (code, message) == ("InvalidInstanceID.Malformed", f'Invalid id: "{malformed}"')


def test_a_dry_run_stops_nothing(ec2, running, refusal):
    for operation in (ec2.stop_instances, ec2.reboot_instances, ec2.terminate_instances):
        code, _ = refusal(operation, status=412, InstanceIds=[running], DryRun=True)
        assert code == "DryRunOperation"
    assert state(ec2, running) == "running"


def test_a_stale_event_does_not_end_a_newer_change(ec2, stopped):
    ec2.start_instances(InstanceIds=[stopped])
    clock.advance(SETTINGS.instance_pending)
    ec2.stop_instances(InstanceIds=[stopped])
    clock.advance(SETTINGS.instance_stopping)
    ec2.start_instances(InstanceIds=[stopped])
    clock.advance(1)
    ec2.terminate_instances(InstanceIds=[stopped])
    clock.advance(SETTINGS.instance_pending - 1)
    assert state(ec2, stopped) == "shutting-down"


def test_an_address_that_was_freed_belongs_to_whoever_has_it_next(ec2, launch):
    first = launch()
    address = {"PrivateIpAddress": first["PrivateIpAddress"]}
    ec2.terminate_instances(InstanceIds=[first["InstanceId"]])
    clock.advance(SETTINGS.instance_shutting_down)
    second = launch(**address)["InstanceId"]
    clock.advance(SETTINGS.instance_terminated_kept)
    assert state(ec2, second) == "running"
    gc.collect()
    with pytest.raises(ClientError, match=r"InvalidIPAddress\.InUse"):
        launch(**address)
