"""Key pairs."""

import pytest
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_ssh_private_key,
)


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_key_pair_is_made_and_its_private_key_told_once(ec2, backend, kind):
    tags = [{"Key": "team", "Value": "shop"}]
    made = ec2.create_key_pair(
        KeyName="ops",
        KeyType=kind,
        TagSpecifications=[{"ResourceType": "key-pair", "Tags": tags}],
    )
    load = load_pem_private_key if kind == "rsa" else load_ssh_private_key
    load(made["KeyMaterial"].encode(), password=None)
    [found] = ec2.describe_key_pairs()["KeyPairs"]
    assert (found["KeyName"], found["KeyPairId"]) == ("ops", made["KeyPairId"])
    assert (found["KeyType"], found["Tags"]) == (kind, tags)
    assert found["CreateTime"]
    assert "PublicKey" not in found
    assert backend.key_pairs["ops"].material == b"", "the private key is not kept"


def test_the_public_key_is_told_when_asked_for(ec2):
    ec2.create_key_pair(KeyName="ops", KeyType="ed25519")
    [found] = ec2.describe_key_pairs(IncludePublicKey=True)["KeyPairs"]
    assert found["PublicKey"].startswith("ssh-ed25519 ")


def test_a_name_is_used_once(ec2, refusal):
    ec2.create_key_pair(KeyName="ops", KeyType="ed25519")
    code, message = refusal(ec2.create_key_pair, KeyName="ops", KeyType="ed25519")
    assert (code, message) == ("InvalidKeyPair.Duplicate", "The keypair 'ops' already exists.")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"KeyName": "x" * 256}, "InvalidParameterValue"),
        ({"KeyName": "schlüssel"}, "InvalidParameterValue"),
        ({"KeyName": " ops"}, "InvalidParameterValue"),
        ({"KeyName": ""}, "MissingParameter"),
        ({"KeyName": "ops", "KeyType": "dsa"}, "InvalidParameterValue"),
        ({"KeyName": "ops", "KeyFormat": "ppk"}, "InvalidParameterValue"),
    ],
)
def test_a_key_pair_that_cannot_be_is_refused(ec2, refusal, params, code):
    assert refusal(ec2.create_key_pair, **params)[0] == code
    assert ec2.describe_key_pairs()["KeyPairs"] == []


def test_key_pairs_are_found_by_name_id_and_filter(ec2, refusal):
    made = {
        name: ec2.create_key_pair(KeyName=name, KeyType="ed25519")["KeyPairId"]
        for name in ("ops", "deploy")
    }
    for params in (
        {"KeyNames": ["ops"]},
        {"KeyPairIds": [made["ops"]]},
        {"Filters": [{"Name": "key-name", "Values": ["o*"]}]},
    ):
        assert [k["KeyName"] for k in ec2.describe_key_pairs(**params)["KeyPairs"]] == ["ops"]
    code, message = refusal(ec2.describe_key_pairs, KeyNames=["ops", "nobody"])
    assert (code, message) == (
        "InvalidKeyPair.NotFound",
        "The key pair 'nobody' does not exist",
    )
    code, _ = refusal(ec2.describe_key_pairs, KeyPairIds=["key-0123456789abcdef0"])
    assert code == "InvalidKeyPair.NotFound"


def test_a_key_pair_is_deleted_by_name_or_id(ec2):
    made = ec2.create_key_pair(KeyName="ops", KeyType="ed25519")["KeyPairId"]
    assert ec2.delete_key_pair(KeyName="ops")["KeyPairId"] == made
    made = ec2.create_key_pair(KeyName="ops", KeyType="ed25519")["KeyPairId"]
    ec2.delete_key_pair(KeyPairId=made)
    assert ec2.describe_key_pairs()["KeyPairs"] == []
    assert ec2.delete_key_pair(KeyName="ops")["Return"] is True


def test_a_public_key_can_be_imported(ec2, refusal):
    ec2.create_key_pair(KeyName="ops", KeyType="ed25519")
    [found] = ec2.describe_key_pairs(IncludePublicKey=True)["KeyPairs"]
    ec2.import_key_pair(KeyName="copy", PublicKeyMaterial=found["PublicKey"].encode())
    [copy] = ec2.describe_key_pairs(KeyNames=["copy"])["KeyPairs"]
    assert copy["KeyType"] == "ed25519"
    code, _ = refusal(ec2.import_key_pair, KeyName="bad", PublicKeyMaterial=b"nonsense")
    assert code == "InvalidKeyPair.Format"
