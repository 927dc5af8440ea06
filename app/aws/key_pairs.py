"""Key pairs: how they are listed, and what can be done with them."""

from __future__ import annotations

from collections.abc import Mapping

from app.aws.call import Call
from app.aws.listing import ec2_listing
from app.aws.tags import tag_list, tag_specifications

LISTING = ec2_listing("DescribeKeyPairs", "KeyPairs[]", "key-pair-id", paged=False)


def create_key_pair(region: str, key_name: str, key_type: str, tags: Mapping[str, str]) -> Call:
    """Make a key pair. The answer carries the private key, once: it is never kept or logged."""
    specifications = tag_specifications(key_pair=tags)
    return Call(
        "ec2",
        "CreateKeyPair",
        region,
        {
            "KeyName": key_name,
            "KeyType": key_type,
            "KeyFormat": "pem",
            **({"TagSpecifications": specifications} if specifications else {}),
        },
        says=f"Make the key pair {key_name}",
        makes=(
            "key_pair",
            "{KeyPairId: KeyPairId, KeyName: KeyName, KeyFingerprint: KeyFingerprint}",
            {"KeyType": key_type, "Tags": tag_list(tags)},
        ),
    )


def delete_key_pair(region: str, key_pair_id: str) -> Call:
    """Delete a key pair from AWS; running instances keep the public key they were given."""
    return Call(
        "ec2",
        "DeleteKeyPair",
        region,
        {"KeyPairId": key_pair_id},
        says=f"Delete key pair {key_pair_id}",
        removes=(("key_pair", key_pair_id),),
    )
