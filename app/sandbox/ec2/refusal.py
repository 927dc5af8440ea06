"""How an operation says no: one exception, with AWS's error code and wording."""

from __future__ import annotations


class Refused(Exception):
    """An EC2 error answer. `status` is the HTTP status: 400 for nearly everything."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def bad_value(message: str) -> Refused:
    """A parameter that is there, but cannot be right."""
    return Refused("InvalidParameterValue", message)


def bad_combination(message: str) -> Refused:
    """Parameters that are right alone, but not together."""
    return Refused("InvalidParameterCombination", message)


def missing(parameter: str) -> Refused:
    """A parameter that is needed; `parameter` is AWS's name for it."""
    return Refused("MissingParameter", f"The request must contain the parameter {parameter}")


def unsupported(message: str) -> Refused:
    """Something that AWS can do and the sandbox cannot, or that AWS itself does not support."""
    return Refused("UnsupportedOperation", message)


def dry_run() -> Refused:
    """What AWS answers when a dry run finds nothing to object to (HTTP 412)."""
    return Refused(
        "DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412
    )
