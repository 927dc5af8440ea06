"""docs/security.md names tests that hold what it promises: each of them is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/security.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


def test_many_tests_are_named() -> None:
    assert len(NAMED) > 60
    assert PAGE.count("tests/") == len(re.findall(r"`tests/[\w/]+\.py::\w+`", PAGE))


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_is_named_is_there(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_row_of_promises_names_a_test() -> None:
    promises = PAGE.partition("## What is promised")[2].partition("## Figures")[0]
    for row in re.findall(r"^\| (?!promise)(?!---)(.+) \|$", promises, re.MULTILINE):
        if not row.startswith("---"):
            assert "tests/" in row, row


def test_every_chapter_of_asvs_is_gone_through() -> None:
    chapters = {int(number) for number in re.findall(r"\bV(\d+)(?:\.\d+)?\b", PAGE)}
    assert chapters >= set(range(1, 18))
