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
        return self.notification_warnings(desk)

    def begin(self, desk: Desk) -> None:
        awaited, found = _under_way(desk)
        self.awaits = awaited.kind
        self._watch = self.put_on(desk, [(desk.row, found)])

    def finish(self, desk: Desk, answers: Answers) -> Done:
        return Done(f"{desk.row.id} is being watched.", f"/watches/{self._watch}")


def _awaited(row: Row) -> tuple[Awaited, ...]:
    from app.resources import RESOURCES  # not above: the kinds have their forms from here

    return RESOURCES[row.kind].awaited


def _under_way(desk: Desk) -> tuple[Awaited, Description]:
    """What of the resource can be waited for now, and how AWS describes that.

    Raises Refused if there is nothing, and AwsError.
    """
    row = desk.row
    states = []
    for awaited in _awaited(row):
        found = _read(desk, awaited)
        state = str(awaited.facts(found).get("aws_state") or "") if found else ""
        reached = awaited.outcome_of(state)
        if found and not (reached and reached.ends):
            return awaited, found
        states.append(f"{awaited.one}: {state or 'none'}")
    raise Refused(f"There is nothing to wait for ({', '.join(states)}).")


def _read(desk: Desk, awaited: Awaited) -> Description | None:
    from app.resources import RESOURCES  # as above

    row = desk.row
    if awaited.listing is RESOURCES[row.kind].listing:
        return row.description
    clients = desk.accounts.clients(row.account)
    found = awaited.listing.read(clients, row.region, row.account, [row.id])
    return found[0] if found else None
