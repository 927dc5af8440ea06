"""What a form would do, as far as it is filled in: in words, as boto3 code, as CLI commands."""

from __future__ import annotations

from typing import Any

from app.aws.account import Sources
from app.aws.call import Plan
from app.aws.show import as_boto3, as_cli, as_words, roles_needed
from app.resources.forms import ActionForm, Desk
from app.web import acting, may
from app.web.context import house, person


def preview_of(form: ActionForm, desk: Desk) -> dict[str, Any]:
    """What preview.html shows of a form as far as it is filled in."""
    problems = [
        (form[name].label.text, " ".join(str(error) for error in errors))
        for name, errors in form.errors_at_fields.items()
    ]
    plan = form.planned(desk)
    shown = {"boto3": "", "cli": ""}
    why = may.refusal(person(), plan, house().inventory, shown=True)
    problems += [("Not yours to do", why)] if why else []
    sources = acting.sources(plan)
    notes = [*form.warnings(desk), *roles_needed(plan, sources)]
    try:
        shown = _code(plan, sources)
    except ValueError as error:  # a value that no command line can hold
        notes = [*notes, str(error)]
    told = {"says": as_words(plan), "notes": notes, "problems": problems, "calls": len(plan.calls)}
    return {**told, **shown}


def _code(plan: Plan, sources: Sources) -> dict[str, str]:
    if not plan.calls:
        return {"boto3": "", "cli": ""}
    endpoint = house().accounts.clients().endpoint(region=house().settings.regions[0])
    return {"boto3": as_boto3(plan, endpoint, sources), "cli": as_cli(plan, endpoint, sources)}
