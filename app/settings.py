"""The environment as one frozen, validated object."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SANDBOX_REGIONS = ("us-east-1", "eu-central-1")
EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104  # what binding to it means
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
ALL_REGIONS = "all"
DEFAULT_ACCOUNT = "default"
_REGION = re.compile(r"[a-z]{2,5}(-[a-z0-9]+)+-\d+")
_ACCOUNT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=.@/-]+", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=.@:/-]{2,1224}", re.ASCII)
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


class AccountSetting(NamedTuple):
    """One of ENCANTE_ACCOUNTS: its name, and where its credentials come from.

    Without a profile they are found by boto3's own chain; with a role, they assume it.
    """

    name: str
    profile: str = ""
    role: str = ""
    external_id: str = ""


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
        found = tuple(_account(part.strip()) for part in value.split(",") if part.strip())
        names = [account.name for account in found]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"the name {name!r} stands there twice")
        return found

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
        if self.on_postgresql and not self.secret_key:
            raise ValueError(
                "ENCANTE_SECRET_KEY: is needed with PostgreSQL, and must be the same for all "
                "consoles on it: a long random text (openssl rand -hex 32), or one in the file "
                "that ENCANTE_SECRET_KEY_FILE names"
            )
        return self

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
    def hosts(self) -> tuple[str, ...]:
        """Hosts that requests may be addressed to: loopback's, our address, those configured."""
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


def _account(text: str) -> AccountSetting:
    """One account of the setting: ``name``, ``name=profile:NAME`` or ``name=role:ARN;…``."""
    name, _, way = text.partition("=")
    if not _ACCOUNT_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for an account: letters, digits and ._- only")
    if not way:
        return AccountSetting(name)
    first, *more = [part.strip() for part in way.split(";")]
    how, _, value = first.partition(":")
    if how == "profile" and value and not more:
        return AccountSetting(name, profile=value)
    if how != "role" or not _ROLE.fullmatch(value):
        raise ValueError(
            f"{name}: {way!r} is neither profile:NAME nor role:ARN;external_id=…;profile=…, with "
            "an ARN such as arn:aws:iam::123456789012:role/encante"
        )
    given = dict(part.partition("=")[::2] for part in more)
    if not given.keys() <= {"external_id", "profile"} or not all(given.values()):
        raise ValueError(f"{name}: after the role come external_id=… and profile=…, if anything")
    if not _EXTERNAL_ID.fullmatch(given.get("external_id", "--")):
        raise ValueError(f"{name}: an external id has 2 to 1,224 letters, digits and +=.@:/_-")
    return AccountSetting(name, role=value, **given)


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
