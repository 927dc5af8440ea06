"""What befalls a request at the endpoint: when, what, and how often."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

# received: nothing is done yet. done: the deed is done, the answer not sent. answered: it is sent.
When = Literal["received", "done", "answered"]
# kill: the process that asks, with SIGKILL. freeze: the same with SIGSTOP. cut: the connection.
# wait: only ``wait`` seconds. error: an answer of 503 instead of the true one.
What = Literal["kill", "freeze", "cut", "wait", "error"]


@dataclass
class Fault:
    """Befalls requests of an operation, each with ``chance``, ``times`` times in all (-1: always).

    It strikes ``wait`` seconds after the request has got as far as ``when``, or if ``up_to`` is
    greater at a random moment between the two. It befalls no request of the process ``spare``.
    """

    operation: str
    when: When
    what: What
    wait: float = 0.0
    up_to: float = 0.0
    times: int = 1
    chance: float = 1.0
    spare: int = 0

    def strikes(self, process: int) -> bool:
        """Whether it befalls this request of a process; counts it if so."""
        if self.times == 0 or process == self.spare or random.random() >= self.chance:
            return False
        if self.times > 0:
            self.times -= 1
        return True

    def seconds(self) -> float:
        """How long to wait before it strikes, this time."""
        return random.uniform(self.wait, max(self.wait, self.up_to))
