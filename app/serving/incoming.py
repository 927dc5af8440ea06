"""Where one request ends and the next begins, as far as that must be known to wait for all of it.

gunicorn's parser has the last word on what a request means: it gets exactly the bytes that were
found here, and an end after them. So two readings that differ cannot make it wait, nor can what
was sent in one request's body become another request.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_HEAD = 64 * 1024
# A form of 1 MiB is taken; of what is larger only the head is, and the answer says why.
MAX_BODY = 1024 * 1024
_END = b"\r\n\r\n"


class Head(NamedTuple):
    """What of a request's head matters here; names in lower case, values as they came."""

    size: int
    headers: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for each, value in self.headers if each == name]


class Frame(NamedTuple):
    """A request that is to be answered: ``size`` bytes. ``last``: nothing after it is read."""

    size: int
    last: bool


class TooLong(Exception):
    """The head does not end."""


class NoLength(Exception):
    """The body comes in chunks: how long it will be nobody knows."""


def head_of(received: bytes | bytearray, searched: int = 0) -> Head | None:
    """The head of the first request; None if not all of it has come yet. Raises TooLong.

    ``searched``: how many bytes were there when it was last looked for.
    """
    end = received.find(_END, max(0, searched - len(_END) + 1), MAX_HEAD)
    if end < 0:
        if len(received) >= MAX_HEAD:
            raise TooLong
        return None
    lines = bytes(received[:end]).decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":")[::2] for line in lines)
    return Head(
        end + len(_END), tuple((name.strip().lower(), value.strip()) for name, value in pairs)
    )


def frame_of(head: Head) -> Frame:
    """Where the request with this head ends. Raises NoLength.

    What is ambiguous is cut off behind the head, and left to gunicorn's parser to refuse.
    """
    lengths, codings = head.all("content-length"), head.all("transfer-encoding")
    if codings and not lengths and [coding.lower() for coding in codings] == ["chunked"]:
        raise NoLength
    if codings or len(lengths) > 1:
        return Frame(head.size, True)
    if not lengths:
        return Frame(head.size, False)
    (length,) = lengths
    plain = length.isascii() and length.isdigit()
    if not plain or len(length) > 12 or int(length) > MAX_BODY:
        return Frame(head.size, True)
    return Frame(head.size + int(length), False)
