"""How the provider is spoken to: briefly, in small answers, and not elsewhere than it is."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from time import monotonic as clock
from typing import Any

import requests
from authlib.integrations.requests_client import OAuth2Session
from requests.adapters import HTTPAdapter

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
TOTAL_SECONDS = 8.0  # of one answer
LARGEST = 512 * 1024  # bytes of an answer
_CHUNK = 16 * 1024
# A provider that hangs must not take all the threads that serve pages.
_TALKS = 3
WAIT_SECONDS = 2.0


class ProviderError(Exception):
    """The provider does not answer, or not as one; the text says how, for the log and the page."""


class Bounded(HTTPAdapter):
    """Reads an answer up to a size and for a time; follows no redirect."""

    def send(self, request: Any, **given: Any) -> requests.Response:  # type: ignore[override]
        """Send, and read the whole answer. Raises ProviderError."""
        ends = clock() + TOTAL_SECONDS
        given |= {"stream": True, "timeout": (CONNECT_SECONDS, READ_SECONDS)}
        try:
            response = super().send(request, **given)
            with response:
                body = b""
                for chunk in response.iter_content(_CHUNK):
                    body += chunk
                    if len(body) > LARGEST:
                        raise ProviderError("its answer is too large")
                    if clock() > ends:
                        raise ProviderError("it takes too long to answer")
        except requests.Timeout:
            raise ProviderError("it takes too long to answer") from None
        except requests.RequestException as error:
            raise ProviderError(f"it cannot be reached ({type(error).__name__})") from error
        if 300 <= response.status_code < 400:
            raise ProviderError("it leads elsewhere, which is not followed")
        return _whole(response, body)


def _whole(response: requests.Response, body: bytes) -> requests.Response:
    """The same answer, to be read from memory."""
    read = requests.Response()
    read.status_code, read.url, read.request = response.status_code, response.url, response.request
    read.headers, read.encoding, read.raw = response.headers, response.encoding, io.BytesIO(body)
    return read


class Wire:
    """Talks to one provider, in a few conversations at a time at most."""

    def __init__(self) -> None:
        self._talks = BoundedSemaphore(_TALKS)

    @contextmanager
    def session(self, **client: Any) -> Iterator[OAuth2Session]:
        """A session for one conversation. Raises ProviderError when there are too many."""
        if not self._talks.acquire(timeout=WAIT_SECONDS):
            raise ProviderError("too many are waiting for it")
        try:
            with OAuth2Session(**client) as session:
                session.mount("https://", Bounded())
                session.mount("http://", Bounded())
                yield session
        finally:
            self._talks.release()

    def get(self, address: str, **headers: str) -> Any:
        """The JSON object at an address. Raises ProviderError."""
        with self.session() as session:
            answer = session.request("GET", address, withhold_token=True, headers=headers)
        if answer.status_code != 200:
            raise ProviderError(f"it answers with the status {answer.status_code}")
        try:
            found = answer.json()
        except ValueError:
            raise ProviderError("its answer is no JSON") from None
        if not isinstance(found, dict):
            raise ProviderError("its answer is no JSON object")
        return found
