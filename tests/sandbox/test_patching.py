"""Replacing parts of moto, and noticing when they have moved."""

from __future__ import annotations

from typing import Any

import moto
import pytest

from app.sandbox import catalogue, events, patching, sns, sqs
from app.sandbox.moto_import import MOTO_VERSION


class Original:
    def answer(self) -> int:
        return 1


def test_a_replacement_takes_the_originals_place_once():
    def make(original: Any) -> Any:
        return lambda self: original(self) + 1

    for _ in range(2):
        patching.replace(Original, "answer", make)
    assert Original().answer() == 2


def test_a_moved_attribute_is_told_by_name():
    with pytest.raises(patching.MotoMoved, match=r"Original\.question"):
        patching.replace(Original, "question", lambda original: original)


def test_moto_is_the_version_that_is_patched_and_everything_is_where_it_was():
    assert moto.__version__ == MOTO_VERSION
    for part in (catalogue, sns, sqs, events):
        part.install()
