"""What every answer must be, whatever was asked."""

from __future__ import annotations

import csv
import io
import json

from app.web.exports import FORMULA
from tests.fuzz.raw import HOST, Answer, Request
from tests.hostile import hurt_in

_ALWAYS = (
    "content-security-policy",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
)
_UNSAFE = ("unsafe", "*", "http:", "https:", "blob:")
# what only a page that shows how it broke would hold
_INSIDES = ("Traceback (most recent call last)", 'File "/', "werkzeug.exceptions", "sqlalchemy.exc")


def faults(request: Request, answer: Answer) -> list[str]:
    """What is wrong with an answer; empty for one that is as it must be."""
    found = []
    if answer.fault is not None or answer.status == 500:
        found.append(f"{answer.status}: {answer.fault!r}")
    if not 200 <= answer.status < 600:
        found.append(f"status {answer.status}")
    found += _headers(answer)
    if request.method != "HEAD" and answer.status == 200:
        found += _export(request, answer)
    if answer.is_html:
        text = answer.text
        found += [f"the page shows {word!r}" for word in _INSIDES if word in text]
        if "hurt" in text:
            found += hurt_in(text)
    return found


def _headers(answer: Answer) -> list[str]:
    found = [f"no {name}" for name in _ALWAYS if not answer.headers.get(name)]
    policy = answer.headers.get("content-security-policy", "")
    found += [f"{word!r} in the policy" for word in _UNSAFE if word in policy]
    for name, value in answer.headers.items():
        if any(sign in value for sign in "\r\n\x00"):
            found.append(f"a line break in {name}")
    # werkzeug's own redirects, of doubled slashes, name the host, which has been checked
    where = answer.headers.get("location", "/").removeprefix(f"http://{HOST}")
    if where.startswith(("//", "/\\")) or not where.startswith("/"):
        found.append(f"leads to {where!r}")
    if "hurt" in answer.headers.get("set-cookie", ""):
        found.append("sets a cookie that was asked for")
    return found


def _export(request: Request, answer: Answer) -> list[str]:
    kind = answer.headers.get("content-type", "")
    try:
        if kind.startswith("application/json"):
            json.loads(answer.body)
        if kind.startswith("text/csv"):
            return cells_of(answer.body.decode("utf-8"))
    except ValueError as error:
        return [f"an export that cannot be read: {error}"]
    return []


def cells_of(text: str) -> list[str]:
    """What is wrong with the cells of a CSV: formulas, or a line that has more than others."""
    lines = list(csv.reader(io.StringIO(text, newline="")))
    found = [f"a formula: {cell[:40]!r}" for line in lines for cell in line if _formula(cell)]
    if len({len(line) for line in lines}) > 1:
        found.append("lines with more cells than others")
    return found


def _formula(cell: str) -> bool:
    return cell.lstrip(" \u00a0\ufeff\u200b").startswith(FORMULA) and not _number(cell)


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii() and cell.strip() == cell
