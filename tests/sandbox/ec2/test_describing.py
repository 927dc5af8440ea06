"""DescribeInstances and the other questions: filters, pages, ids, what an answer has in it."""

import pytest

from app.sandbox import clock

from .conftest import OTHER_ZONE, REGION, SETTINGS, UBUNTU, ZONE


def found(ec2, **params):
    answer = ec2.describe_instances(**params)
    return [i for r in answer["Reservations"] for i in r["Instances"]]


def tagged(**tags):
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    return [{"ResourceType": "instance", "Tags": pairs}]


@pytest.fixture
def three(ec2, launch):
    """One running with a name and a key, one stopped elsewhere, one just launched."""
    ec2.create_key_pair(KeyName="ops", KeyType="ed25519")
    web = launch(KeyName="ops", TagSpecifications=tagged(Name="web"), ClientToken="one")
    other = launch(Placement={"AvailabilityZone": OTHER_ZONE}, InstanceType="t3.small")
    ec2.stop_instances(InstanceIds=[other["InstanceId"]])
    clock.advance(60)
    launch(settled=False)
    return web, other


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("image-id", [UBUNTU], 3),
        ("image-id", ["ami-*"], 3),
        ("instance-state-name", ["running"], 1),
        ("instance-state-name", ["running", "pending"], 2),
        ("instance-state-code", ["80"], 1),
        ("availability-zone", [OTHER_ZONE], 1),
        ("instance-type", ["t3.*"], 3),
        ("instance-type", ["t3.small"], 1),
        ("key-name", ["ops"], 1),
        ("client-token", ["one"], 1),
        ("tag:Name", ["web"], 1),
        ("tag:Name", ["we?"], 1),
        ("tag:name", ["web"], 0),
        ("tag-key", ["Name"], 1),
        ("root-device-type", ["ebs"], 3),
        ("state-reason-code", ["Client.UserInitiatedShutdown"], 1),
        ("block-device-mapping.device-name", ["/dev/sda1"], 3),
        ("architecture", ["arm64"], 0),
        ("metadata-options.http-tokens", ["optional"], 3),
    ],
)
def test_instances_are_found_by_filter(ec2, three, name, values, expected):
    assert len(found(ec2, Filters=[{"Name": name, "Values": values}])) == expected


def test_filters_are_joined_with_and(ec2, three):
    filters = [
        {"Name": "image-id", "Values": [UBUNTU]},
        {"Name": "instance-state-name", "Values": ["running"]},
        {"Name": "tag:Name", "Values": ["web", "db"]},
    ]
    assert [i["KeyName"] for i in found(ec2, Filters=filters)] == ["ops"]
    filters[2]["Values"] = ["db"]
    assert found(ec2, Filters=filters) == []


def test_every_filter_of_ours_works_on_every_instance(ec2, three):
    from app.sandbox.ec2 import images, instances, snapshots, volumes

    for operation, module in (
        (ec2.describe_instances, instances),
        (ec2.describe_volumes, volumes),
        (ec2.describe_images, images),
        (ec2.describe_snapshots, snapshots),
    ):
        for name in module.FIELDS:
            operation(Filters=[{"Name": name, "Values": ["*"]}])


def test_an_unknown_filter_is_refused_by_name(ec2, refusal):
    for operation in (
        ec2.describe_instances,
        ec2.describe_volumes,
        ec2.describe_images,
        ec2.describe_snapshots,
        ec2.describe_key_pairs,
        ec2.describe_security_groups,
        ec2.describe_availability_zones,
        ec2.describe_instance_types,
        ec2.describe_instance_status,
        ec2.describe_tags,
        ec2.describe_volumes_modifications,
    ):
        code, message = refusal(operation, Filters=[{"Name": "<b>", "Values": ["x"]}])
        assert (code, message) == ("InvalidParameterValue", "The filter '<b>' is invalid")


def test_an_unknown_filter_of_what_moto_does_is_refused_too(ec2, refusal):
    code, message = refusal(ec2.describe_vpcs, Filters=[{"Name": "colour", "Values": ["red"]}])
    assert (code, message) == ("InvalidParameterValue", "The filter 'colour' is invalid")


def test_a_call_has_its_limits(ec2, refusal):
    many = [{"Name": "instance-id", "Values": ["i-*"]}] * 51
    assert refusal(ec2.describe_instances, Filters=many)[0] == "FilterLimitExceeded"
    ids = [f"i-{number:017x}" for number in range(1001)]
    assert refusal(ec2.describe_instances, InstanceIds=ids)[0] == "InvalidParameterValue"


def test_instances_come_page_by_page(ec2, launch):
    for _ in range(4):
        launch(MinCount=3, MaxCount=3)
    every = [i["InstanceId"] for i in found(ec2)]
    pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
    sizes = [sum(len(r["Instances"]) for r in page["Reservations"]) for page in pages]
    assert sizes == [5, 5, 2]
    assert [
        i["InstanceId"] for page in pages for r in page["Reservations"] for i in r["Instances"]
    ] == every


@pytest.mark.parametrize("size", [-1, 0, 4])
def test_a_page_is_not_smaller_than_five(ec2, refusal, size):
    code, message = refusal(ec2.describe_instances, MaxResults=size)
    assert code == "InvalidParameterValue"
    assert message.startswith(f"Value ( {size} ) for parameter maxResults is invalid.")


def test_a_page_is_not_larger_than_a_thousand(ec2, refusal):
    assert refusal(ec2.describe_instances, MaxResults=1001)[0] == "InvalidParameterValue"


def test_ids_and_a_page_size_do_not_go_together(ec2, three, refusal):
    ids = [three[0]["InstanceId"]]
    code, message = refusal(ec2.describe_instances, InstanceIds=ids, MaxResults=5)
    assert code == "InvalidParameterCombination"
    assert message == "The parameter instancesSet cannot be used with the parameter maxResults"


def test_a_token_belongs_to_its_operation(ec2, launch, refusal):
    launch(MinCount=6, MaxCount=6)
    token = ec2.describe_instances(MaxResults=5)["NextToken"]
    code, _ = refusal(ec2.describe_volumes, MaxResults=5, NextToken=token)
    assert code == "InvalidParameterValue"


def test_instances_asked_for_by_id_are_the_ones_asked_for(ec2, three):
    wanted = [i["InstanceId"] for i in three]
    assert [i["InstanceId"] for i in found(ec2, InstanceIds=wanted)] == wanted


def test_unknown_instances_are_all_named(ec2, three, refusal):
    gone = ["i-00000000000000001", "i-00000000000000002"]
    code, message = refusal(ec2.describe_instances, InstanceIds=[three[0]["InstanceId"], *gone])
    assert code == "InvalidInstanceID.NotFound"
    assert message == f"The instance IDs '{gone[0]}, {gone[1]}' do not exist"


def test_one_region_knows_nothing_of_another(ec2, launch, make_client):
    instance = launch()["InstanceId"]
    other = make_client("eu-central-1")
    assert found(other) == []
    zones = other.describe_availability_zones()["AvailabilityZones"]
    assert {z["RegionName"] for z in zones} == {"eu-central-1"}
    assert instance in [i["InstanceId"] for i in found(ec2)]


def test_instance_types_come_a_hundred_at_a_time(ec2):
    pages = list(ec2.get_paginator("describe_instance_types").paginate(MaxResults=100))
    names = [kind["InstanceType"] for page in pages for kind in page["InstanceTypes"]]
    assert len(names) == len(set(names)) > 150
    assert max(len(page["InstanceTypes"]) for page in pages) == 100
    [micro] = ec2.describe_instance_types(InstanceTypes=["t3.micro"])["InstanceTypes"]
    assert micro["VCpuInfo"]["DefaultVCpus"] == 2
    assert micro["MemoryInfo"]["SizeInMiB"] == 1024


def test_an_unknown_instance_type_is_named(ec2, refusal):
    code, message = refusal(ec2.describe_instance_types, InstanceTypes=["t3.micro", "t3.wide"])
    assert code == "InvalidInstanceType"
    assert message == "The following supplied instance types do not exist: [t3.wide]"


def test_instance_types_are_found_by_filter(ec2):
    filters = [
        {"Name": "processor-info.supported-architecture", "Values": ["arm64"]},
        {"Name": "instance-type", "Values": ["t4g.*"]},
    ]
    kinds = ec2.describe_instance_types(Filters=filters)["InstanceTypes"]
    assert {kind["InstanceType"] for kind in kinds} >= {"t4g.micro", "t4g.small"}


def test_the_zones_are_those_of_the_region(ec2, refusal):
    zones = ec2.describe_availability_zones(ZoneNames=[ZONE])["AvailabilityZones"]
    assert [(z["ZoneName"], z["State"], z["RegionName"]) for z in zones] == [
        (ZONE, "available", REGION)
    ]
    code, message = refusal(ec2.describe_availability_zones, ZoneNames=["mars-1a"])
    assert (code, message) == ("InvalidParameterValue", "Invalid availability zone: [mars-1a]")


def test_there_is_a_default_network(ec2):
    [vpc] = ec2.describe_vpcs()["Vpcs"]
    assert vpc["IsDefault"] is True
    subnets = ec2.describe_subnets()["Subnets"]
    assert {s["AvailabilityZone"] for s in subnets} >= {ZONE, OTHER_ZONE}
    [group] = ec2.describe_security_groups()["SecurityGroups"]
    assert (group["GroupName"], group["VpcId"]) == ("default", vpc["VpcId"])
    assert group["IpPermissionsEgress"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]


def test_security_groups_are_found_by_vpc_and_show_their_rules(ec2, refusal):
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    made = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    rule = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "inside"}],
    }
    ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=[rule])
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["w*"]}]
    [group] = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    assert group["GroupId"] == made
    assert group["IpPermissions"][0]["FromPort"] == 443
    assert group["IpPermissions"][0]["IpRanges"] == rule["IpRanges"]
    code, _ = refusal(ec2.describe_security_groups, GroupIds=["sg-0123456789abcdef0"])
    assert code == "InvalidGroup.NotFound"


def test_status_checks_run_for_a_while_after_the_launch(ec2, launch):
    running = launch()["InstanceId"]
    launch(settled=False)

    def told(**params):
        answer = ec2.describe_instance_status(**params)["InstanceStatuses"]
        return {s["InstanceId"]: s["InstanceStatus"]["Status"] for s in answer}

    assert told() == {running: "initializing"}
    assert sorted(told(IncludeAllInstances=True).values()) == ["initializing", "not-applicable"]
    clock.advance(3 * SETTINGS.instance_pending)
    assert set(told().values()) == {"ok"}
