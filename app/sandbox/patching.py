"""Replacing functions of moto's without editing its files, with a clear failure when one moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class MotoMoved(RuntimeError):
    """moto is not the version that the sandbox was written for; the message says what is gone."""


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put `make(original)` in the place of the attribute `name` of `owner`, once.

    A second time does nothing, so that installing twice is harmless. MotoMoved when the owner
    itself (not a base class) has no such attribute.
    """
    original = vars(owner).get(name)
    if original is None:
        raise MotoMoved(f"moto's {owner.__name__}.{name} has moved: the sandbox needs adapting")
    if getattr(original, "_encante", False):
        return
    replacement: Any = make(original)
    inner: Any = replacement.fget if isinstance(replacement, property) else replacement
    inner._encante = True
    setattr(owner, name, replacement)
