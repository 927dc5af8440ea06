"""One account: where its credentials come from, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from app.aws.clients import Identity
from app.aws.errors import AwsError


@dataclass(frozen=True)
class Source:
    """Where an account's credentials come from.

    boto3's own chain, or that of ``profile``; with ``role`` (an ARN) they assume that role.
    """

    name: str
    profile: str = ""
    role: str = ""
    external_id: str = ""


Sources = Mapping[str, Source]  # by the account's number
NO_SOURCES: Sources = MappingProxyType({})


@dataclass(frozen=True)
class Remembered:
    """What was last known of an account."""

    id: str
    regions: tuple[str, ...]
    seen_at: datetime


class Memory(Protocol):
    """Keeps over a restart what was known of the accounts."""

    def load(self) -> Mapping[str, Remembered]:
        """What is remembered, by the account's name."""

    def keep(self, name: str, known: Remembered) -> None:
        """Remember this of the account ``name``."""


@dataclass(frozen=True)
class Account:
    """An account as far as it is known.

    ``id``: its 12 digits, or an empty text while AWS has never told. ``seen_at``: when AWS last
    said that these credentials are the account's. ``trouble``: why it does not say so now, or why
    the account or its regions cannot be looked at as configured.
    """

    source: Source
    id: str
    regions: tuple[str, ...]
    identity: Identity | None = None
    trouble: AwsError | None = None
    seen_at: datetime | None = None

    @property
    def name(self) -> str:
        """What it is called in the settings."""
        return self.source.name

    @property
    def label(self) -> str:
        """Its name and number, as far as there are any."""
        return f"{self.name} ({self.id})" if self.id else self.name
