"""What the role of whoever asks lets them do: looked at before every request, told in pages."""

from __future__ import annotations

from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue

from app.people.who import EVERYTHING
from app.resources.spec import Action, Resource
from app.web import permits, recording
from app.web.context import house, person, visitor
from app.web.errors import page
from app.web.may import in_words

ADVICE = "An admin of this console can give you another role."
ASK = "Ask an admin of this console for one, then look again."


def check() -> ResponseReturnValue | None:
    """Before every request of somebody who is signed in: the page that says why they may not.

    Who is not signed in has been asked to; what is no page is left to be told to be none.
    """
    who = visitor()
    if request.endpoint is None or who is None:
        return None
    why = permits.refusal(request.endpoint, who, house().settings.read_only)
    if why is None:
        return None
    recording.refused(f"{request.method} {request.path}", "role", why)
    if not who.grants:
        text = f"You are signed in as {who.name}, and nobody has given you a role."
        return page(403, why.rstrip("."), text, ASK, links=(("/", "Look again"),))
    if why == permits.READ_ONLY:
        return page(403, "Nothing can be changed here", why)
    return page(403, "This is not yours to do", why, ADVICE)


def why_not(endpoint: str) -> str | None:
    """Why whoever asks may not use a route, in a sentence; None: they may."""
    return permits.refusal(endpoint, person(), house().settings.read_only)


def may(endpoint: str) -> bool:
    """Whether whoever asks may use a route, be it with a narrowed role."""
    return why_not(endpoint) is None


def why_not_action(resource: Resource, action: Action) -> str | None:
    """The same for an action of a kind."""
    return why_not(permits.endpoint_of(resource.kind, action))


def row_actions_of(resource: Resource) -> list[Action]:
    """What whoever asks may do with the rows of a list."""
    actions = (action for action in resource.actions if action.on != "none")
    return [action for action in actions if not why_not_action(resource, action)]


def shown_only() -> str:
    """What the role of whoever is signed in shows of all there is, in words; empty: everything."""
    who = visitor()
    limits = who.limits("viewer") if who else ()
    return "" if EVERYTHING in limits else in_words(limits)


def _template_context() -> dict[str, Any]:
    return {
        "may": may,
        "why_not": why_not,
        "why_not_action": why_not_action,
        "row_actions_of": row_actions_of,
        "shown_only": shown_only,
        "read_only": house().settings.read_only,
    }


def register(app: Flask) -> None:
    """Give the templates what they hide by."""
    app.context_processor(_template_context)
