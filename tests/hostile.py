"""Text that means harm, wherever it stands; what of it must never work is called *hurt*."""

from __future__ import annotations

import re
from html.parser import HTMLParser

# Each is one way to break out of where text stands. None is longer than a tag's value may be
# unless LONG says so, so that AWS itself would take most of them.
HTML = {
    "element": "<script>window.hurt=1</script>",
    "image": "\"><img src=x onerror='window.hurt=1'>",
    "attribute": '" autofocus onfocus="window.hurt=1" x="',
    "one quote": "' onmouseover='window.hurt=1' x='",
    "end of text": "</textarea></title></style></script><svg onload=window.hurt=1>",
    "comment": "--><!--><script>window.hurt=1</script>",
    "address": "javascript:window.hurt=1//",
    "hidden address": "java\u200bscript:window.hurt=1",
    "data": "data:text/html,<script>window.hurt=1</script>",
    "template": "{{7*7}}${7*7}#{7*7}{%print(hurt)%}<%=7*7%>",
    "entity": "&lt;script&gt;window.hurt=1&lt;/script&gt;&#x3c;img&#x3e;&amp;",
    "htmx": '"><b hx-get="/hurt" hx-trigger="load" hx-on:click="window.hurt=1">',
    "script": "';window.hurt=1;//\\';window.hurt=1;//",
    "base": "<base href=//hurt.example/><meta http-equiv=refresh content=0;url=//hurt.example>",
    "form": '</form><form action="//hurt.example"><button>hurt',
}
SHELL = {
    "command": "$(touch hurt) `touch hurt`",
    "end of quotes": "'; touch hurt; echo '",
    "double quotes": '"; touch hurt; echo "',
    "option": "--endpoint-url=http://hurt.example",
    "file": "file:///etc/passwd",
    "python": "'''\nimport os; os.system('touch hurt')\n'''",
    "history": "!! hurt !$",
}
FORMULAS = {
    "equals": '=cmd|"/c hurt"!A1',
    "plus": "+1+1",
    "minus": "-2+3",
    "at": "@SUM(1,1)",
    "tab": "\t=1+1",
    "return": "\r=1+1",
    "newline": "\n=1+1",
    "wide equals": "\uff1d1+1",
    "wide plus": "\uff0b1+1",
    "wide minus": "\uff0d1+1",
    "wide at": "\uff20SUM(1)",
    "behind a space": ' =HYPERLINK("http://hurt.example")',
    "behind a quote": '"=1+1',
    "behind a separator": "a;=1+1,=1+1",
}
UNICODE = {
    "emoji": "😀" * 256,
    "family": "👨‍👩‍👧‍👦" * 23,
    "right to left": "\u202egnp.exe\u202c",
    "isolates": "\u2066\u2067abc\u2069\u2069\u2069",
    "zero width": "we\u200bb\u200d-\ufeff1\u2060",
    "looks alike": "аdmіn",  # Cyrillic letters
    "stacked": "Z" + "\u0351\u0363" * 60,
    "line separators": "a\u2028b\u2029c\u0085d",
    "not a character": "\ufffe\uffff\U0010ffff",
    "private": "\ue000\U000f0000",
    "folds": "İıßſK",
}
CONTROL = {
    "nul": "a\x00b",
    "line break": "a\r\nSet-Cookie: hurt=1\r\n\r\n<b>hurt</b>",
    "escape": "\x1b]0;hurt\x07\x1b[2J\x1b[31mhurt",
    "backspaces": "safe\x08\x08\x08\x08hurt",
    "delete": "\x7f\x80\x9b31m",
    "bells": "\x01\x02\x07\x0b\x0c\x0e\x1f",
}
PATHS = {
    "up": "../../../../etc/passwd",
    "encoded up": "..%2f..%2f..%2fetc%2fpasswd%00",
    "other host": "//hurt.example/",
    "mixed slashes": "/\\hurt.example/",
    "tabbed slashes": "/\t/hurt.example/",
    "back slashes": "\\\\hurt.example\\",
    "scheme": "https://hurt.example/",
    "percent": "%",
    "percent signs": "%s%n%x%zz%u0041",
    "sql": "' OR 1=1; DROP TABLE users; --",
    "like": "%_\\",
}
NUMBERS = {
    "zero": "0",
    "negative": "-1",
    "huge": "9" * 400,
    "beyond": str(2**63),
    "not a number": "nan",
    "infinite": "1e999",
    "other digits": "١٢٣",
    "superscript": "²",
    "hexadecimal": "0x10",
    "underscores": "1_000",
    "true": "true",
    "null": "null",
    "date": "0000-00-00T99:99:99Z",
    "late": "9999-12-31T23:59:59.999999+14:00",
    "offset": "2024-01-01T00:00:00+99:99",
}
NESTED = {
    "brackets": "(" * 300 + "x" + ")" * 300,
    "many brackets": "(" * 5000,
    "nots": "not " * 3000 + "x",
    "ors": " or ".join(["name = a"] * 800),
    "json": "[" * 20_000,
    "json objects": '{"a":' * 5000,
    "json wrong": '[["a"],[1,2,3],"xy",{"a":1}]',
    "json numbers": '[["a",' + "1" * 5000 + "]]",
    "pattern": "(a+)+$" + "a" * 60,
}
LONG = {"long": "hurt " * 4000, "long word": "W" * 20_000}
# what no text may hold; it arrives as bytes or as escapes
SURROGATES = {"lone": "\ud800", "reversed": "\udc00\ud800", "in words": "a\udfffb"}

# What AWS itself would keep as a name or a tag.
NAMES = {**HTML, **SHELL, **FORMULAS, **UNICODE, **PATHS}
ALL = {**NAMES, **CONTROL, **NUMBERS, **NESTED, **LONG}


ADDRESSES = {"href", "src", "action", "formaction", "hx-get", "hx-post"}


class _Hurt(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and not str(given.get("src")).startswith("/static/"):
            self.found.append("a script that is not ours")
        if tag in {"base", "iframe", "object", "embed", "style"}:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            self._attribute(tag, name, value or "")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith(("on", "hx-on")) or name in {"style", "srcdoc"}:
            self.found.append(f"<{tag} {name}={value[:60]!r}>")
        if name in ADDRESSES:
            target = re.sub(r"[\x00-\x20]", "", value).lower()
            away = target.startswith(("javascript:", "vbscript:", "data:", "//", "/\\"))
            away = away or re.match(r"[a-z]+:[/\\]*[^/\\]*hurt", target) is not None
            if away:
                self.found.append(f"<{tag} {name}={value[:60]!r}>")


def hurt_in(html: str) -> list[str]:
    """What in a page could run or lead away, and is not Encante's own."""
    reader = _Hurt()
    reader.feed(html)
    reader.close()
    return reader.found
