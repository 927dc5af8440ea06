"""The form that puts a watch on something that is there, of whatever kind."""

from __future__ import annotations

from wtforms import HiddenField

from app.aws.call import Plan
from app.aws.listing import Description
from app.resources.forms import Answers, Desk, Done, Refused, Section
from app.resources.notify import NEW, NOBODY, NOTIFICATION, OLD, NotifyForm
from app.resources.spec import Awaited, Row

# What an instance is most likely waited for, by what it is doing.
_NEXT = {
    "pending": ("running",),
    "running": ("stopped", "terminated"),
    "stopping": ("stopped",),
    "stopped": ("running",),
    "shutting-down": ("terminated",),
}
# What comes and goes beside a resource's own state is under way in these.
_RUNNING = {
    "modification": ("modifying", "optimizing"),
    "restore": ("temporary-restore-in-progress", "permanent-restore-in-progress"),
}


class WatchForm(NotifyForm):
    """Ask to be told what becomes of one resource."""

    title = "Notify me"
    submit_label = "Watch"
    sections = (Section("What is told, and to whom", NOTIFICATION),)

    # found out when the form is opened: that can take a call, and it is not to be made again
    # with every letter that is typed
    of = HiddenField()

    def prepare(self, desk: Desk) -> None:
        kinds = [each.kind for each in _awaited(desk.row)]
        if not self.is_submitted() or self.of.data not in kinds:
            self.of.data = _under_way(desk)[0].kind
            self.notify.data = OLD if desk.known.all("topic") else NEW
        self.awaits = self.of.data
        self.ticked = _NEXT.get(desk.row.state, ()) if self.awaits == "instance" else ()
        self.notify.choices = [entry for entry in self.notify.choices if entry.value != NOBODY]
        self.offer_notification(desk, desk.row.region)

    def examine(self, desk: Desk) -> None:
        self.examine_notification(desk)

    def plan(self, desk: Desk) -> Plan:
        return Plan(self.title, self.topic_calls(desk.row.region))

    def warnings(self, desk: Desk) -> list[str]:
        return self.notification_warnings(desk, str(desk.row.cells.get("volume_id") or ""))

    def begin(self, desk: Desk) -> None:
        awaited, found = _under_way(desk)
        self.awaits = awaited.kind
        self._watch = self.put_on(desk, [(desk.row, found)])

    def finish(self, desk: Desk, answers: Answers) -> Done:
        return Done(f"{desk.row.id} is being watched.", f"/watches/{self._watch}")


def refuse_watch(row: Row) -> str | None:
    """Why there is nothing to wait for, where that can be told without asking AWS."""
    if row.state_class == "changing" or (row.kind == "instance" and row.state != "terminated"):
        return None
    if row.kind == "volume" and row.state in {"available", "in-use"}:
        return None  # it may be being modified: the form asks
    if row.kind == "snapshot" and row.cells.get("tier") == "archive":
        return None  # and this one may be on its way back
    return f"{row.id} is {row.state}; there is nothing to wait for."


def _awaited(row: Row) -> tuple[Awaited, ...]:
    from app.resources import RESOURCES  # not above: the kinds have their forms from here

    return RESOURCES[row.kind].awaited


def _under_way(desk: Desk) -> tuple[Awaited, Description]:
    """What of the resource can be waited for now, and how AWS describes that.

    Raises Refused if there is nothing, and AwsError.
    """
    row, told = desk.row, []
    for awaited in _awaited(row):
        found = row.description if awaited.kind == row.kind else _read(desk, awaited)
        state = str(awaited.facts(found).get("aws_state") or "") if found else ""
        if found and _is_under_way(awaited, state):
            return awaited, found
        told.append(f"{awaited.kind}: {state or 'none'}")
    raise Refused(f"There is nothing to wait for ({', '.join(told)}).")


def _is_under_way(awaited: Awaited, state: str) -> bool:
    from app.resources import RESOURCES  # as above

    if awaited.kind in _RUNNING:
        return state in _RUNNING[awaited.kind]
    if awaited.repeats:
        reached = awaited.outcome_of(state)
        return not (reached and reached.ends)
    return RESOURCES[awaited.resource].state_class(state) == "changing"


def _read(desk: Desk, awaited: Awaited) -> Description | None:
    row = desk.row
    clients = desk.accounts.clients(row.account)
    found = awaited.listing.read(clients, row.region, row.account, [row.id])
    return found[0] if found else None
