"""What the role of whoever asks lets them do: looked at before every request, told in pages."""

from __future__ import annotations

from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue

from app.resources.spec import Action, Resource
from app.web import permits, recording
from app.web.context import house, person, visitor
from app.web.errors import page

ADVICE = "An admin of this console can give you another role."


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


def _template_context() -> dict[str, Any]:
    return {
        "may": may,
        "why_not": why_not,
        "why_not_action": why_not_action,
        "row_actions_of": row_actions_of,
        "read_only": house().settings.read_only,
    }


def register(app: Flask) -> None:
    """Give the templates what they hide by."""
    app.context_processor(_template_context)
