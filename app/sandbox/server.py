"""The sandbox's server: start, serve, save, stop."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

from app.sandbox import account, moto_import
from app.sandbox.patching import MotoMoved
from app.sandbox.settings import SandboxSettings
from app.sandbox.store import Store, StoreError


class StartError(RuntimeError):
    """The sandbox cannot start; the message is one line for the person who started it."""


class Handle:
    """A running sandbox: its `url`, and `stop()`, which saves the account first."""

    def __init__(self, server: Any, application: Any, store: Store) -> None:
        self.url = f"http://{server.host}:{server.port}"
        self._server = server
        self._application = application
        self._store = store
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop answering, close the port, and save the account. Quick, and harmless twice."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._application.close()
        self._store.stop()


def start_in_thread(settings: SandboxSettings) -> Handle:
    """Start a sandbox in this process and return when it answers; StartError says why it cannot.

    The account is the one kept in the settings' data folder, else a new one with the seed. Two
    sandboxes in one process need different account ids; the clock and the durations are shared.
    """
    listener = _listen(settings)
    store = Store(settings)
    try:
        store.open()
        application = _load(settings, store)
        server = _server(listener, settings, application)
    except BaseException as problem:
        listener.close()
        store.close()
        if isinstance(problem, StoreError):
            raise StartError(str(problem)) from problem
        raise
    store.start()
    store.changed()
    return Handle(server, application, store)


def _load(settings: SandboxSettings, store: Store) -> Any:
    """Import moto with our behaviour on it, and fill the account: as it was, or from the seed."""
    from app.sandbox import catalogue, ec2, events, sns, sqs
    from app.sandbox.application import Application

    _check_regions(settings)
    try:
        ec2.install(settings)
        for part in (catalogue, sns, sqs, events):
            part.install()
    except (ec2.MotoHasChanged, MotoMoved) as problem:
        raise StartError(str(problem)) from problem
    if not store.load():
        for account_id in settings.all_accounts:
            account.forget(account_id)
        if settings.seed:
            from app.sandbox import seed

            seed.plant(settings)
    return Application(settings, store.changed)


def _check_regions(settings: SandboxSettings) -> None:
    for region in settings.regions:
        if region not in moto_import.regions():
            raise StartError(f"ENCANTE_REGIONS: {region!r} is not a region of EC2")
        if region not in moto_import.regions_with_instance_types():
            raise StartError(f"ENCANTE_REGIONS: the sandbox has no instance types in {region}")


def _listen(settings: SandboxSettings) -> socket.socket:
    """The listening socket: taken first, so that a port in use is known before anything loads."""
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family, backlog=128)
    except OSError as problem:
        raise StartError(
            f"cannot listen on {settings.host}:{settings.port}: {problem.strerror}. "
            "Another port is chosen with ENCANTE_SANDBOX_PORT."
        ) from problem


def _server(listener: socket.socket, settings: SandboxSettings, application: Any) -> Any:
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import ThreadedWSGIServer

    class Handler(MotoRequestHandler):
        # A client that sends half a request must not hold its thread for ever.
        timeout = 60

        def log_request(self, code: Any = "-", size: Any = "-") -> None:
            """Say nothing: the console polls all day. `/_sandbox/calls` tells what was called."""

        def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
            """A client that has gone away, or a fault that hung up: nothing to answer any more."""
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    with listener:
        return ThreadedWSGIServer(
            settings.host, listener.getsockname()[1], application, Handler, fd=listener.fileno()
        )
