"""The environment as one frozen, validated object."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.settings import openid, wire
from app.settings.accounts import AccountSetting, account_list
from app.settings.wire import EVERY_ADDRESS, LOOPBACK_NAMES

__all__ = ["EVERY_ADDRESS", "AccountSetting", "Settings", "SettingsError", "load"]

SANDBOX_REGIONS = ("us-east-1", "eu-central-1")
ALL_REGIONS = "all"
DEFAULT_ACCOUNT = "default"
_REGION = re.compile(r"[a-z]{2,5}(-[a-z0-9]+)+-\d+")
# The driver is ours to choose; the usual ways to write such an address are understood.
_POSTGRESQL = re.compile(r"(?:postgres|postgresql|postgresql\+psycopg)://")
# each may be read from a file: ENCANTE_…_FILE
_OF_FILES = (
    "database_url",
    "secret_key",
    "old_secret_keys",
    "metrics_token",
    "oidc_client_secret",
)
# External ids are nobody's business, and the address of a database may hold a password.
_NOT_TOLD = {
    "ENCANTE_SECRET_KEY",
    "ENCANTE_OLD_SECRET_KEYS",
    "ENCANTE_OIDC_CLIENT_SECRET",
    "ENCANTE_METRICS_TOKEN",
    "ENCANTE_ACCOUNTS",
    "ENCANTE_DATABASE_URL",
}


class SettingsError(Exception):
    """The environment holds a value that Encante cannot start with; the text says which."""


class Settings(BaseSettings):
    """Every setting of the console, read from ``ENCANTE_…`` environment variables."""

    model_config = SettingsConfigDict(env_prefix="ENCANTE_", frozen=True, extra="ignore")

    aws: Literal["sandbox", "aws"] = "sandbox"
    bind: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    sandbox_port: int = Field(default=8081, ge=1, le=65535)
    data: Path = Path("data")
    database_url: str = Field(default="", repr=False)
    database_url_file: Path | None = None
    accounts: Annotated[tuple[AccountSetting, ...], NoDecode] = ()
    # of every account; with all_regions what goes for them until AWS has told
    regions: Annotated[tuple[str, ...], NoDecode] = ()
    _all_regions: bool = PrivateAttr(default=False)
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    # where people open it: https://…, or http:// and a name of loopback
    public_url: str = ""
    # addresses or networks of proxies whose X-Forwarded-… headers are believed
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    read_only: bool = False
    old_secret_keys: str = Field(default="", repr=False)
    old_secret_keys_file: Path | None = None
    secret_key: str = Field(default="", repr=False)
    secret_key_file: Path | None = None
    session_hours: float = Field(default=12, gt=0, le=24 * 30)
    idle_minutes: float = Field(default=120, gt=0, le=60 * 24 * 30)
    recent_minutes: float = Field(default=30, gt=0, le=60 * 24)
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = Field(default="", repr=False)
    oidc_client_secret_file: Path | None = None
    oidc_scopes: str = "openid profile email"
    oidc_groups_claim: str = "groups"
    # whoever is in this group is an admin, so that there is a first one
    oidc_admin_group: str = ""
    oidc_name: str = "OpenID Connect"
    background: bool = True
    poll_seconds: float = Field(default=4, ge=0.1, le=3600)
    polls_per_second: float = Field(default=4, gt=0, le=100)
    refresh_seconds: float = Field(default=15, ge=0.1, le=3600)
    idle_refresh_seconds: float = Field(default=600, ge=0.1, le=86400)
    changing_seconds: float = Field(default=3, ge=0.1, le=3600)
    keep_days: float = Field(default=90, gt=0, le=3650)
    collectors: int = Field(default=4, ge=1, le=32)
    threads: int = Field(default=8, ge=1, le=256)
    # of one session, and five times as many of one address; 0: not counted
    requests_per_minute: int = Field(default=1200, ge=0, le=1_000_000)
    drain_seconds: float = Field(default=0, ge=0, le=60)
    metrics_token: str = Field(default="", repr=False)
    metrics_token_file: Path | None = None
    log_format: Literal["console", "json"] = "console"

    @field_validator("regions", "allowed_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("accounts", mode="before")
    @classmethod
    def _account_list(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return account_list(value)

    @field_validator("regions")
    @classmethod
    def _region_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value == (ALL_REGIONS,):
            return value
        for region in value:
            if not _REGION.fullmatch(region):
                raise ValueError(
                    f"{region!r} is not the name of a region, such as eu-central-1 (or all, alone)"
                )
        return tuple(dict.fromkeys(value))

    @field_validator("public_url")
    @classmethod
    def _readable(cls, value: str) -> str:
        return wire.public_url(value).origin if value else ""

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(str, wire.networks(value)))

    @field_validator("metrics_token")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if value and len(value) < 16:
            raise ValueError("must have 16 characters at least")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if not value or value.startswith("sqlite:///"):
            return value
        scheme = _POSTGRESQL.match(value)
        if scheme is None:
            raise ValueError("must begin with postgresql:// or sqlite:///")
        place = value[scheme.end() :]
        if not _is_place(place):
            raise ValueError(
                "is not like postgresql://user:password@host:5432/database (what is special in "
                "user and password is written as in web addresses: / is %2F)"
            )
        return f"postgresql+psycopg://{place}"

    @model_validator(mode="before")
    @classmethod
    def _from_files(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {
            **given,
            **{name: _of_file(given, name) for name in _OF_FILES if _named(given, name)},
        }

    @model_validator(mode="after")
    def _defaults(self) -> Self:
        self._all_regions = self.regions == (ALL_REGIONS,)
        if self._all_regions or not self.regions:
            fallback = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
            regions = SANDBOX_REGIONS if self.aws == "sandbox" else (fallback or "us-east-1",)
            object.__setattr__(self, "regions", regions)
        if not self.accounts:
            object.__setattr__(self, "accounts", (AccountSetting(DEFAULT_ACCOUNT),))
        if not self.database_url:
            path = (self.data / f"{self.aws}.db").absolute()
            object.__setattr__(self, "database_url", f"sqlite:///{path}")
        return self

    @model_validator(mode="after")
    def _safe(self) -> Self:
        """Refuse what would let others in: each rule says what to do about it."""
        others = [host for host in self.allowed_hosts if not wire.is_loopback(host)]
        if not self.public_url and not wire.is_loopback(self.bind):
            raise ValueError(
                f"ENCANTE_BIND: {self.bind!r} can be reached from other machines, so "
                "ENCANTE_PUBLIC_URL must say where people open the console: "
                "https://console.example.com, or http://127.0.0.1:8080 in a container whose port "
                "is published on this machine alone"
            )
        if others and not self.https:
            raise ValueError(
                f"ENCANTE_ALLOWED_HOSTS: {others[0]!r} is not this machine, so people need https: "
                "ENCANTE_PUBLIC_URL=https://…"
            )
        if self.on_postgresql and not self.secret_key:
            raise ValueError(
                "ENCANTE_SECRET_KEY: is needed with PostgreSQL, and must be the same for all "
                f"consoles on it; {wire.HOW_TO_MAKE_A_KEY}"
            )
        if self.https:
            self._check_keys()
        if why := openid.problem(
            self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret, self.oidc_scopes
        ):
            raise ValueError(why)
        return self

    def _check_keys(self) -> None:
        if not self.secret_key:
            raise ValueError(
                "ENCANTE_SECRET_KEY: must be given where others reach the console; "
                f"{wire.HOW_TO_MAKE_A_KEY}"
            )
        for name, key in (
            ("ENCANTE_SECRET_KEY", self.secret_key),
            *(("ENCANTE_OLD_SECRET_KEYS", old) for old in self.former_keys),
        ):
            if why := wire.weakness(key):
                raise ValueError(f"{name}: {why}; {wire.HOW_TO_MAKE_A_KEY}")

    @property
    def https(self) -> bool:
        """Whether people open the console by https: cookies are Secure, there is HSTS, no link."""
        return self.public_url.startswith("https://")

    @property
    def loopback(self) -> bool:
        """Whether only this machine's own names are answered, by plain http."""
        return not self.https

    @property
    def former_keys(self) -> tuple[str, ...]:
        """Keys that signed cookies before the present one, and are still accepted."""
        return tuple(key.strip() for key in self.old_secret_keys.split(",") if key.strip())

    def cookie(self, what: str = "") -> str:
        """The name of a cookie of this console, such as ``encante_8080_session``.

        Over https browsers bind ``__Host-`` to this very host, to Secure and to the path /.
        """
        name = "__Host-encante" if self.https else f"encante_{self.port}"
        return f"{name}_{what}" if what else name

    @property
    def on_postgresql(self) -> bool:
        """Whether the database is a PostgreSQL, which other consoles may share."""
        return not self.database_url.startswith("sqlite:///")

    @property
    def all_regions(self) -> bool:
        """Whether AWS is to tell which regions an account has."""
        return self._all_regions

    @property
    def sandbox_url(self) -> str:
        """Where the embedded sandbox answers."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def authority(self) -> str:
        """Host and port to reach the console at from this machine."""
        host = "127.0.0.1" if self.bind in EVERY_ADDRESS else self.bind
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def address(self) -> str:
        """What links to the console begin with."""
        return self.public_url or f"http://{self.authority}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names that requests may be addressed to: the public URL's, or loopback's, and more."""
        if self.https:
            return (wire.public_url(self.public_url).host, *self.allowed_hosts)
        own = () if self.bind in EVERY_ADDRESS else (self.bind,)
        return LOOPBACK_NAMES + own + self.allowed_hosts


def _is_place(place: str) -> bool:
    """Whether ``user:password@host:port/database?more`` has a database and a readable port."""
    try:
        parts = urlsplit(f"//{place}")
        return bool(parts.path.strip("/")) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _named(given: dict[str, Any], name: str) -> bool:
    return bool(given.get(f"{name}_file"))


def _of_file(given: dict[str, Any], name: str) -> str:
    """The setting ``name`` from the file that is named for it. Raises ValueError."""
    setting = f"ENCANTE_{name.upper()}"
    if given.get(name):
        raise ValueError(f"{setting}: is set, and so is {setting}_FILE; one of them is enough")
    path = Path(given[f"{name}_file"])
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{setting}_FILE: {path} cannot be read ({error})") from None
    if not text:
        raise ValueError(f"{setting}_FILE: {path} is empty")
    return text


def load() -> Settings:
    """Read the settings from the environment.

    Raises SettingsError with one line per variable that is wrong: its name, what is wrong
    with it, and the value found (never the secret key's or the database's).
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = "ENCANTE_" + "_".join(str(part) for part in problem["loc"]).upper()
            message = problem["msg"].removeprefix("Value error, ")
            if not problem["loc"]:  # of several together: it says itself which
                lines.append(message)
                continue
            found = "" if name in _NOT_TOLD else f" (found {problem['input']!r})"
            lines.append(f"{name}: {message}{found}")
        raise SettingsError("\n".join(lines)) from None
