"""The base of the forms that do what cannot be undone, or what something rests on.

Such a page names every resource and what goes with it, and asks to type the name or the count.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from wtforms import HiddenField, StringField

from app.aws.call import Call, Plan
from app.resources.forms import ActionForm, Answers, Desk, Done, listed
from app.resources.spec import Row

EASILY_TYPED = 64  # of a name that is longer, or holds what does not print, the id is asked for
MOST_FOUND = 1000  # the inventory finds no more at once
CHANGED = (
    "What this is about has changed since the page was shown. Look at it once more, and confirm "
    "it as it is now."
)


@dataclass(frozen=True)
class Effect:
    """What becomes of other things when something dangerous is done.

    ``title`` says what becomes of them; ``rows`` are those that are known as resources, ``texts``
    the others, such as addresses. ``binding``: if these are others when a person confirms than
    when they were shown, the page is shown anew.
    """

    title: str
    rows: Sequence[Row] = ()
    texts: Sequence[str] = ()
    binding: bool = True

    @property
    def count(self) -> int:
        """How many things they are, of those that were found."""
        return len(self.rows) + len(self.texts)

    @property
    def told(self) -> str:
        """How many there are, in words."""
        return f"{self.count:,}{' or more' if len(self.rows) >= MOST_FOUND else ''}"

    @property
    def key(self) -> tuple[str, list[str]]:
        """What tells it from another."""
        return self.title, sorted([*(row.id for row in self.rows), *self.texts])


@dataclass(frozen=True)
class Target:
    """Something that a person confirms by its name, or its id."""

    id: str
    name: str

    @property
    def words(self) -> tuple[str, ...]:
        """What may be typed for it; what is asked for comes first."""
        name = " ".join(self.name.split())
        if not name or name == self.id:
            return (self.id,)
        easy = len(name) <= EASILY_TYPED and name.isprintable()
        return (name, self.id) if easy else (self.id, name)


class DangerForm(ActionForm):
    """A form whose deed a person confirms by typing; see the top of this file.

    ``confirm`` is what they typed, ``seen`` the digest of what they were shown.
    """

    danger: ClassVar[bool] = True

    confirm = StringField("To confirm")
    seen = HiddenField()

    def effects(self, desk: Desk) -> list[Effect]:
        """What goes with it, as far as it is known; the same whatever else is filled in."""
        return []

    def targets(self, desk: Desk) -> list[Target]:
        """What is named on the page, and confirmed."""
        return [Target(row.id, row.name) for row in desk.rows]

    def shown(self, desk: Desk) -> list[Effect]:
        """The effects that there are."""
        return [effect for effect in self.effects(desk) if effect.count]

    def words(self, desk: Desk) -> tuple[str, ...]:
        """What may be typed to confirm: of one thing its name or id, of several their number.

        Nothing where there is no target: then the form complains of what it is about.
        """
        targets = self.targets(desk)
        if not targets:
            return ()
        return targets[0].words if len(targets) == 1 else (str(len(targets)),)

    def ask(self, desk: Desk) -> None:
        """Have the page ask for confirmation of what there is now."""
        digest = self._digest(desk)
        if self.seen.data != digest:
            self.confirm.data = ""
        self.seen.data = digest

    def confirmed(self, desk: Desk) -> bool:
        """Whether a person has confirmed just what there is now; if not, says so at the field."""
        if self.seen.data != self._digest(desk):
            self.complain("confirm", CHANGED)
            return False
        words = self.words(desk)
        if words and _plain(self.confirm.data or "") not in {_plain(word) for word in words}:
            self.complain("confirm", f"Type {' or '.join(words)} to confirm.")
            return False
        return True

    def _digest(self, desk: Desk) -> str:
        rows = [(row.kind, row.id, row.account, row.region, row.state) for row in desk.rows]
        targets = [(target.id, target.name) for target in self.targets(desk)]
        bound = [effect.key for effect in self.shown(desk) if effect.binding]
        told = json.dumps([type(self).__name__, sorted(rows), sorted(targets), sorted(bound)])
        return hashlib.sha256(told.encode()).hexdigest()[:32]


class DeleteForm(DangerForm):
    """A form that deletes the rows, each by a call, and leads back to their list.

    ``slug`` is the list's; ``named``: whether what was deleted is told by its name, not its id.
    """

    submit_label = "Delete"
    slug: ClassVar[str]
    named: ClassVar[bool] = False

    def call(self, row: Row) -> Call:
        """The call that deletes a row."""
        raise NotImplementedError

    def plan(self, desk: Desk) -> Plan:
        return Plan(self.title, tuple(self.call(row) for row in desk.rows))

    def finish(self, desk: Desk, answers: Answers) -> Done:
        told = [row.name if self.named else row.id for row in desk.rows]
        return Done(f"Deleted: {listed(told)}.", f"/{self.slug}")


def _plain(text: str) -> str:
    # browsers draw a row of spaces as one, and keyboards compose letters in their own way
    return " ".join(unicodedata.normalize("NFC", text).split())


def hanging(desk: Desk, kind: str, column: str) -> list[Row]:
    """The resources of ``kind`` that have the id of one of the rows in their ``column``."""
    found = desk.inventory.find(kind, column, [row.id for row in desk.rows])
    return [row for row in found if row.state_class != "gone"]


def known_or_not(
    desk: Desk, kind: str, title: str, ids: Sequence[str], binding: bool = True
) -> Effect:
    """An effect on the resources with these ids, of which some may not be known."""
    rows = desk.inventory.find(kind, "id", ids) if ids else []
    found = {row.id for row in rows}
    return Effect(title, rows, [each for each in ids if each not in found], binding)


def waiting(desk: Desk) -> Effect:
    """That watches still wait for some of the rows, or publish to them."""
    return some("Watches on them that wait", desk.watches.waiting([row.id for row in desk.rows]))


def some(title: str, count: int, one: str = "watch", many: str = "watches") -> Effect:
    """An effect on so many things that are not named."""
    texts = (f"{count:,} {one if count == 1 else many}",) if count else ()
    return Effect(title, texts=texts, binding=False)
