"""A second process that claims a notice and then hangs, to be killed.

Arguments: the database's URL, the time as ISO 8601, ``before`` or ``after`` (hang before the
message is out, or after). Prints the notice id of a message that is out, then ``hanging``.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta

from app import logs
from app.db import make_engine
from tests.watches.desk import Desk
from tests.watches.fakes import FakeAws


def main(url: str, now: str, moment: str) -> None:
    logs.configure("console")  # to standard error
    aws = FakeAws()
    desk = Desk(make_engine(url), aws, timedelta(seconds=5))

    def hang() -> None:
        print(*aws.ids(), "hanging", flush=True)
        time.sleep(600)

    {"before": aws.before, "after": aws.after}[moment]["Publish"].append(hang)
    desk.watches.send(datetime.fromisoformat(now))


if __name__ == "__main__":
    main(*sys.argv[1:])
