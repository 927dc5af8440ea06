"""Acting for the person who asks: whether they may, and through which IAM role it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from app.aws.account import Sources
from app.aws.acting import Acting, session_name
from app.aws.call import Call, Plan
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.people.who import Grant
from app.resources.forms import ActionForm
from app.resources.notify import OLD, NotifyForm
from app.resources.spec import Row
from app.web import entry, may, permits, recording
from app.web.context import house, person

log = structlog.get_logger()


@dataclass(eq=False)
class NotPermitted(Exception):
    """Somebody may not do this; ``message`` tells why, in plain words. Shown like an AwsError."""

    message: str
    advice: str = "Nothing was done. An admin of this console can give you a wider role."
    code: str = "NotPermitted"
    shown_code: str = ""  # AWS has given none
    request_id: str = ""
    status: int = 403


def permit(plan: Plan) -> None:
    """Raise NotPermitted unless whoever asks may carry ``plan`` out; that is recorded, too."""
    services = house()
    plan = plan.within(services.accounts.main.id)
    why = may.refusal(person(), plan, services.inventory)
    if why is not None:
        refuse(plan.title, why)


def permit_form(title: str, path: str) -> None:
    """Raise NotPermitted unless whoever asks may use the form at ``path`` now; recorded, too.

    For what goes on from a form at another address, whose own need says less.
    """
    why = why_not_form(path)
    if why is not None:
        refuse(title, why)


def why_not_form(path: str) -> str | None:
    """Why whoever asks may not use the form at ``path``, in a sentence; None: they may."""
    return permits.refusal_of_form(path, person(), house().settings.read_only)


def permit_topic(form: ActionForm) -> None:
    """Raise NotPermitted if a form's watch would publish to a topic that is not theirs to use."""
    if not isinstance(form, NotifyForm) or form.notify.data != OLD:
        return
    row = house().inventory.get("topic", form.topic_arn.data or "")
    if row is not None:
        permit_row(form.title, row)


def permit_row(title: str, row: Row) -> None:
    """Raise NotPermitted unless whoever asks may act on a resource; that is recorded, too."""
    why = may.row_refusal(person(), row)
    if why is not None:
        refuse(title, f"{row.id}: {why}")


def refuse(title: str, why: str) -> None:
    """Record that somebody may not do something, and raise NotPermitted."""
    recording.refused(title, "role", why)
    log.warning("not permitted", actor=person().name, title=title, why=why)
    raise NotPermitted(why[:1].upper() + why[1:])


def look_again(call: Call, path: str) -> None:
    """Read anew who asks and what they may: a plan takes a while, and roles are taken away.

    ``path``: of the plan's form. Raises AwsError if they may not use that any more; recorded, too.
    """
    there = entry.meet_again()
    why = why_not_form(path) if there else "The session has ended meanwhile."
    if why:
        recording.refused(call.says or call.operation, "role", why)
        raise AwsError("refused", "NotPermitted", why)


def clients(call: Call) -> Clients:
    """The clients that make a call for whoever asks: through their own IAM role if they have one.

    Raises AwsError for an account that is not configured, for a role that is not of it, and for a
    call that they may not make (any more).
    """
    grant = may.grant_of(person(), call, house().inventory)
    if grant is None:
        why = f"{call.says}: this is not yours to do any more."
        recording.refused(call.says or call.operation, "role", why)
        raise AwsError("refused", "NotPermitted", why)
    return house().accounts.clients(call.account, acting=_acting(grant))


def sources(plan: Plan) -> Sources:
    """Where the credentials come from that carry out ``plan`` for whoever asks, for a page that
    shows it. Raises AwsError.
    """
    roles: dict[str, Acting] = {}
    for call in plan.calls:
        grant = may.grant_of(person(), call, house().inventory, shown=True)
        acting = _acting(grant) if grant else None
        if acting is not None:
            roles.setdefault(call.account, acting)
    return house().accounts.acting_sources(roles)


def tags_to_give() -> Mapping[str, str]:
    """The tag that what they make must have, for whoever may act only on what has one."""
    limits = person().limits("operator")
    if not limits or not all(each.tag_key for each in limits):
        return {}
    return {limits[0].tag_key: limits[0].tag_value}


def tags_for(account: str, region: str) -> Mapping[str, str]:
    """The same for what they make in one place, by whatever role lets them make something there."""
    here = [
        limits
        for limits in person().limits("operator")
        if replace(limits, tag_key="", tag_value="").cover(account, region, {})
    ]
    if not here or not all(each.tag_key for each in here):
        return {}
    return {here[0].tag_key: here[0].tag_value}


def _acting(grant: Grant) -> Acting | None:
    return Acting(grant.aws_role, session_name(person().name)) if grant.aws_role else None
