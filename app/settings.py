"""The environment as one frozen, validated object."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SANDBOX_REGIONS = ("us-east-1", "eu-central-1")
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_REGION = r"^[a-z]{2,5}(-[a-z0-9]+)+-\d+$"


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
    database_url: str = ""
    regions: Annotated[tuple[str, ...], NoDecode] = ()
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    secret_key: str = Field(default="", repr=False)
    session_hours: float = Field(default=12, gt=0, le=24 * 30)
    background: bool = True
    poll_seconds: float = Field(default=5, ge=0.1, le=3600)
    refresh_seconds: float = Field(default=15, ge=0.1, le=3600)
    idle_refresh_seconds: float = Field(default=600, ge=0.1, le=86400)
    changing_seconds: float = Field(default=3, ge=0.1, le=3600)
    threads: int = Field(default=8, ge=1, le=256)
    log_format: Literal["console", "json"] = "console"

    @field_validator("regions", "allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("regions")
    @classmethod
    def _region_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        import re

        for region in value:
            if not re.match(_REGION, region):
                raise ValueError(f"{region!r} is not the name of a region, such as eu-central-1")
        return tuple(dict.fromkeys(value))

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not value.startswith("sqlite:///"):
            raise ValueError("must begin with sqlite:/// (PostgreSQL is not supported yet)")
        return value

    @model_validator(mode="after")
    def _defaults(self) -> Self:
        if not self.regions:
            fallback = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
            regions = SANDBOX_REGIONS if self.aws == "sandbox" else (fallback or "us-east-1",)
            object.__setattr__(self, "regions", regions)
        if not self.database_url:
            path = (self.data / f"{self.aws}.db").absolute()
            object.__setattr__(self, "database_url", f"sqlite:///{path}")
        return self

    @property
    def sandbox_url(self) -> str:
        """Where the embedded sandbox answers."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names that requests may be addressed to; loopback's, and those configured."""
        return LOOPBACK_NAMES + self.allowed_hosts


def load() -> Settings:
    """Read the settings from the environment.

    Raises SettingsError with one line per variable that is wrong: its name, what is wrong
    with it, and the value found (never the secret key's).
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = "ENCANTE_" + "_".join(str(part) for part in problem["loc"]).upper()
            message = problem["msg"].removeprefix("Value error, ")
            found = "" if "SECRET" in name else f" (found {problem['input']!r})"
            lines.append(f"{name}: {message}{found}")
        raise SettingsError("\n".join(lines)) from None
