"""How gunicorn serves the console: one worker with threads, and the background threads in it.

The settings (ENCANTE_BIND, ENCANTE_PORT, ENCANTE_THREADS) come from app/settings/.
"""

import ctypes
import gc
import signal
import sys
import time
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger

from app import logs, settings

try:
    _settings = settings.load()
except settings.SettingsError as problem:
    sys.exit(f"Encante cannot start:\n{problem}")

wsgi_app = "wsgi:application"
bind = [f"{_settings.bind}:{_settings.port}"]
# One worker: what the console knows of AWS is kept up to date by one thread in one process.
workers = 1
worker_class = "app.serving.worker.PatientWorker"
threads = _settings.threads
worker_connections = 500  # below the 1,024 files that a process may usually have open
keepalive = 30
limit_request_line = 8190  # filters are part of an address
# an answer that is not taken at once waits in a file: see app/serving/outgoing.py
sendfile = False
# An AWS call under way may take its read timeout (10 s); let it end and be written down.
graceful_timeout = 15
# The worker's heartbeat is a file that is touched; on a slow disk that could stall it.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# Whose X-Forwarded-* headers are believed is ENCANTE_TRUSTED_PROXIES's to say (app/web/wire.py).
forwarded_allow_ips = ""
# The control socket would let every process of this user drive the server.
control_socket_disable = True
# The application logs its requests itself; of gunicorn only what is wrong is of interest.
accesslog = None
loglevel = "warning"


class JsonLogger(Logger):
    """gunicorn's logger, writing lines of the same form as the application's."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn at the start, and when it is configured anew."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(logs.json_formatter())


if _settings.log_format == "json":
    logger_class = JsonLogger

SWITCH_SECONDS = 0.0005

# glibc gives each thread an area of memory of its own, which it hardly ever gives back: with a
# dozen threads that is 50 MB. Two for all of them cost nothing that could be measured.
_M_ARENA_MAX = -8
_ARENAS = 2
if hasattr(_libc := ctypes.CDLL(None), "mallopt"):
    _libc.mallopt(_M_ARENA_MAX, _ARENAS)


# To a worker: begin nothing more in the background and say so (/readyz), but still answer.
LEAVE = signal.SIGUSR2


def when_ready(server: Any) -> None:
    """Let load balancers notice that we are going, before requests are no longer taken."""
    stop = server.handle_term

    def leave() -> None:
        server.kill_workers(LEAVE)
        time.sleep(_settings.drain_seconds)
        stop()

    if _settings.drain_seconds:
        server.handle_term = leave


def post_worker_init(worker: Any) -> None:
    """Start the background threads: in the worker, after the fork, once the app is loaded."""
    from app import background

    # What is loaded stays: it need not be looked through for garbage again and again.
    gc.collect()
    gc.freeze()
    # A look through all that came since (the index, AWS's clients) stops every page for 80 ms.
    gc.set_threshold(20_000, 50, 100)
    # While the background thread reads a long answer of AWS, a thread that serves a page has to
    # wait this long at each of its reads from the database; Python's 5 ms add up.
    sys.setswitchinterval(SWITCH_SECONDS)
    background.start(worker.wsgi)
    _stop_at_once(worker)


def _stop_at_once(worker: Any) -> None:
    """Let the background begin to end while requests are answered still."""
    from app import background

    def leave(*_: Any) -> None:
        background.begin_to_stop(worker.wsgi)

    def terminate(number: int, frame: Any) -> None:
        leave()
        worker.handle_exit(number, frame)

    for number, handle in ((LEAVE, leave), (signal.SIGTERM, terminate)):
        signal.signal(number, handle)
        signal.siginterrupt(number, False)


def worker_exit(server: Any, worker: Any) -> None:
    """Stop the background threads; a worker that never loaded the app has none."""
    from app import background

    if application := getattr(worker, "wsgi", None):
        background.stop(application)
