"""An OpenID provider over real HTTP with real keys, which can lie in every way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

CLIENT_ID = "encante"
CLIENT_SECRET = "the provider's secret: with & and %"
Key = RSAKey | ECKey
Answer = tuple[int, dict[str, str], bytes]


@cache
def rsa_key(kid: str = "one", bits: int = 2048) -> RSAKey:
    """A key; made once for all tests, as that takes long."""
    return RSAKey.generate_key(bits, {"kid": kid, "use": "sig"})


@dataclass
class Lies:
    """What the provider does wrong; as it is made it does nothing wrong.

    ``claims``: changes of the id token's, None: leaves it out. ``token``: makes the whole id token
    of the claims. ``answers``: what a path answers instead. ``told``: changes of the discovery.
    """

    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Callable[[], Answer]] = field(default_factory=dict)
    token: Callable[[dict[str, Any]], str] | None = None


@dataclass(frozen=True)
class _Code:
    """What was asked for with a code."""

    asked: dict[str, str]
    claims: dict[str, Any]


class OpenIdProvider:
    """One provider; ``sign_in`` is what a person does on its pages."""

    def __init__(self) -> None:
        self.issuer = ""
        self.anew()

    def anew(self) -> None:
        """Be as at first: honest, with one key, and one person who has not signed in yet."""
        self.lies = Lies()
        self.keys: list[Key] = [rsa_key()]
        self.person: dict[str, Any] = {"sub": "248289761001", "preferred_username": "jane"}
        self.signed_in_at: float | None = None
        self.asked: list[str] = []  # paths, in order
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, dict[str, Any]] = {}

    def sign_in(self, address: str) -> str:
        """Sign in at the address where the console leads; the address that it is led back to."""
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.issuer}/authorize"
        asked = dict(parse_qsl(parts.query, strict_parsing=True))
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        claims = {**self.person, "auth_time": int(self._proved_at(asked))}
        code = secrets.token_urlsafe(16)
        self._codes[code] = _Code(asked, claims)
        return self.back(asked, code=code)

    def _proved_at(self, asked: dict[str, str]) -> float:
        """When they signed in: now, if they must again, or had not yet."""
        known, at = self.signed_in_at, time.time()
        if known is None or asked.get("prompt") == "login" or known + int(asked["max_age"]) < at:
            self.signed_in_at = at
        return self.signed_in_at or at

    def back(self, asked: dict[str, str], **answer: str) -> str:
        """The address that a browser is led back to."""
        told = {"state": asked["state"], **answer}
        return f"{asked['redirect_uri']}?{urlencode(told)}"

    def answer(self, method: str, target: str, headers: Any, body: str) -> Answer:
        """What an address answers."""
        path = urlsplit(target).path
        self.asked.append(path)
        if path in self.lies.answers:
            return self.lies.answers[path]()
        if path == "/.well-known/openid-configuration":
            return as_json(self._discovery())
        if path == "/keys":
            return as_json({"keys": [key.as_dict(private=False) for key in self.keys]})
        if path == "/token" and method == "POST":
            return self._token(headers, dict(parse_qsl(body)))
        if path == "/authorize":  # for a real browser: the person has signed in already
            return 302, {"Location": self.sign_in(f"{self.issuer}{target}")}, b""
        if path == "/userinfo":
            token = headers.get("Authorization", "").removeprefix("Bearer ")
            if token not in self._access:
                return as_json({"error": "invalid_token"}, 401)
            return as_json({**self._access[token], **self.lies.userinfo})
        return 404, {}, b""

    def _discovery(self) -> dict[str, Any]:
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "claims_supported": ["sub", "auth_time"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
        }
        return {name: value for name, value in (told | self.lies.told).items() if value is not None}

    def _token(self, headers: Any, form: dict[str, str]) -> Answer:
        if not self._is_client(headers, form):
            return as_json({"error": "invalid_client"}, 401)
        known = self._codes.pop(form.get("code", ""), None)  # good for once
        if known is None or form.get("redirect_uri") != known.asked["redirect_uri"]:
            return as_json({"error": "invalid_grant"}, 400)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if _base64(digest) != known.asked["code_challenge"]:
            return as_json({"error": "invalid_grant", "error_description": "PKCE"}, 400)
        access = secrets.token_urlsafe(16)
        self._access[access] = {key: known.claims[key] for key in ("sub",)}
        claims = self._claims(known, access)
        make = self.lies.token or self.signed
        return as_json(
            {
                "access_token": access,
                "token_type": "Bearer",
                "expires_in": 60,
                "id_token": make(claims),
            }
        )

    def _is_client(self, headers: Any, form: dict[str, str]) -> bool:
        sent = headers.get("Authorization", "").removeprefix("Basic ")
        name, _, secret = base64.b64decode(sent).decode().partition(":")
        if not sent:
            name, secret = form.get("client_id", ""), form.get("client_secret", "")
        return (unquote(name), unquote(secret)) == (CLIENT_ID, CLIENT_SECRET)

    def _claims(self, known: _Code, access: str) -> dict[str, Any]:
        at = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "exp": at + 300,
            "iat": at,
            "nonce": known.asked["nonce"],
            "at_hash": _base64(hashlib.sha256(access.encode()).digest()[:16]),
            **known.claims,
            **self.lies.claims,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def signed(self, claims: dict[str, Any], key: Key | None = None, **header: Any) -> str:
        """A token of these claims, signed with a key: its newest one, if not said otherwise."""
        key = key or self.keys[-1]
        algorithm = {"RSA": "RS256", "EC": "ES256"}[key.key_type]
        said = {"alg": algorithm, "kid": key.kid, **header}
        said = {name: value for name, value in said.items() if value is not None}
        registry = JWSRegistry(algorithms=[said["alg"]], strict_check_header=False)
        return jws.serialize_compact(said, json.dumps(claims).encode(), key, registry=registry)


def unsigned(claims: dict[str, Any]) -> str:
    """A token that says of itself that it is not signed."""
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


def signed_with_public_key(provider: OpenIdProvider) -> Callable[[dict[str, Any]], str]:
    """Makes tokens signed by HMAC with the public key, which everybody knows, as the secret."""
    public = provider.keys[-1].as_bytes(encoding="PEM", private=False)

    def make(claims: dict[str, Any]) -> str:

        head = f"{_part({'alg': 'HS256', 'kid': provider.keys[-1].kid})}.{_part(claims)}"
        return f"{head}.{_base64(hmac.digest(public, head.encode(), 'sha256'))}"

    return make


def as_json(told: Any, status: int = 200) -> Answer:
    """An answer in JSON."""
    return status, {"Content-Type": "application/json"}, json.dumps(told).encode()


def _part(told: Any) -> str:
    return _base64(json.dumps(told).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def openid_provider() -> Iterator[OpenIdProvider]:
    """A provider that answers on a free port of this machine until it is left."""
    provider = OpenIdProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._do("GET")

        def do_POST(self) -> None:
            self._do("POST")

        def _do(self, method: str) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            status, headers, content = provider.answer(method, self.path, self.headers, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):  # who asked has read enough
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Not into the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    yield provider
    server.shutdown()
    server.server_close()
    thread.join()
