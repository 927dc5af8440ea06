"""Who may do what: every route has its line here, and one without is nobody's."""

from __future__ import annotations

from typing import Literal

from app.people.who import Person, Role
from app.resources import RESOURCES
from app.web import health

# open: whoever asks; signed-in: whoever is; else the role that is needed.
Need = Literal["open", "signed-in"] | Role

_NEEDS: dict[str, Need] = {
    "static": "open",
    "login": "open",
    "invitation": "open",  # asks for its token itself
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
    "queue_message_delete": "operator",
    "watch_cancel": "operator",
    "watches_cancel": "operator",
    # who did what
    **dict.fromkeys(("audit", "audit_csv", "audit_json", "audit_record"), "admin"),
    # rules and settings
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


def need_of(endpoint: str | None) -> Need | None:
    """What a route needs; None: it has no rule, and so nobody may."""
    return _ALL.get(endpoint or "")


def allowed(endpoint: str | None, person: Person | None) -> bool:
    """Whether somebody may use a route (with what their role is narrowed to, not looked at)."""
    need = need_of(endpoint)
    if need is None or need == "open" or person is None:
        return need == "open"
    return need == "signed-in" or person.may(need)


def _of_kinds() -> dict[str, Need]:
    found: dict[str, Need] = {}
    for kind, resource in RESOURCES.items():
        found |= dict.fromkeys((f"{kind}_{page}" for page in _PAGES), "viewer")
        for action in resource.actions:
            found |= dict.fromkeys(
                (f"{kind}_{action.name}", f"{kind}_{action.name}_of"), "operator"
            )
    return found


_ALL = {**_of_kinds(), **_NEEDS}
