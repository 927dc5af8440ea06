"""Lists: the console's page against the bare call, over HTTP and inside the server."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app import create_app
from app.settings import Settings
from tests.bench import weight
from tests.bench.crowd import REGION
from tests.bench.served import BROWSER, Console, NotReadyError, collected, console, crowd
from tests.bench.timing import Samples, Way, in_turns, measure

SIZES = (1_000, 10_000)
LIST = "/instances"
PAGES = {
    "list page": LIST,
    "list page, filtered and sorted": f"{LIST}?q=web-1&state=running&sort=-launched",
    "list page, last": f"{LIST}?page=999999",
}
ROUNDS = 3
TIMES = 70
REFRESHES = 1


@contextmanager
def both(folder: Path) -> Iterator[dict[int, tuple[str, Console]]]:
    """A sandbox and a console of each size, all running at once."""
    with ExitStack() as stack:
        sandboxes = {size: stack.enter_context(crowd(size)) for size in SIZES}
        yield {
            size: (url, stack.enter_context(console(folder / str(size), url)))
            for size, url in sandboxes.items()
        }


def run(folder: Path) -> dict[str, Any]:
    """Everything about lists; the keys are what was measured at which size."""
    with both(folder) as running:
        found = over_http(running)
        for size, (_, served) in running.items():
            found |= in_process(size, served.settings, folder / f"copy-{size}")
        memory = {f"{size:,} instances": served.memory() for size, (_, served) in running.items()}
        size, (_, served) = max(running.items())
        weights = weight.run(served, LIST)
        found |= while_refreshing(size, served)
        memory[f"{size:,} instances, after refreshes"] = served.memory()
    return {"times": found, "first_load_bytes": weights, "memory_mb": memory}


def over_http(running: dict[int, tuple[str, Console]]) -> dict[str, Any]:
    """The whole answer from another process, in turns with boto3's own reading of the same."""
    ways = []
    for size, (url, served) in running.items():
        ways += [
            Way(f"{size:,} HTTP: {name}", _page(served, path), TIMES)
            for name, path in PAGES.items()
        ]
        ways.append(Way(f"{size:,} HTTP: unchanged poll", _poll(served), TIMES))
        ways.append(Way(f"{size:,} HTTP: bare describe_instances", _describe(url, size)))
    return {name: samples.told() for name, samples in in_turns(ways, ROUNDS).items()}


def _page(served: Console, path: str) -> Callable[[], None]:
    def get() -> None:
        answer = served.get(path)
        if answer.status != 200:
            raise NotReadyError(f"{path} was answered with {answer.status}")

    return get


def _poll(served: Console) -> Callable[[], None]:
    revision = served.get(LIST).headers["hx-ptag"]

    def get() -> None:
        answer = served.get(LIST, **{"HX-Request": "true", "HX-PTag": revision})
        if answer.status != 304:
            raise NotReadyError(f"A poll was answered with {answer.status}")

    return get


def _describe(url: str, size: int) -> Callable[[], None]:
    client = boto3.client(
        "ec2",
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(proxies={}),  # a proxy of the environment is none of this
    )

    def read() -> None:
        pages = client.get_paginator("describe_instances").paginate(
            PaginationConfig={"PageSize": 1000}
        )
        found = sum(len(each["Instances"]) for page in pages for each in page["Reservations"])
        if found != size:
            raise NotReadyError(f"{found} instances came instead of {size}")

    return read


def in_process(size: int, settings: Settings, folder: Path) -> dict[str, Any]:
    """The server's own time: from the WSGI call to the last byte, on a copy of the database."""
    shutil.copytree(settings.data, folder)
    copied = {"data": folder, "database_url": "", "background": False}
    app = create_app(Settings(**{**settings.model_dump(), **copied}))
    served = Inside(app, settings)
    revision = served.ask(LIST)["HX-PTag"]
    polled = {"HX-Request": "true", "HX-PTag": revision}
    ways = [Way(name, partial(served.ask, path), TIMES) for name, path in PAGES.items()]
    ways.append(Way("unchanged poll", partial(served.ask, LIST, 304, **polled), TIMES))
    found = in_turns(ways, ROUNDS)
    app.extensions["encante"].engine.dispose()
    return {f"{size:,} server: {name}": samples.told() for name, samples in found.items()}


class Inside:
    """Asks an application in this process, as a signed-in browser would."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self.app = app
        self.base = f"http://127.0.0.1:{settings.port}"
        client = app.test_client()
        with client.session_transaction(base_url=self.base) as session:
            session["actor"] = "owner"
        cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"], domain="127.0.0.1")
        assert cookie is not None
        self.cookie = f"{cookie.key}={cookie.value}"

    def ask(self, path: str, status: int = 200, **headers: str) -> Any:
        """One request; returns the headers of its answer."""
        sent = {**BROWSER, "Cookie": self.cookie, **headers}
        environ = EnvironBuilder(path, self.base, headers=Headers(sent)).get_environ()
        body, told, answered = run_wsgi_app(self.app.wsgi_app, environ, buffered=True)
        b"".join(body)
        if not told.startswith(str(status)):
            raise NotReadyError(f"{path} was answered with {told}")
        return answered


def while_refreshing(size: int, served: Console) -> dict[str, Any]:
    """List pages over HTTP while everything is read from AWS again and again."""
    samples, pages, refreshes = Samples(), _page(served, LIST), Samples()
    over = threading.Event()

    def refresh() -> None:
        for _ in range(REFRESHES):
            measure(lambda: _refresh(served), refreshes)
        over.set()

    thread = threading.Thread(target=refresh)
    thread.start()
    while not over.is_set():
        measure(pages, samples)
        time.sleep(0.05)
    thread.join()
    return {
        f"{size:,} HTTP: list page during a refresh": samples.told(),
        f"{size:,} refresh of the instances": refreshes.told(),
    }


def _refresh(served: Console) -> None:
    before = _seen(served)
    served.inventory.ask("instance")
    while not (_seen(served) > before and collected(served.inventory)):
        time.sleep(0.1)


def _seen(served: Console) -> Any:
    return min(place.seen_at for place in served.inventory.freshness("instance") if place.seen_at)
