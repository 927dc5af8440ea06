"""Showing a plan: as words, as boto3 code, and as AWS CLI commands that do the very same.

What is shown is meant to be copied and run, so every value in it, however hostile, must arrive at
AWS as it is, and must not be able to become code, a comment's end or another argument.
"""

from __future__ import annotations

from app.aws.call import Plan
from app.aws.clients import Endpoint
from app.aws.show_boto3 import as_boto3
from app.aws.show_cli import as_cli

__all__ = ["Endpoint", "as_boto3", "as_cli", "as_words"]


def as_words(plan: Plan) -> list[str]:
    """What each call of the plan does, one line each, in the order in which they run."""
    return [" ".join(call.says.split()) or call.operation for call in plan.calls]
