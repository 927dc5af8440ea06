"""Who may do what: every route has its line here, and one without is nobody's."""

from __future__ import annotations

from typing import Literal

from app.people.who import EVERYTHING, ROLES, Person, Role
from app.resources import RESOURCES
from app.resources.spec import Action
from app.web import health

# open: whoever asks; signed-in: whoever is; else the role that is needed.
Need = Literal["open", "signed-in"] | Role

_NEEDS: dict[str, Need] = {
    "static": "open",
    "login": "open",
    "invitation": "open",  # asks for its token itself
    "oidc_start": "open",
    "oidc_done": "open",  # checks that it was this browser that began
    "metrics": "open",  # asks for its token itself
    **dict.fromkeys(health.PROBES, "open"),
    "logout": "signed-in",
    "again": "signed-in",
    "me": "signed-in",
    "me_password": "signed-in",
    "me_session_end": "signed-in",
    "me_sessions_end": "signed-in",
    # what a person keeps for themselves
    "preferences": "viewer",
    "view": "viewer",
    "view_change": "viewer",
    "view_save": "viewer",
    "views": "viewer",
    # what there is
    "activity": "viewer",
    "activity_csv": "viewer",
    "activity_json": "viewer",
    "front": "viewer",
    "image_public": "viewer",
    "notice": "viewer",
    "notices": "viewer",
    "pick": "viewer",
    "search": "viewer",
    "suggest": "viewer",
    "watch": "viewer",
    "watches": "viewer",
    # what is done
    "action": "operator",
    "action_record": "operator",
    "action_rest": "operator",
    "notice_act": "operator",
    "notice_retry": "operator",
    "notices_all": "operator",
    "notices_test": "operator",
    "queue_look": "operator",
    "queue_messages": "operator",
    "watch_cancel": "operator",
    "watches_cancel": "operator",
    # who did what
    **dict.fromkeys(("audit", "audit_csv", "audit_json", "audit_record"), "admin"),
    # people
    **dict.fromkeys(
        (
            "people",
            "people_disable",
            "people_enable",
            "people_end",
            "people_group",
            "people_invite",
            "people_new",
            "people_role",
            "people_take",
            "people_user",
        ),
        "admin",
    ),
    # rules and settings
    "queue_hear": "admin",
    "queue_unhear": "admin",
    "events": "admin",
    "events_forget": "admin",
    "rule": "viewer",
    "rules": "viewer",
    "rule_delete": "admin",
    "rule_edit": "admin",
    "rule_new": "admin",
    "rule_switch": "admin",
    "wording": "admin",
}
_PAGES = ("list", "csv", "json", "detail", "gone")  # of each kind
# What needs more than a viewer and only shows: it is there while the console is read only, too.
_SHOWN = {
    *("action", "action_record", "events"),
    *("audit", "audit_csv", "audit_json", "audit_record", "people", "people_user"),
}
READ_ONLY = "This console is read only (ENCANTE_READ_ONLY): nothing can be changed by it."


def need_of(endpoint: str | None) -> Need | None:
    """What a route needs; None: it has no rule, and so nobody may."""
    return _ALL.get(endpoint or "")


def acts(endpoint: str) -> bool:
    """Whether a route is there to change something that is not a person's own."""
    return need_of(endpoint) in {"operator", "admin", None} and endpoint not in _SHOWN


def refusal(endpoint: str, person: Person, read_only: bool) -> str | None:
    """Why somebody who is signed in may not use a route, in a sentence; None: they may.

    What their role is narrowed to is not looked at.
    """
    need = need_of(endpoint)
    if need is None:
        return "No rule says who may do this, so nobody may."
    if need == "open" or need == "signed-in":
        return None
    if not person.grants:
        return "You have no role here yet."
    if not person.may(need):
        return f"This needs the role {need}; yours is {_highest(person)}."
    return READ_ONLY if read_only and acts(endpoint) else None


def refusal_of_form(path: str, person: Person, read_only: bool) -> str | None:
    """Why somebody may not use the form at ``path``, such as ``/queues/hear``; None: they may."""
    slug, _, name = path.lstrip("/").partition("/")
    endpoints = (
        endpoint_of(resource.kind, action)
        for resource in RESOURCES.values()
        for action in resource.actions
        if (resource.slug, action.name) == (slug, name)
    )
    return refusal(next(endpoints, ""), person, read_only)


def _highest(person: Person) -> str:
    role = next(role for role in reversed(ROLES) if person.may(role))
    narrowed = "; ".join(map(str, person.limits(role)))
    return role if EVERYTHING in person.limits(role) else f"{role}, narrowed to {narrowed}"


def endpoint_of(kind: str, action: Action) -> str:
    """The name of an action's route: of its own form, or of the way to another resource's."""
    leads = action.form is None and action.on != "none"
    return f"{kind}_{action.name}{'_of' if leads else ''}"


def _of_kinds() -> dict[str, Need]:
    found: dict[str, Need] = {}
    for kind, resource in RESOURCES.items():
        found |= dict.fromkeys((f"{kind}_{page}" for page in _PAGES), "viewer")
        found |= {endpoint_of(kind, action): "operator" for action in resource.actions}
    return found


_ALL = {**_of_kinds(), **_NEEDS}
