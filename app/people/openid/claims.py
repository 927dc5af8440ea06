"""What an id token must say, and what it says of somebody.

The rules are those of OpenID Connect Core 3.1.3.7; the signature's algorithm is one of the
asymmetric ones, whatever the token or the provider says of others.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key
from joserfc.jws import JWSRegistry
from pydantic import BaseModel, ConfigDict, Field, ValidationError

LEEWAY = 60  # seconds by which the provider's clock may differ
_KEYS: dict[str, type[RSAKey] | type[ECKey]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), RSAKey),
    **dict.fromkeys(("ES256", "ES384", "ES512"), ECKey),
}
ALGORITHMS = tuple(_KEYS)
_LEAST_RSA_BITS = 2048
_LATEST = 4102444800  # the year 2100: no time of ours is later
MOST_GROUPS = 500
LONGEST_GROUP = 255


class Refused(Exception):
    """Why nobody is signed in: ``code`` for the audit log, the text for a person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UnknownKey(Refused):
    """The token is signed with a key that is not among those known."""


@dataclass(frozen=True)
class Expected:
    """What a token must be: of whom, for whom, with which nonce and access token.

    ``algorithms``: those that the provider says it uses; ``signed_in_since``: the earliest moment
    at which they may have proved who they are. ``says_when``: whether it must tell when that was.
    """

    issuer: str
    client_id: str
    nonce: str
    access_token: str
    algorithms: Sequence[str]
    signed_in_since: datetime
    says_when: bool


class Claims(BaseModel):
    """The claims that are looked at, each of the type that it must have."""

    model_config = ConfigDict(strict=True, extra="allow")

    iss: str
    sub: str = Field(pattern=r"^[\x20-\x7e]{1,255}$")
    aud: str | list[str]
    exp: float = Field(ge=0, le=_LATEST)
    iat: float = Field(ge=0, le=_LATEST)
    nbf: float | None = Field(default=None, ge=0, le=_LATEST)
    nonce: str = Field(pattern=r"^[\x21-\x7e]+$")
    azp: str | None = None
    at_hash: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_=-]+$")
    amr: list[str] | None = None
    auth_time: float | None = Field(default=None, ge=0, le=_LATEST)

    @property
    def proved_at(self) -> datetime | None:
        """When they proved to the provider who they are, if it tells."""
        return None if self.auth_time is None else datetime.fromtimestamp(self.auth_time, UTC)


def read(token: str, keys: Sequence[Any], expected: Expected) -> Claims:
    """Check an id token, and give its claims.

    ``keys``: the provider's, as JSON Web Keys. Raises Refused; UnknownKey if other keys may help.
    """
    algorithm, key_id = _header(token, expected.algorithms)
    key = _key(keys, algorithm, key_id)
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    try:
        signed = jwt.decode(token, key=key, registry=registry)
    except (JoseError, ValueError) as error:
        raise Refused("signature", "The provider's answer is not signed as it must be.") from error
    try:
        claims = Claims.model_validate(signed.claims)
    except ValidationError as error:
        names = ", ".join(sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]}))
        raise Refused(
            "claims", f"The provider's answer lacks what it must tell: {names}."
        ) from None
    _check(claims, signed, expected)
    return claims


def _header(token: str, offered: Sequence[str]) -> tuple[str, str]:
    """The algorithm and the key's id that the token names; only what is safe is let through."""
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError) as error:
        raise Refused("malformed", "The provider's answer cannot be read.") from error
    algorithm, key_id = header.get("alg"), header.get("kid", "")
    if algorithm not in ALGORITHMS or algorithm not in offered:
        raise Refused("algorithm", "The provider's answer is not signed in a way that is safe.")
    if not isinstance(key_id, str) or header.get("crit"):
        raise Refused("malformed", "The provider's answer cannot be read.")
    return algorithm, key_id


def _key(keys: Sequence[Any], algorithm: str, key_id: str) -> RSAKey | ECKey:
    """The one key that the token can be signed with. Raises UnknownKey."""
    sort = _KEYS[algorithm]
    fitting = [
        key
        for key in keys
        if isinstance(key, Mapping)
        and key.get("kty") == sort.key_type
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (not key_id or key.get("kid") == key_id)
    ]
    if len(fitting) != 1:
        raise UnknownKey("key", "The provider's answer is signed with a key that is not its own.")
    if sort is RSAKey and len(str(fitting[0].get("n", ""))) * 6 < _LEAST_RSA_BITS:  # in base64
        raise Refused("key", "The provider's key is too short to be safe.")
    try:
        key = import_key(dict(fitting[0]))
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise Refused("key", "The provider's key cannot be read.") from error
    if not isinstance(key, sort) or key.is_private:
        raise Refused("key", "The provider's key cannot be read.")
    return key


def _check(claims: Claims, signed: jwt.Token, expected: Expected) -> None:
    """Raise Refused if the token is not for us, not now, or not this sign-in's."""
    options = {"iss": {"value": expected.issuer}, "aud": {"value": expected.client_id}}
    parameters = {
        "nonce": expected.nonce,
        "client_id": expected.client_id,
        "access_token": expected.access_token,
    }
    told = {name: value for name, value in signed.claims.items() if value is not None}
    if not hmac.compare_digest(claims.nonce.encode(), expected.nonce.encode()):
        raise Refused("nonce", "The provider's answer belongs to another sign-in.")
    try:
        CodeIDToken(told, signed.header, options, parameters).validate(leeway=LEEWAY)
    except JoseError as error:
        name = getattr(error, "claim", None) or error.error
        text = f"The provider's answer is not for this console, or not for now ({name})."
        raise Refused(str(name), text) from error
    _check_time(claims, expected)


def _check_time(claims: Claims, expected: Expected) -> None:
    if claims.proved_at is None:
        if expected.says_when:
            raise Refused(
                "auth_time",
                "The provider does not tell when you signed in there (the claim auth_time), so it "
                "is not known that it was just now.",
            )
        return
    if claims.proved_at.timestamp() < expected.signed_in_since.timestamp() - LEEWAY:
        raise Refused("auth_time", "You signed in at the provider too long ago: sign in again.")


def groups_in(claims: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """The groups that a claim tells: a list, or one as text. None: it tells nothing of them."""
    told = claims.get(name)
    if told is None:
        return None
    found = [told] if isinstance(told, str) else told
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise Refused("groups", f"The provider's claim {name} is no list of groups.")
    odd = any(len(each) > LONGEST_GROUP or not each.isprintable() for each in found)
    if odd or len(found) > MOST_GROUPS:
        raise Refused("groups", f"The provider's claim {name} is no list of usual names.")
    return tuple(dict.fromkeys(each for each in found if each))
