"""What there is to be sent to: routes, the addresses that were seen, the forms of a page."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import quote, unquote_to_bytes, urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import AnyConverter, IntegerConverter, Rule

_AS_IT_IS = "%/:?&=+,;@~!$'()*-._"
KEPT = 12  # addresses of each route


@dataclass
class Form:
    """A form of a page, with the fields as a browser would send them."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    choices: dict[str, list[str]] = field(default_factory=dict)


class _Reader(HTMLParser):
    """Every form and link of a page. Fields outside of forms belong to those that they name."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._inside: Form | None = None
        self._by_id: dict[str, Form] = {}
        self._select: tuple[Form, str, bool] | None = None
        self._area: tuple[Form, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.links += [given[name] for name in ("href", "hx-get", "formaction") if name in given]
        if tag == "form":
            self._inside = Form(given.get("action", ""), given.get("method", "get").upper())
            self.forms.append(self._inside)
            self._by_id[given.get("id", "")] = self._inside
        elif tag == "option" and self._select:
            self._option(given)
        elif "name" in given:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        form = self._by_id.get(given["form"]) if "form" in given else self._inside
        name, value = given["name"], given.get("value", "")
        if form is None:
            return
        if tag == "select":
            self._select = (form, name, False)
        elif tag == "textarea":
            self._area = (form, name)
            form.fields.append((name, ""))
        elif given.get("type") in {"checkbox", "radio"}:
            form.choices.setdefault(name, []).append(value or "on")
            if "checked" in given:
                form.fields.append((name, value or "on"))
        elif tag == "button":
            form.choices.setdefault(name, []).append(value)
        else:
            form.fields.append((name, value))

    def _option(self, given: dict[str, str]) -> None:
        assert self._select is not None
        form, name, done = self._select
        form.choices.setdefault(name, []).append(given.get("value", ""))
        if "selected" in given or not done:
            form.fields[:] = [pair for pair in form.fields if pair[0] != name]
            form.fields.append((name, given.get("value", "")))
            self._select = (form, name, True)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area:
            form, name = self._area
            form.fields[-1] = (name, form.fields[-1][1] + data)


def read(html: str) -> tuple[list[Form], list[str]]:
    """The forms and the links of a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.forms, reader.links


class Surface:
    """The routes of an application, and for each the addresses that pages have led to."""

    def __init__(self, app: Flask) -> None:
        self.rules: list[Rule] = sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule)
        self.seen: dict[str, list[str]] = {}
        self._map = app.url_map.bind("127.0.0.1:8080")

    def learn(self, address: str, chance: random.Random) -> None:
        """Remember an address of this console."""
        address = quote(address.partition("#")[0], safe=_AS_IT_IS)  # as a browser would ask for it
        try:
            parts = urlsplit(address)
        except ValueError:
            return
        if parts.netloc or not parts.path.startswith("/"):
            return
        endpoint = self.endpoint(parts.path)
        if endpoint is None:
            return
        kept = self.seen.setdefault(endpoint, [])
        if address in kept:
            return
        if len(kept) < KEPT:
            kept.append(address)
        else:
            kept[chance.randrange(KEPT)] = address

    def endpoint(self, path: str, method: str = "GET") -> str | None:
        """The route of a path by its method, or else by another; None if there is none."""
        decoded = unquote_to_bytes(path).decode("utf-8", "replace")
        for each in (method, "GET", "POST"):
            try:
                return str(self._map.match(decoded, each)[0])
            except HTTPException:
                continue
        return None

    def address(self, rule: Rule, chance: random.Random, odd: str | None = None) -> str:
        """An address of a route: one that was seen, or one with made-up parts (``odd``)."""
        seen = self.seen.get(rule.endpoint)
        if seen and (odd is None or not rule._converters):
            return chance.choice(seen)
        built = self._map.build(
            rule.endpoint,
            {name: _plausible(rule, name) for name in rule._converters},
            force_external=False,
        )
        return str(built).replace("hurt", quote(odd or "nothing", safe="", errors="surrogatepass"))


def _plausible(rule: Rule, name: str) -> object:
    converter = rule._converters[name]
    if isinstance(converter, IntegerConverter):
        return 1
    if isinstance(converter, AnyConverter):
        return sorted(converter.items)[0]
    return "hurt"
