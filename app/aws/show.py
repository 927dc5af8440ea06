"""Showing a plan: as words, as boto3 code, and as AWS CLI commands that do the very same.

What is shown is meant to be copied and run, so every value in it, however hostile, must arrive at
AWS as it is, and must not be able to become code, a comment's end or another argument.
"""

from __future__ import annotations

from app.aws.account import Sources
from app.aws.call import Plan
from app.aws.clients import Endpoint
from app.aws.show_boto3 import as_boto3
from app.aws.show_cli import as_cli

__all__ = ["Endpoint", "as_boto3", "as_cli", "as_words", "roles_needed"]


def roles_needed(plan: Plan, sources: Sources) -> list[str]:
    """That roles must be assumed before the plan's code and commands are run, a sentence each."""
    accounts = dict.fromkeys(call.account for call in plan.calls)
    return [
        f"What is done in the account {account} needs the credentials of the role "
        f"{sources[account].role}; assume it before you run this yourself."
        for account in accounts
        if account in sources and sources[account].role
    ]


def as_words(plan: Plan) -> list[str]:
    """What each call of the plan does, one line each, in the order in which they run."""
    return [" ".join(call.says.split()) or call.operation for call in plan.calls]
