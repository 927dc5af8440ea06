"""Key pairs: how they are listed, and what can be done with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from app.aws.call import Call
from app.aws.clients import Clients
from app.aws.listing import Description, Listing, ec2_listing
from app.aws.tags import tag_list, tag_specifications

_EC2 = ec2_listing("DescribeKeyPairs", "KeyPairs[]", "key-pair-id", paged=False)


def _named(found: list[Description]) -> list[Description]:
    # Some emulators give no id; the name is unique in its region too.
    return [{"KeyPairId": pair.get("KeyName"), **pair} for pair in found]


def _pages(clients: Clients, region: str, account: str) -> Iterator[list[Description]]:
    return map(_named, _EC2.pages(clients, region, account))


def _read(clients: Clients, region: str, account: str, ids: Sequence[str]) -> list[Description]:
    return _named(_EC2.read(clients, region, account, ids))


LISTING = Listing(_pages, _read)


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
        of=key_pair_id,
    )
