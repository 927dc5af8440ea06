"""What must not be kept of what people send: one function that takes it out, whatever it is in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

HIDDEN = "(not kept)"
# Compared without case, hyphens and underscores. A tag of that name is {"Key": …}, and is kept.
_SECRET = re.compile(
    r"userdata|token|.*password|passphrase|.*secret(key|string|binary|accesskey)?|"
    r"privatekey|keymaterial|sessiontoken|securitytoken|externalid|credentials|authorization|"
    r"cookie|csrftoken|resume|message|messagebody|messageattributes|body|receipthandle"
)
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
_SIGNED = re.compile(r"x-(amz|goog)-|signature|sig$|.*token|.*password|.*secret|.*key", re.I)
_LEAST = 4  # characters: what is shorter is found in any text


def redacted(value: Any) -> Any:
    """The same plain data without secrets, user data and messages: HIDDEN stands for each."""
    if isinstance(value, Mapping):
        return {
            str(key): HIDDEN if _is_secret(str(key)) and item not in ("", None) else redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(item) for item in value]
    if isinstance(value, bytes):
        return HIDDEN
    return _text(value) if isinstance(value, str) else value


def without_secrets(text: str, parameters: Mapping[str, Any]) -> str:
    """A text, as AWS's error message, without what ``redacted`` takes out of ``parameters``."""
    for secret in sorted(_secrets(parameters), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return _text(text)


def _is_secret(key: str) -> bool:
    return bool(_SECRET.fullmatch(key.lower().replace("-", "").replace("_", "")))


def _text(text: str) -> str:
    if _KEY_BLOCK.search(text):
        return HIDDEN
    return re.sub(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s\"'<>]+", lambda found: _url(found[0]), text)


def _url(url: str) -> str:
    """An address without a password in it, and without what signs it."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return HIDDEN
    if "@" not in parts.netloc and not any(_SIGNED.match(key) for key, _ in _asked(parts.query)):
        return url
    host = f"{HIDDEN}@{parts.hostname}{port}" if "@" in parts.netloc else parts.netloc
    asked = [(key, HIDDEN if _SIGNED.match(key) else item) for key, item in _asked(parts.query)]
    return urlunsplit((parts.scheme, host, parts.path, urlencode(asked, safe="( )"), ""))


def _asked(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def _secrets(value: Any, hidden: bool = False) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets(item, hidden or _is_secret(str(key)))
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _secrets(item, hidden)
    elif isinstance(value, str) and hidden and len(value) >= _LEAST:
        yield value
