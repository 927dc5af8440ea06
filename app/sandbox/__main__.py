"""`python -m app.sandbox`: run the sandbox until SIGTERM or Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading

from app.sandbox.server import StartError, start_in_thread
from app.sandbox.settings import SettingsError, from_environment


def main() -> int:
    """Run the sandbox with the settings of the environment; the process's exit code."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        handle = start_in_thread(from_environment())
    except (SettingsError, StartError) as problem:
        print(f"sandbox: {problem}", file=sys.stderr)
        return 1
    print(f"sandbox ready on {handle.url}", flush=True)
    stop.wait()
    handle.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
