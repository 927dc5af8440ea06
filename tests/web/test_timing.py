"""Every answer tells how long it took inside the server."""

from __future__ import annotations

import re

import pytest

from tests.web.browser import Browser


@pytest.mark.parametrize("path", ["/instances", "/no-such-page", "/healthz"])
def test_every_answer_tells_its_time(visitor: Browser, path: str):
    told = visitor.open(path).headers["Server-Timing"]

    assert re.fullmatch(r"app;dur=\d+\.\d\d", told)
