"""Who AWS says we are: GetCallerIdentity gives the user `sandbox` of the sandbox's account."""

from __future__ import annotations

from typing import Any

from app.sandbox import patching

USER_ID = "AIDASANDBOXSANDBOXSAN"


def user_arn(account_id: str) -> str:
    """The ARN of the one user there is."""
    return f"arn:aws:iam::{account_id}:user/sandbox"


def install() -> None:
    """Put our identity in the place of moto's."""
    from moto.sts.models import STSBackend

    def make(_: Any) -> Any:
        def get_caller_identity(
            backend: Any, access_key_id: str, region: str
        ) -> tuple[str, str, str]:
            return USER_ID, user_arn(backend.account_id), backend.account_id

        return get_caller_identity

    patching.replace(STSBackend, "get_caller_identity", make)
