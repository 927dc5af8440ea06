"""Key pairs: CreateKeyPair, ImportKeyPair, DescribeKeyPairs, DeleteKeyPair."""

from __future__ import annotations

from typing import Any

from app.sandbox.ec2 import filters, tags
from app.sandbox.ec2.refusal import Refused, bad_combination, bad_value
from app.sandbox.ec2.request import Answer, Moto, Request, now, operation


def _not_found(name: str) -> Refused:
    return Refused("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")


def find(backend: Moto, name: str) -> Moto:
    """The key pair of this name."""
    if name not in backend.key_pairs:
        raise _not_found(name)
    return backend.key_pairs[name]


def _new_name(request: Request) -> str:
    name = str(request.need("KeyName", "KeyName"))
    if len(name) > 255 or not name.isascii() or not name.isprintable() or name != name.strip():
        raise bad_value(
            "The key pair's name can have at most 255 ASCII characters, "
            "and no leading or trailing spaces"
        )
    if name in request.backend.key_pairs:
        raise Refused("InvalidKeyPair.Duplicate", f"The keypair '{name}' already exists.")
    return name


@operation("CreateKeyPair")
def create_key_pair(request: Request) -> Answer:
    """The private key is in this answer and nowhere else."""
    name = _new_name(request)
    kind = request.get("KeyType") or "rsa"
    if kind not in ("rsa", "ed25519"):
        raise bad_value(f"Value ({kind}) for parameter keyType is invalid.")
    if (request.get("KeyFormat") or "pem") != "pem":
        raise bad_value("The sandbox makes keys in pem format only")
    given = tags.specified(request, "key-pair")
    request.stop_if_dry_run()
    pair = request.backend.create_key_pair(name, kind, {})
    material = pair.key_material
    # AWS does not keep the private key, and so the sandbox must not save it.
    pair.material = b""
    return _made(request, pair, given["key-pair"]) | {"KeyMaterial": material}


@operation("ImportKeyPair")
def import_key_pair(request: Request) -> Answer:
    name = _new_name(request)
    material = request.need("PublicKeyMaterial")
    given = tags.specified(request, "key-pair")
    request.stop_if_dry_run()
    return _made(request, request.backend.import_key_pair(name, material, {}), given["key-pair"])


def _made(request: Request, pair: Moto, given: dict[str, str]) -> dict[str, Any]:
    pair.create_time = now()
    tags.put(request.backend, pair.id, given)
    shown = ("KeyName", "KeyFingerprint", "KeyPairId", "Tags")
    return {name: value for name, value in view(pair).items() if name in shown}


FIELDS: dict[str, filters.Field] = {
    "fingerprint": lambda pair: pair.key_fingerprint,
    "key-name": lambda pair: pair.key_name,
    "key-pair-id": lambda pair: pair.id,
}


@operation("DescribeKeyPairs", reads=True)
def describe_key_pairs(request: Request) -> Answer:
    backend = request.backend
    found = list(backend.key_pairs.values())
    names, wanted = request.items("KeyNames"), request.items("KeyPairIds")
    for name in names:
        find(backend, name)
    for pair_id in wanted:
        if pair_id not in {pair.id for pair in found}:
            raise Refused("InvalidKeyPair.NotFound", f"The key pair ID '{pair_id}' does not exist")
    if names or wanted:
        found = [pair for pair in found if pair.key_name in names or pair.id in wanted]
    found = filters.apply(request, found, FIELDS)
    with_key = bool(request.get("IncludePublicKey"))
    return {"KeyPairs": [_with_key(pair) if with_key else view(pair) for pair in found]}


def view(pair: Moto) -> dict[str, Any]:
    """A key pair as DescribeKeyPairs shows it."""
    return {
        "KeyPairId": pair.id,
        "KeyName": pair.key_name,
        "KeyType": pair.key_type or "rsa",
        "KeyFingerprint": pair.key_fingerprint,
        "CreateTime": pair.create_time,
        "Tags": tags.view(pair.ec2_backend, pair.id),
    }


def _with_key(pair: Moto) -> dict[str, Any]:
    return view(pair) | {"PublicKey": f"{pair.public_key.strip()} {pair.key_name}"}


@operation("DeleteKeyPair")
def delete_key_pair(request: Request) -> Answer:
    """Deleting a key pair that does not exist succeeds, as in AWS."""
    name, pair_id = request.get("KeyName"), request.get("KeyPairId")
    if not name and not pair_id:
        raise Refused("MissingParameter", "The request must contain the parameter KeyName")
    if name and pair_id:
        raise bad_combination("KeyName and KeyPairId cannot be specified together")
    request.stop_if_dry_run()
    for pair in list(request.backend.key_pairs.values()):
        if pair.key_name == name or pair.id == pair_id:
            del request.backend.key_pairs[pair.key_name]
            tags.forget(request.backend, pair.id)
            return {"Return": True, "KeyPairId": pair.id}
    return {"Return": True}
