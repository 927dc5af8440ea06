"""Makes requests from a seed, sends them as somebody, and judges the answers."""

from __future__ import annotations

import random
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes, urlencode, urlsplit

from flask import Flask
from werkzeug.routing import Rule

from tests import hostile
from tests.fuzz.judge import faults
from tests.fuzz.raw import FORM, HOST, Answer, Client, Request
from tests.fuzz.surface import Form, Surface, read

TEXTS = [*hostile.ALL.values(), *hostile.SURROGATES.values(), ""]
METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
    "get",
    "É",
)
HEADERS = (
    "Host", "Origin", "Referer", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host",
    "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded", "X-Real-IP", "X-HTTP-Method-Override",
    "HX-Request", "HX-Target", "HX-PTag", "HX-Current-URL", "HX-Trigger", "HX-Source", "Cookie",
    "Accept", "Accept-Encoding", "Accept-Language", "If-None-Match", "If-Modified-Since", "Range",
    "Authorization", "Content-Type", "Content-Length", "Transfer-Encoding", "X-CSRFToken",
    "Sec-Fetch-Site", "Sec-Fetch-Mode", "Expect", "Upgrade", "Connection",
)  # fmt: skip
VALUES = (
    "null", "http://hurt.example", "http://127.0.0.1:8080", "http://127.0.0.1:8080/instances?q=a",
    "true", "false", "gzip", "br;q=1, *;q=0", "bytes=0-", "bytes=5-1", "W/\"a\"", "*", "cross-site",
    "multipart/form-data", "multipart/form-data; boundary=x", "application/json", "text/plain",
    "application/x-www-form-urlencoded; charset=utf-7", "chunked", "Basic Og==", "Bearer x", "[::1",
    "127.0.0.1:99999999", "127.0.0.1:8080:8080", "user@127.0.0.1", "127.0.0.1\\@hurt", "xn--", "."
)  # fmt: skip
PARAMETERS = (
    "q", "sort", "page", "per_page", "columns", "state", "id", "account", "region", "back", "kind",
    "before", "at", "topic", "token", "next", "resume", "name", "owner", "error", "code", "actor",
    "event", "from", "to", "since", "until", "volume_id", "image_id", "instance_id", "snapshot_id",
    "iss", "session", "format", "tab", "group", "role", "user", "action", "outcome",
)  # fmt: skip
QUERIES = (
    "name = a", "name : a and not state = running", "size > 1", "started < 30d", "tag:team = data",
    "launched > 2024-01-01", "id in (a, b)", '"a b"', "state", "name =", "size > x", "tag: = x",
    "started < 99999999999999d", "not", "name = a or", "started < 2024-13-45", "size = 1e400",
)  # fmt: skip


@dataclass
class Figures:
    """What was done and what came of it."""

    statuses: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    routes: dict[str, Counter[int]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    different: Counter[str] = field(default_factory=Counter)
    roles: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)


@dataclass
class Somebody:
    """A client, and how it gets in again when its session has ended."""

    role: str
    client: Client
    enter: Callable[[Client], None]
    weight: int = 4


class Fuzzer:
    """Sends requests that a seed determines, as each of some people in turn."""

    def __init__(self, app: Flask, people: list[Somebody], seed: int) -> None:
        self.app = app
        self.seed = seed
        self.people = people
        self.surface = Surface(app)
        self.figures = Figures(missed=sorted({rule.endpoint for rule in self.surface.rules}))
        self.chance = random.Random(seed)
        self.number = 0

    def walk(self) -> None:
        """Every route by each of its methods, once."""
        for rule in self.surface.rules:
            for method in sorted(rule.methods or ()):
                address = self.surface.address(rule, self.chance)
                self.send("routes", _plain(method, address), self.chance.choice(self.people))

    def run(self, number: int) -> None:
        """Send requests until there were so many."""
        ways = (self.forms, self.queries, self.parts, self.methods, self.headers, self.bodies)
        while self.number < number:
            way = self.chance.choices(ways, (9, 5, 2, 1, 3, 1))[0]
            way(self.somebody())

    # ways

    def forms(self, who: Somebody) -> None:
        """A form that was opened, filled in with harm, and sent."""
        address = self.surface.address(self.chance.choice(self._with_pages()), self.chance)
        page = self.send("pages", _plain("GET", address), who)
        found = [form for form in read(page.text)[0] if form.method == "POST"]
        if not found:
            return
        # the form that signs out is on every page
        weights = [1 if form.action == "/logout" else 30 for form in found]
        form = self.chance.choices(found, weights)[0]
        target = form.action or address
        for _ in range(self.chance.randint(1, 3)):
            body = self.encoded(self.filled(form))
            request = _plain("POST", target, body, (("Content-Type", FORM),))
            if self.chance.random() < 0.2:
                request = request.having("HX-Request", "true")
            self.send("forms", request, who)

    def queries(self, who: Somebody) -> None:
        """An address with made-up parameters."""
        address = self.surface.address(self._reading(), self.chance)
        path, _, given = address.partition("?")
        pairs = [pair.partition("=")[::2] for pair in given.split("&") if pair]
        names = [*PARAMETERS, *(name for name, _ in pairs), self.text()]
        for _ in range(self.chance.randint(1, 4)):
            pairs.insert(
                self.chance.randint(0, len(pairs)), (self.chance.choice(names), self.query())
            )
        query = "&".join(f"{_quoted(name)}={value}" for name, value in pairs)
        request = _plain("GET", path)
        if self.chance.random() < 0.25:
            request = request.having("HX-Request", "true").having("HX-PTag", self.text())
        self.send("queries", replace(request, query=query[:20_000]), who)

    def parts(self, who: Somebody) -> None:
        """An address with made-up parts."""
        rule = self.chance.choice([rule for rule in self.surface.rules if rule._converters])
        address = self.surface.address(rule, self.chance, self.text()[:3000])
        if self.chance.random() < 0.3:
            address += _quoted(self.text()[:300])
        self.send("parts", _plain(self.chance.choice(("GET", "GET", "POST")), address), who)

    def methods(self, who: Somebody) -> None:
        """A method that is none, or not this route's."""
        address = self.surface.address(self.chance.choice(self.surface.rules), self.chance)
        self.send("methods", _plain(self.chance.choice(METHODS), address), who)

    def headers(self, who: Somebody) -> None:
        """Headers of all sorts."""
        request = _plain("GET", self.surface.address(self._reading(), self.chance))
        for name in self.chance.sample(HEADERS, self.chance.randint(1, 3)):
            text = self.chance.choice((self.chance.choice(VALUES), self.text()[:2000]))
            request = request.having(name, _wire(text.translate(_NO_BREAKS)))
        self.send("headers", request, who)

    def bodies(self, who: Somebody) -> None:
        """A body that is no form, or says that it is another one."""
        rules = [rule for rule in self.surface.rules if "POST" in (rule.methods or ())]
        address = self.surface.address(self.chance.choice(rules), self.chance)
        body = self.chance.choice(
            (
                b"",
                self.chance.randbytes(self.chance.randint(1, 5000)),
                b"a=" + b"x" * self.chance.choice((1000, 1024 * 1024 - 10, 1024 * 1024 + 10)),
                b"&".join(b"a%d=1" % each for each in range(self.chance.choice((999, 30_000)))),
                self.encoded([(self.text(), self.text()) for _ in range(5)]),
                self.text().encode("utf-8", "surrogatepass"),
                b'--x\r\nContent-Disposition: form-data; name="a"; filename="../b"\r\n\r\nc',
                b"--x\r\nContent-Disposition: form-data\r\n\r\n" + b"--x\r\n" * 2000,
            )
        )
        request = _plain("POST", address, body)
        kind = self.chance.choice(
            (FORM, self.chance.choice(VALUES), "multipart/form-data; boundary=x")
        )
        self.send("bodies", request.having("Content-Type", kind), who)

    # parts of requests

    def somebody(self) -> Somebody:
        """Mostly somebody who may something."""
        weights = [each.weight for each in self.people]
        return self.chance.choices(self.people, weights)[0]

    def text(self) -> str:
        """Some text that means harm, or a piece or two of it."""
        text = self.chance.choice(TEXTS)
        draw = self.chance.random()
        if draw < 0.1:
            return text + self.chance.choice(TEXTS)[:200]
        if draw < 0.2:
            return text[: self.chance.randint(0, 40)]
        if draw < 0.25:
            return "".join(chr(self.chance.randrange(0x110000)) for _ in range(5))
        return text

    def query(self) -> str:
        """The value of a parameter, encoded, mostly well."""
        text = self.chance.choice((self.text(), self.chance.choice(QUERIES)))
        if self.chance.random() < 0.05:
            return text.translate(_NO_BREAKS).encode("utf-8", "replace").decode("latin-1")
        return _quoted(text) + self.chance.choice(("", "", "", "", "%", "%ff", "%00"))

    def filled(self, form: Form) -> list[tuple[str, str]]:
        """The fields of a form, some of them changed."""
        fields = list(form.fields)
        for name, values in form.choices.items():
            if self.chance.random() < 0.3:
                fields = [pair for pair in fields if pair[0] != name]
                fields.append((name, self.chance.choice(values)))
        for _ in range(self.chance.choice((0, 1, 1, 1, 2, 3, 8))):
            if not fields:
                break
            at = self.chance.randrange(len(fields))
            if fields[at][0] in {"csrf_token", "client_token"} and self.chance.random() < 0.8:
                continue
            self._change(fields, at)
        if self.chance.random() < 0.4:
            # a preview can be sent without anything being done
            fields = [pair for pair in fields if pair[0] != "_do"]
            doing = ("preview", "check", "refill", "perform", self.text()[:50])
            fields.append(("_do", self.chance.choice(doing)))
        return fields

    def _change(self, fields: list[tuple[str, str]], at: int) -> None:
        name, value = fields[at]
        match self.chance.randrange(8):
            case 0:
                fields.pop(at)
            case 1:
                fields.insert(at, (name, self.text()))
            case 2:
                fields[at] = (self.text()[:100], value)
            case 3:
                fields[at] = (name, value + self.text()[:300])
            case _:
                fields[at] = (name, self.text())

    def encoded(self, fields: list[tuple[str, str]]) -> bytes:
        """Fields as a body; lone surrogates as browsers never send them."""
        return urlencode(fields, errors="surrogatepass").encode()

    def _reading(self) -> Rule:
        return self.chance.choice([r for r in self.surface.rules if "GET" in (r.methods or ())])

    def _with_pages(self) -> list[Rule]:
        """Routes that pages are at; those that forms are at twice."""
        found = [rule for rule in self.surface.rules if "GET" in (rule.methods or ())]
        return found + [rule for rule in found if "POST" in (rule.methods or ())] * 2

    # sending

    def send(self, kind: str, request: Request, who: Somebody) -> Answer:
        """Send a request, judge its answer, and learn from it."""
        self.number += 1
        answer = who.client.send(request)
        self.figures.statuses[answer.status] += 1
        self.figures.kinds[kind] += 1
        self.figures.roles[who.role] += 1
        path = _quoted(request.path.encode("latin-1", "replace"))
        endpoint = self.surface.endpoint(path, request.method)
        if endpoint:
            self.figures.routes.setdefault(endpoint, Counter())[answer.status] += 1
        if endpoint in self.figures.missed:
            self.figures.missed.remove(endpoint)
        wrong = faults(request, answer)
        if wrong:
            self._failed(f"{kind}, as {who.role}", request, endpoint, answer, wrong)
        if answer.is_html and answer.status == 200:
            for link in read(answer.text)[1]:
                self.surface.learn(link, self.chance)
        if answer.headers.get("location"):
            self.surface.learn(answer.headers["location"], self.chance)
        if answer.status == 401 and who.role != "nobody":
            who.enter(who.client)
        return answer

    def _failed(
        self, kind: str, request: Request, endpoint: str | None, answer: Answer, wrong: list[str]
    ) -> None:
        what = "; ".join(wrong)
        key = f"{endpoint} {what[:120]}"
        self.figures.different[key] += 1
        if self.figures.different[key] > 1:
            return
        where = traceback.format_exception(answer.fault)[-6:] if answer.fault else []
        told = f"seed {self.seed}, request {self.number} ({kind}): {what}\n{request}\n"
        self.figures.failures.append(told + "".join(where))


_NO_BREAKS = {ord("\r"): None, ord("\n"): None, 0: None}


def _plain(
    method: str, address: str, body: bytes = b"", headers: tuple[tuple[str, str], ...] = ()
) -> Request:
    parts = urlsplit(address) if "\\" not in address and "[" not in address else None
    path, query = (parts.path, parts.query) if parts else address.partition("?")[::2]
    raw = unquote_to_bytes(path).decode("latin-1")
    if method == "POST":
        headers = (("Origin", f"http://{HOST}"), *headers)
    return Request(method, raw, _wire(query), headers, body)


def _quoted(text: str | bytes) -> str:
    if isinstance(text, bytes):
        return quote_from_bytes(text)
    return quote(text, safe="", errors="surrogatepass")


def _wire(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("latin-1")
