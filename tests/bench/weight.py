"""What a browser has to load for its first page, as it comes over the wire."""

from __future__ import annotations

import re
from collections import Counter

from tests.bench.served import Console

_STATIC = re.compile(r'(?:href|src)="(/static/[^"#]+)')
_NAMES = {
    "text/html": "html",
    "text/css": "css",
    "text/javascript": "js",
    "image/svg+xml": "svg",
}
# A browser asks for more where it trusts the address: https, and loopback.
ENCODINGS = {"loopback or https": "gzip, deflate, br, zstd", "plain http": "gzip, deflate"}


def run(served: Console, path: str) -> dict[str, dict[str, int]]:
    """Bytes by sort of file, heads of the answers included, for each way of compressing."""
    return {name: _first_load(served, path, accepted) for name, accepted in ENCODINGS.items()}


def _first_load(served: Console, path: str, accepted: str) -> dict[str, int]:
    told = {"Accept-Encoding": accepted}
    plain = served.get(path, **{"Accept-Encoding": "identity"}).body.decode()
    found: Counter[str] = Counter()
    for address in [path, *dict.fromkeys(_STATIC.findall(plain))]:
        answer = served.get(address.replace("&amp;", "&"), **told)
        sort = answer.headers["content-type"].partition(";")[0]
        found[_NAMES.get(sort, sort)] += len(answer.body) + answer.head_bytes
        found["requests"] += 1
    requests = found.pop("requests")
    return {**found, "total": found.total(), "requests": requests}
