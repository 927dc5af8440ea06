"""The macros, drawn without the rest of the console."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from jinja2 import StrictUndefined

from app.web.draw import register

ROOT = Path(__file__).resolve().parent.parent.parent
Draw = Callable[..., str]


@pytest.fixture
def draw() -> Iterator[Draw]:
    """Draws a template's source, in which the macros ``ui``, ``fields`` and ``table`` are known."""
    app = Flask("look", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.jinja_options = {**app.jinja_options, "undefined": StrictUndefined}
    register(app)
    imports = "".join(
        f'{{% import "macros/{name}.html" as {name} with context %}}'
        for name in ("ui", "fields", "table")
    )

    def drawn(source: str, **values: Any) -> str:
        return render_template_string(imports + source, **values)

    with app.test_request_context("/things"):
        yield drawn
