"""Rules: watches that are made by themselves, for whatever fits a filter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from app import db
from app.aws.accounts import Accounts
from app.inventory import Inventory
from app.watches.catching import Catcher
from app.watches.looking import Looker
from app.watches.pace import Pacing
from app.watches.poller import Learn
from app.watches.rule_store import RuleStore


class Rules(RuleStore):
    """The rules of one console, and the steps of their background work.

    ``learn`` is told what was read of what has just begun; ``pacing`` says how many calls are made
    a second, by the pollers and these together. Any number of processes may use the same database.
    """

    def __init__(
        self,
        engine: Engine,
        accounts: Accounts,
        inventory: Inventory,
        learn: Learn,
        pacing: Pacing | None = None,
        clock: Callable[[], datetime] = db.now,
    ) -> None:
        super().__init__(engine, clock)
        self._catcher = Catcher(engine, inventory)
        self._looker = Looker(engine, accounts, learn, pacing or Pacing(), clock)

    def catch(self, now: datetime) -> bool:
        """Hold some of what was written in the inventory against the rules; whether there was any.

        Makes no call to AWS.
        """
        return self._catcher.step(now)

    def look(self, now: datetime) -> bool:
        """Read what of one kind is under way in one region, if that is due; whether it was.

        Never raises AwsError: what cannot be read is left to the collector.
        """
        return self._looker.step(now)
