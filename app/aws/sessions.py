"""boto3's sessions: where credentials come from, and what is shared between them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)

from app.aws import lean, models

SANDBOX_KEY = "sandbox"  # the sandbox takes any credentials; these are no secret
Assume = Callable[[], dict[str, str]]

# The sandbox is reached the same way whatever the environment and ~/.aws say, right or wrong:
# botocore's settings with their own defaults, and no proxy.
_SANDBOX_SESSION: dict[str, Any] = {
    name: (None, None, default, convert)
    for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
} | dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))


def make(sandbox: bool, profile: str, assume: Assume | None) -> Any:
    """A boto3 session.

    ``sandbox``: heeding nothing of the environment and ~/.aws. ``profile``: the one to use there,
    or an empty text. ``assume``: gives fresh credentials of a role, as botocore wants them; asked
    when they are first used, and again before they end. Raises botocore's errors.
    """
    if sandbox:
        session = botocore.session.Session(session_vars=_SANDBOX_SESSION)
    else:
        session = botocore.session.Session(profile=profile or None)
    session.register_component("data_loader", models.loader())
    session.register_component("response_parser_factory", lean.ParserFactory())
    keys = {}
    if assume is not None:
        session.register_component("credential_provider", CredentialResolver([_Assumed(assume)]))
    elif sandbox:
        keys = {"aws_access_key_id": SANDBOX_KEY, "aws_secret_access_key": SANDBOX_KEY}
    return boto3.Session(botocore_session=session, **keys)


class _Assumed(CredentialProvider):
    """botocore's provider of credentials for an assumed role."""

    METHOD = CANONICAL_NAME = "assume-role"

    def __init__(self, assume: Assume) -> None:
        super().__init__()
        self._assume = assume

    def load(self) -> DeferredRefreshableCredentials:
        """Credentials that are asked for when first used, and again before they end."""
        return DeferredRefreshableCredentials(self._assume, self.METHOD)


@cache
def aws_domains() -> tuple[str, ...]:
    """The domains of AWS's own endpoints in all its partitions, each with a leading dot."""
    data = models.loader().load_data("partitions")
    outputs = [partition["outputs"] for partition in data["partitions"]]
    keys = ("dnsSuffix", "dualStackDnsSuffix")
    return tuple(sorted({f".{output[key]}" for output in outputs for key in keys}))
