"""Asking AWS in many accounts and regions at once, while a page waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import structlog
from flask import g

from app.aws import turns
from app.aws.errors import AwsError
from app.resources.spec import Row

SECONDS = 5.0  # a page waits no longer for all of them together
_ASKERS = ThreadPoolExecutor(max_workers=16, thread_name_prefix="asking")
log = structlog.get_logger()


def ask_everywhere(
    ask: Callable[[str, str], Row | None], scopes: Sequence[tuple[str, str]]
) -> Row | None:
    """What ``ask(account, region)`` gives first that is not None, all asked side by side.

    After SECONDS the others are left to themselves. Raises the first AwsError if none answered.
    """

    def at_once(account: str, region: str) -> Row | None:
        with turns.serving():  # a page waits for it
            return ask(account, region)

    asked = {_ASKERS.submit(at_once, *scope): scope for scope in scopes}
    left = set(asked)
    errors: list[AwsError] = []
    silent: list[tuple[str, str]] = []
    end = time.monotonic() + SECONDS
    try:
        while left:
            with turns.away():
                done, left = wait(left, max(0, end - time.monotonic()), FIRST_COMPLETED)
            if not done:
                silent += [asked[future] for future in left]
                break
            for future in done:
                answer = _answer(future, errors)
                if answer is not None:
                    return answer
                if future.exception():
                    silent.append(asked[future])
    finally:
        for future in left:
            future.cancel()
    g.unasked = silent
    if errors and len(silent) == len(scopes):
        raise errors[0]
    return None


def _answer(future: Future[Row | None], errors: list[AwsError]) -> Row | None:
    try:
        return future.result()
    except AwsError as error:
        log.info("not asked for an id", error=str(error))
        errors.append(error)
        return None
