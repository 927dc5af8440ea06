"""The OpenID provider: what it tells of itself, its keys, and the conversation of one sign-in.

Authorization code flow with PKCE. Only the settings' issuer says where to ask: nothing that a
person types, and no token, names an address that the console opens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from time import monotonic as clock
from typing import Any
from urllib.parse import quote

from authlib.integrations.base_client import OAuthError
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from requests import RequestException

from app.people.openid.claims import (
    ALGORITHMS,
    Claims,
    Expected,
    Refused,
    UnknownKey,
    groups_in,
    read,
)
from app.people.openid.wire import WAIT_SECONDS, ProviderError, Wire
from app.settings.openid import is_safe

KEPT_SECONDS = 3600.0  # what the provider tells of itself, and its keys
KEYS_AGAIN_SECONDS = 60.0  # how soon an unknown key may make us ask for the keys again
DOWN_SECONDS = 10.0  # how long a provider that was down is not asked again
MOST_KEYS = 100


class Told(BaseModel):
    """What the provider tells of itself (OpenID Connect Discovery)."""

    model_config = ConfigDict(strict=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    id_token_signing_alg_values_supported: list[str] = ["RS256"]
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    claims_supported: list[str] = []
    authorization_response_iss_parameter_supported: bool = False

    @model_validator(mode="after")
    def _safe(self) -> Told:
        loopback = is_safe(self.issuer, True) and self.issuer.startswith("http:")
        addresses = (self.authorization_endpoint, self.token_endpoint, self.jwks_uri)
        more = (self.userinfo_endpoint, self.end_session_endpoint)
        for address in (*addresses, *filter(None, more)):
            if not is_safe(address, loopback):
                raise ValueError("an endpoint is not https")
        return self

    @property
    def says_when(self) -> bool:
        """Whether it can tell when somebody proved who they are."""
        return "auth_time" in self.claims_supported

    @property
    def way_to_prove(self) -> str:
        """How the console proves to it which one it is: by its secret, in one of two places."""
        methods = self.token_endpoint_auth_methods_supported
        basic = "client_secret_basic"
        return basic if basic in methods or not methods else "client_secret_post"


class Tokens(BaseModel):
    """What the token endpoint gives for a code."""

    model_config = ConfigDict(strict=True)

    id_token: str
    access_token: str


@dataclass(frozen=True)
class Client:
    """What the console is to the provider, as the settings have it."""

    issuer: str
    client_id: str
    client_secret: str
    scopes: str
    groups_claim: str


@dataclass(frozen=True)
class Ask:
    """One sign-in's secrets, which the browser keeps: the provider must give them back.

    ``since``: the earliest moment at which they may have proved who they are; ``again``: whether
    they are to do it now, though the provider knows them still.
    """

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    since: datetime
    again: bool


@dataclass(frozen=True)
class Identity:
    """Whom the provider says that somebody is: ``subject`` of ``issuer``, for ever.

    ``proved_at``: when they proved it; None: the provider never tells. The rest may change.
    """

    issuer: str
    subject: str
    proved_at: datetime | None
    username: str
    full_name: str
    groups: tuple[str, ...]


class Provider:
    """One provider, as this process knows it. Threads share it."""

    def __init__(self, client: Client) -> None:
        self._client, self._wire = client, Wire()
        self._lock = Lock()
        self._told: tuple[float, Told] | None = None
        self._keys: tuple[float, list[Mapping[str, Any]]] | None = None
        self._down: tuple[float, str] | None = None

    def address(self, ask: Ask, at: datetime) -> str:
        """Where a browser is sent to sign in. Raises ProviderError."""
        told = self._discovered()
        more: dict[str, Any] = {"max_age": max(0, int((at - ask.since).total_seconds()))}
        if ask.again:
            more["prompt"] = "login"
        with self._session(told, ask) as session:
            found, _ = session.create_authorization_url(
                told.authorization_endpoint,
                state=ask.state,
                nonce=ask.nonce,
                code_verifier=ask.verifier,
                **more,
            )
        return str(found)

    def leave_address(self) -> str:
        """Where one can sign out at the provider too, as far as it is known; or an empty text."""
        known = self._told
        address = known[1].end_session_endpoint if known else None
        if not address:
            return ""
        return f"{address}{'&' if '?' in address else '?'}client_id={quote(self._client.client_id)}"

    def identity(self, ask: Ask, code: str, issuer: str | None) -> Identity:
        """Who has come back with ``code``. ``issuer``: what the answer says that it comes from.

        Raises Refused, or ProviderError.
        """
        told = self._discovered()
        required = told.authorization_response_iss_parameter_supported
        if (issuer is None and required) or (issuer is not None and issuer != told.issuer):
            raise Refused("issuer", "The answer does not come from this console's provider.")
        tokens = self._exchange(told, ask, code)
        expected = Expected(
            told.issuer,
            self._client.client_id,
            ask.nonce,
            tokens.access_token,
            told.id_token_signing_alg_values_supported,
            ask.since,
            ask.again and told.says_when,
        )
        claims = self._read(told, tokens.id_token, expected)
        return self._identity(told, ask, claims, tokens.access_token)

    def _identity(self, told: Told, ask: Ask, claims: Claims, access_token: str) -> Identity:
        more: Mapping[str, Any] = claims.model_extra or {}
        groups = groups_in(more, self._client.groups_claim)
        if groups is None and told.userinfo_endpoint:  # some tell them there only
            found = self._wire.get(told.userinfo_endpoint, Authorization=f"Bearer {access_token}")
            if found.get("sub") != claims.sub:
                raise Refused("sub", "The provider tells of somebody else.")
            more = {**found, **more}
            groups = groups_in(more, self._client.groups_claim)
        names = [more.get(name) for name in ("preferred_username", "email", "name")]
        username = next((name for name in names if isinstance(name, str) and name.strip()), "")
        full_name = more.get("name")
        unsaid = ask.since if told.says_when else None  # it may have been as long ago as that
        return Identity(
            told.issuer,
            claims.sub,
            claims.proved_at or unsaid,
            username,
            full_name if isinstance(full_name, str) else "",
            groups or (),
        )

    def _exchange(self, told: Told, ask: Ask, code: str) -> Tokens:
        """Get the tokens for a code, which is good for once."""
        try:
            with self._session(told, ask) as session:
                given = session.fetch_token(
                    told.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=ask.verifier,
                )
            return Tokens.model_validate(dict(given))
        except OAuthError as error:
            known = str(error.error)[:100]
            raise Refused("code", f"The provider does not take its own code ({known}).") from error
        except ValidationError:
            raise ProviderError("it gives no tokens") from None
        except RequestException as error:  # Authlib of a status such as 500
            raise ProviderError("it fails to take the code") from error
        except (ValueError, TypeError, AttributeError) as error:  # Authlib of what is no answer
            raise ProviderError("its answer for the code cannot be read") from error

    def _read(self, told: Told, token: str, expected: Expected) -> Claims:
        try:
            return read(token, self._known_keys(told), expected)
        except UnknownKey:
            if not self._may_ask_for_keys():
                raise
            return read(token, self._known_keys(told, again=True), expected)

    def _session(self, told: Told, ask: Ask) -> Any:
        return self._wire.session(
            client_id=self._client.client_id,
            client_secret=self._client.client_secret,
            scope=self._client.scopes,
            redirect_uri=ask.redirect_uri,
            token_endpoint_auth_method=told.way_to_prove,
            code_challenge_method="S256",
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One thread at a time learns of the provider; others do not wait for it for long."""
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            raise ProviderError("too many are waiting for it")
        try:
            yield
        finally:
            self._lock.release()

    def _discovered(self) -> Told:
        with self._alone():
            if self._told and clock() - self._told[0] < KEPT_SECONDS:
                return self._told[1]
            if self._down and clock() - self._down[0] < DOWN_SECONDS:
                raise ProviderError(self._down[1])
            try:
                told = self._ask_who_it_is()
            except ProviderError as error:
                self._down = clock(), str(error)
                raise
            self._told, self._down = (clock(), told), None
            return told

    def _ask_who_it_is(self) -> Told:
        issuer = self._client.issuer
        found = self._wire.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            told = Told.model_validate(found)
        except ValidationError as error:
            wrong = ", ".join(str(each["loc"][0]) for each in error.errors() if each["loc"])
            what = f"lacks {wrong}" if wrong else "names an endpoint that is not https"
            raise ProviderError(f"what it tells of itself {what}") from None
        if told.issuer != issuer:
            raise ProviderError("it calls itself otherwise than ENCANTE_OIDC_ISSUER")
        if not set(told.id_token_signing_alg_values_supported) & set(ALGORITHMS):
            raise ProviderError("it signs in no way that is safe")
        return told

    def _known_keys(self, told: Told, again: bool = False) -> list[Mapping[str, Any]]:
        with self._alone():
            if self._keys and not again and clock() - self._keys[0] < KEPT_SECONDS:
                return self._keys[1]
            found = self._wire.get(told.jwks_uri).get("keys")
            if not isinstance(found, list) or len(found) > MOST_KEYS:
                raise ProviderError("its keys cannot be read")
            self._keys = clock(), found
            return found

    def _may_ask_for_keys(self) -> bool:
        known = self._keys
        return known is None or clock() - known[0] >= KEYS_AGAIN_SECONDS
