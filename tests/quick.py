"""What every console of one process of tests would make anew, made once: 0.2 s of work for each.

Compiled templates and the functions that build addresses depend on the code alone.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule


class _Templates(BytecodeCache):
    """Keeps compiled templates in memory, by their name and what stands in them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._kept[bucket.key, bucket.checksum] = bucket.code


def keep_what_is_compiled() -> None:
    """From now on every Flask application takes what an earlier one has compiled."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _Templates()}
    kept: dict[tuple[Any, ...], Any] = {}
    compile_anew: Callable[..., Any] = Rule._compile_builder

    def compile_once(rule: Rule, append_unknown: bool = True) -> Any:
        # all that werkzeug's builder is made of; converters are looked up when it is called
        key = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
        if key not in kept:
            kept[key] = compile_anew(rule, append_unknown)
        return kept[key]

    Rule._compile_builder = compile_once  # type: ignore[assignment, method-assign]
