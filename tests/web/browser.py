"""A person with a simple browser: opens pages, fills in forms, sends them. No JavaScript."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from html.parser import HTMLParser
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy import Connection, delete, insert, select
from werkzeug.datastructures import MultiDict

from app.background import tick
from app.db import now
from app.house import House
from app.people import login_tokens, sessions, tables
from app.people.who import Grant


class _Reader(HTMLParser):
    """The text of a page, and the fields of its main form as a browser would send them."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.fields: MultiDict[str, str] = MultiDict()
        self.links: list[str] = []
        self._in_form = False
        self._skip = 0
        self._select: str | None = None
        self._chosen: list[str] = []
        self._first: str | None = None
        self._area: str | None = None
        self._template = 0
        self.asked: list[str] = []
        self._asking = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name")
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if tag in {"template", "noscript"}:
            self._template += 1
        if given.get("class") == "typed":
            self.asked.append("")
            self._asking = True
        if tag == "form":
            self._in_form = given.get("id") == "form" or given.get("method") == "post"
        if tag in {"script", "style"}:
            self._skip += 1
        if tag == "option" and self._select:
            self._option(given)
        elif self._in_form and name and not self._template:
            self._field(tag, name, given)

    def _field(self, tag: str, name: str, given: dict[str, str | None]) -> None:
        value = given.get("value") or ""
        if tag == "input":
            kind = given.get("type", "text")
            if kind not in {"checkbox", "radio"} or "checked" in given:
                self.fields.add(name, value or ("on" if kind == "checkbox" else ""))
        elif tag == "select":
            self._select, self._chosen, self._first = name, [], None
        elif tag == "textarea":
            self._area = name
            self.fields.add(name, "")

    def _option(self, given: dict[str, str | None]) -> None:
        value = given.get("value") or ""
        if self._first is None:
            self._first = value
        if "selected" in given:
            self._chosen.append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"template", "noscript"}:
            self._template -= 1
        if tag in {"script", "style"}:
            self._skip -= 1
        if tag == "bdi":
            self._asking = False
        if tag == "form":
            self._in_form = False
        if tag == "textarea":
            self._area = None
        if tag == "select" and self._select:
            chosen = self._chosen or ([self._first] if self._first is not None else [])
            for value in chosen:
                self.fields.add(self._select, value)
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area:
            text = self.fields.pop(self._area) + data
            self.fields.add(self._area, text.replace("\r\n", "\n").removeprefix("\n"))
        elif not self._skip:
            self.text.append(data)
        if self._asking:
            self.asked[-1] += data


@dataclass
class Page:
    """An answer: its status, HTML, words, the fields of its form, where it leads."""

    status: int
    html: str
    path: str
    headers: Any
    location: str = ""
    words: str = field(init=False)
    fields: MultiDict[str, str] = field(init=False)
    links: list[str] = field(init=False)
    asked: list[str] = field(init=False)  # what may be typed to confirm

    def __post_init__(self) -> None:
        reader = _Reader()
        reader.feed(self.html)
        self.words = re.sub(r"\s+", " ", " ".join(reader.text))
        self.fields = reader.fields
        self.links = reader.links
        self.asked = reader.asked


class Browser:
    """A person at the console: the owner, unless ``signed_in`` is False or ``as_`` names grants.

    ``as_``: somebody called ``name`` who has signed in with a password, and has these grants; from
    now on these only.
    """

    def __init__(
        self,
        app: Flask,
        signed_in: bool = True,
        as_: Sequence[Grant] | None = None,
        name: str = "pat",
    ) -> None:
        self.app = app
        self.house: House = app.extensions["encante"]
        self._client = app.test_client()
        if as_ is not None:
            cookie = self.house.settings.cookie("session")
            self._client.set_cookie(cookie, session_of(self.house, name, as_), domain="localhost")
        elif signed_in:
            self.sign_in()

    def sign_in(self) -> Page:
        """Open a fresh start link."""
        return self.open(f"/login?token={login_tokens.create(self.house.engine)}")

    def cookie(self, name: str) -> str:
        """What the browser has kept under that name; empty: nothing."""
        kept = self._client.get_cookie(name, "127.0.0.1") or self._client.get_cookie(name)
        return kept.value if kept else ""

    def take_cookie(self, name: str, value: str) -> None:
        """Put a cookie into the browser that it was not given."""
        self._client.set_cookie(name, value)

    def open(self, path: str, **headers: str) -> Page:
        """GET a page."""
        return self._page(self._client.get(path, headers=_headers(headers)), path)

    def post(self, path: str, fields: Any, **headers: str) -> Page:
        """POST fields as they are, from a page of the console unless ``Origin`` says otherwise."""
        return self.ask("POST", path, fields, **headers)

    def ask(self, method: str, path: str, fields: Any = None, **headers: str) -> Page:
        """Any method; what may change something comes from a page of the console, as ``post``."""
        if method not in {"GET", "HEAD", "OPTIONS"}:
            headers.setdefault("Origin", f"http://{headers.get('Host', 'localhost')}")
        sent = self._client.open(path, method=method, data=fields, headers=_headers(headers))
        return self._page(sent, path)

    def cookies(self) -> dict[Any, Any]:
        """What the browser keeps of the console: by (domain, path, name)."""
        return dict(self._client._cookies or {})

    def put_cookies(self, kept: dict[Any, Any]) -> None:
        """Have these cookies again, such as somebody who has copied them."""
        self._client._cookies = dict(kept)

    def send(self, page: Page, do: str = "perform", **changes: Any) -> Page:
        """Send the form of a page, with some fields filled in otherwise; lists send several.

        What the page asks to be typed is typed.
        """
        fields = MultiDict(page.fields)
        if page.asked:
            fields["confirm"] = page.asked[0]
        for name, value in changes.items():
            fields.poplist(name)
            for one in value if isinstance(value, list) else [value]:
                if one is not None:
                    fields.add(name, str(one))
        fields["_do"] = do
        return self.post(page.path, fields)

    def fill(self, path: str, **changes: Any) -> Page:
        """Open a form, fill it in, and send it."""
        page = self.open(path)
        assert page.status == 200, page.words
        return self.send(page, **changes)

    def follow(self, page: Page) -> Page:
        """Go where a redirect leads."""
        assert page.status in {302, 303}, page.words
        return self.open(page.location)

    def wait(self, ticks: int = 40) -> None:
        """Let the background do its work until it has nothing more to do."""
        for _ in range(ticks):
            if not tick(self.house, now()):
                return

    def _page(self, response: Any, path: str) -> Page:
        location = response.headers.get("Location", "")
        where = urlsplit(location)
        target = where.path + (f"?{where.query}" if where.query else "")
        html = response.get_data(as_text=True)
        response.close()
        return Page(response.status_code, html, path, response.headers, target)


def _headers(given: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in given.items()}


def session_of(house: House, name: str, grants: Sequence[Grant]) -> str:
    """The token of a new session of a user of that name, who has these grants and no others."""
    with house.engine.begin() as connection:
        user_id = _user(connection, name, grants)
        ends = sessions.Ends.of(house.settings)
        return sessions.start(connection, user_id, "password", ends, now())[0]


def _user(connection: Connection, name: str, grants: Sequence[Grant]) -> str:
    """The id of a user of that name, who has these grants and no others."""
    known = connection.execute(select(tables.users.c.id).where(tables.users.c.name == name))
    user_id = known.scalar_one_or_none()
    if user_id is None:
        user_id = token_hex(8)
        made = {"id": user_id, "name": name, "name_key": name.casefold(), "full_name": ""}
        more = {"password": "", "groups": [], "made_at": now(), "made_by": "tests"}
        connection.execute(insert(tables.users).values(**made, **more))
    connection.execute(delete(tables.grants).where(tables.grants.c.user_id == user_id))
    for grant in grants:
        limits = {**asdict(grant.limits), "aws_role": grant.aws_role}
        made = {"id": token_hex(8), "user_id": user_id, "role": grant.role}
        more = {"made_at": now(), "made_by": "tests"}
        connection.execute(insert(tables.grants).values(**made, **limits, **more))
    return user_id
