"""Tags: their rules, on resources that exist and at creation."""

import pytest

from .conftest import ZONE


def pairs(**tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def told(ec2, volume):
    found = ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]
    return {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}


def test_tags_are_set_changed_and_removed(ec2, make_volume):
    made = make_volume()
    ec2.create_tags(Resources=[made], Tags=pairs(Name="lj_volume", team="shop"))
    ec2.create_tags(Resources=[made], Tags=pairs(team="data"))
    assert told(ec2, made) == {"Name": "lj_volume", "team": "data"}
    ec2.delete_tags(Resources=[made], Tags=[{"Key": "team"}])
    assert told(ec2, made) == {"Name": "lj_volume"}


def test_a_tag_is_removed_by_value_only_where_it_is_the_value(ec2, make_volume):
    made = make_volume()
    ec2.create_tags(Resources=[made], Tags=pairs(a="1", b="2"))
    ec2.delete_tags(Resources=[made], Tags=pairs(a="other", b="2"))
    assert told(ec2, made) == {"a": "1"}


def test_without_keys_all_tags_are_removed(ec2, make_volume):
    made = make_volume()
    ec2.create_tags(Resources=[made], Tags=pairs(a="1", b="2"))
    ec2.delete_tags(Resources=[made])
    assert told(ec2, made) == {}


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "ünï \U0001f42c", "a&b;\"'", " spaces ", "two\nlines", ""]
)
def test_a_value_comes_back_as_it_was(ec2, make_volume, text):
    made = make_volume()
    ec2.create_tags(Resources=[made], Tags=pairs(note=text))
    assert told(ec2, made) == {"note": text}


def test_every_kind_of_resource_can_be_tagged(ec2, launch, make_volume):
    instance = launch()["InstanceId"]
    volume = make_volume()
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    image = ec2.create_image(InstanceId=instance, Name="lj_test")["ImageId"]
    key = ec2.create_key_pair(KeyName="ops", KeyType="ed25519")["KeyPairId"]
    group = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    every = [instance, volume, snapshot, image, key, group]
    ec2.create_tags(Resources=every, Tags=pairs(team="shop"))
    tags = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["team"]}])["Tags"]
    assert {tag["ResourceId"] for tag in tags} == set(every)
    assert {tag["ResourceType"] for tag in tags} == {
        "instance",
        "volume",
        "snapshot",
        "image",
        "key-pair",
        "security-group",
    }


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        (pairs(**{"aws:x": "1"}), "InvalidParameterValue"),
        (pairs(**{"AWS:x": "1"}), "InvalidParameterValue"),
        (pairs(**{"": "1"}), "InvalidParameterValue"),
        (pairs(**{"k" * 129: "1"}), "InvalidParameterValue"),
        (pairs(k="v" * 257), "InvalidParameterValue"),
        ([{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}], "InvalidParameterValue"),
        (pairs(**{f"k{n}": "1" for n in range(51)}), "TagLimitExceeded"),
    ],
)
def test_tags_that_break_a_rule_are_refused(ec2, make_volume, refusal, tags, code):
    made = make_volume()
    assert refusal(ec2.create_tags, Resources=[made], Tags=tags)[0] == code
    assert told(ec2, made) == {}
    spec = [{"ResourceType": "volume", "Tags": tags}]
    params = {"AvailabilityZone": ZONE, "Size": 1, "TagSpecifications": spec}
    assert refusal(ec2.create_volume, **params)[0] == code
    assert len(ec2.describe_volumes()["Volumes"]) == 1


def test_the_refusal_of_a_reserved_key_says_why(ec2, make_volume, refusal):
    _, message = refusal(ec2.create_tags, Resources=[make_volume()], Tags=pairs(**{"aws:x": "1"}))
    assert "Tag keys starting with 'aws:' are reserved for internal use" in message


def test_fifty_tags_are_allowed_and_no_more(ec2, make_volume, refusal):
    made = make_volume()
    ec2.create_tags(Resources=[made], Tags=pairs(**{f"k{n}": "1" for n in range(50)}))
    ec2.create_tags(Resources=[made], Tags=pairs(k0="changed"))
    code, _ = refusal(ec2.create_tags, Resources=[made], Tags=pairs(one="more"))
    assert code == "TagLimitExceeded"
    assert len(told(ec2, made)) == 50


def test_longest_key_and_value_are_allowed(ec2, make_volume):
    made = make_volume()
    ec2.create_tags(Resources=[made], Tags=pairs(**{"k" * 128: "v" * 256}))
    assert told(ec2, made) == {"k" * 128: "v" * 256}


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        ("vol-0123456789abcdef0", "InvalidVolume.NotFound"),
        ("i-0123456789abcdef0", "InvalidInstanceID.NotFound"),
        ("snap-0123456789abcdef0", "InvalidSnapshot.NotFound"),
        ("ami-0123456789abcdef0", "InvalidAMIID.NotFound"),
        ("key-0123456789abcdef0", "InvalidKeyPair.NotFound"),
        ("sg-0123456789abcdef0", "InvalidGroup.NotFound"),
        ("vol-x", "InvalidVolumeID.Malformed"),
        ("<script>", "InvalidID"),
        ("", "InvalidID"),
    ],
)
def test_a_resource_that_is_not_there_is_refused(ec2, refusal, resource, code):
    assert refusal(ec2.create_tags, Resources=[resource], Tags=pairs(a="1"))[0] == code
    assert refusal(ec2.delete_tags, Resources=[resource], Tags=[{"Key": "a"}])[0] == code


def test_one_unknown_resource_leaves_the_others_as_they_were(ec2, make_volume, refusal):
    made = make_volume()
    resources = [made, "vol-0123456789abcdef0"]
    refusal(ec2.create_tags, Resources=resources, Tags=pairs(a="1"))
    assert told(ec2, made) == {}


def test_a_kind_that_the_operation_does_not_make_cannot_be_tagged(ec2, refusal):
    spec = [{"ResourceType": "instance", "Tags": pairs(a="1")}]
    params = {"AvailabilityZone": ZONE, "Size": 1, "TagSpecifications": spec}
    code, message = refusal(ec2.create_volume, **params)
    assert code == "InvalidParameterValue"
    assert message == "'instance' is not a valid taggable resource type for this operation."


def test_tags_go_with_their_resource(ec2, make_volume):
    made = make_volume()
    ec2.create_tags(Resources=[made], Tags=pairs(a="1"))
    ec2.delete_volume(VolumeId=made)
    assert ec2.describe_tags()["Tags"] == []


def test_all_tags_of_an_account_come_page_by_page(ec2, make_volume):
    made = make_volume()
    ec2.create_tags(Resources=[made], Tags=pairs(**{f"k{n}": "1" for n in range(12)}))
    first = ec2.describe_tags(MaxResults=5)
    assert len(first["Tags"]) == 5
    rest = ec2.describe_tags(MaxResults=10, NextToken=first["NextToken"])
    assert len(rest["Tags"]) == 7
