"""SNS as AWS has it: confirmations, queue policies, FIFO topics, and checks before a message."""

from __future__ import annotations


def install() -> None:
    """Have moto make our backend for SNS, from the next account and region on."""
    from moto.sns.models import sns_backends

    from app.sandbox.sns.backend import Backend

    sns_backends.backend = Backend
