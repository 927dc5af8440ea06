"""The rules: all of them, one with what it caught, and the form with what it would have caught."""

from __future__ import annotations

import dataclasses
from typing import Any

from flask import Flask, abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.aws.tags import REQUEST_TAG
from app.db import now
from app.inventory import FilterError, Query
from app.inventory.tokens import quote, quote_tag
from app.resources import RESOURCES
from app.resources.forms import link
from app.resources.spec import LATE, Resource, Row
from app.resources.telling import late_parts
from app.watches import Rule, WatchError
from app.watches.previews import Preview, preview
from app.watches.rule_store import Draft
from app.watches.ruled import RULED
from app.web import polls, recording
from app.web.context import actor, bounds, house, inventory
from app.web.errors import page as error_page
from app.web.rule_form import RuleForm, as_data, unheard

_LATELY = 20  # watches that a rule's page shows


def list_page() -> ResponseReturnValue:
    """All rules, by name; for whoever sees everything, as rules do."""
    _see_everything()
    rules = house().rules.list()
    warnings = _warnings(rules)
    revision = polls.digest(rules, warnings)
    if same := polls.same(revision):
        return same
    return polls.answer("rules/list", revision, rules=rules, warnings=warnings)


def rule_page(rule_id: str) -> ResponseReturnValue:
    """One rule, and what it has caught lately; for whoever sees everything."""
    _see_everything()
    rule = house().rules.get(rule_id)
    if rule is None:
        return _unknown(rule_id)
    watches = house().watches.list(limit=_LATELY, rule_id=rule_id)
    total = house().watches.count(rule_id=rule_id)
    warning = unheard(_topic(rule.topic_arn))
    revision = polls.digest(rule, watches, total, warning)
    if same := polls.same(revision):
        return same
    return polls.answer(
        "rules/rule",
        revision,
        rule=rule,
        resource=RESOURCES[rule.kind],
        repeats=RULED[rule.kind].awaited.repeats,
        watches=watches,
        total=total,
        warning=warning,
        late=_late(rule),
    )


def _see_everything() -> None:
    if bounds() is not None:
        abort(403, "Rules are for all resources, and your role is not.")


def new_page() -> ResponseReturnValue:
    """The form of a new rule, prefilled from the address."""
    given = {
        key: request.args[key]
        for key in ("name", "kind", "filter", "topic_arn")
        if key in request.args
    }
    form = RuleForm() if request.method == "POST" else RuleForm(formdata=None, data=given)
    return _form_page(form, None)


def edit_page(rule_id: str) -> ResponseReturnValue:
    """The form of a rule that is there."""
    rule = house().rules.get(rule_id)
    if rule is None:
        return _unknown(rule_id)
    form = RuleForm() if request.method == "POST" else RuleForm(formdata=None, data=as_data(rule))
    return _form_page(form, rule)


def _form_page(form: RuleForm, rule: Rule | None) -> ResponseReturnValue:
    services = house()
    account = services.accounts.require()
    doing = request.form.get("_do", "perform")
    anew = request.method != "POST" or doing == "refill"
    found, used = services.inventory.all("topic"), services.watches.topics_used(actor())
    form.prepare(found, used, account.id, account.regions[0], anew)
    if anew:
        return _shown(form, rule)
    if doing == "preview":
        return render_template("rules/preview.html", **_previewed(form))
    if not form.examine(_topic(form.topic_arn.data or "")):
        return _shown(form, rule), 422
    try:
        rule_id = _saved(form, rule)
    except WatchError as error:
        form.refused(error)
        return _shown(form, rule), 422
    services.wake.set()
    flash(f"The rule {form.name.data} is {'changed' if rule else 'made'}.", "success")
    return redirect(f"/rules/{rule_id}", 303)


def _saved(form: RuleForm, rule: Rule | None) -> str:
    rules, draft = house().rules, form.draft()
    if rule is None:
        with recording.deed("rules.add", f"Rule {draft.name}", after=_essence(draft)):
            return rules.make(draft, actor(), form.client_token.data or "")
    was, becomes = _essence(rule), _essence(draft)
    with recording.deed("rules.edit", f"Rule {rule.name}", before=was, after=becomes):
        done = rules.change(rule.id, draft, actor())
    if not done:
        abort(404)
    return rule.id


def _essence(rule: Rule | Draft) -> dict[str, Any]:
    """What a person decides of a rule, for the audit log."""
    names = [each.name for each in dataclasses.fields(Draft)]
    return {name: getattr(rule, name) for name in names} | {"outcomes": list(rule.outcomes)}


def _shown(form: RuleForm, rule: Rule | None) -> str:
    return render_template("rules/form.html", form=form, rule=rule, error=None, **_previewed(form))


def _previewed(form: RuleForm) -> dict[str, Any]:
    """What stands beside the form: what it would have caught, or why its filter cannot be read."""
    found: Preview | None = None
    wrong: FilterError | None = None
    kind = form.awaited.kind
    text = form.filter.data or ""
    try:
        found = preview(house().inventory, kind, text, form.outcomes.data or (), now())
    except FilterError as error:
        wrong = error
    return {
        "resource": RESOURCES[kind],
        "repeats": RULED[kind].awaited.repeats,
        "began": RULED[kind].began,
        "preview": found,
        "wrong": wrong,
        "typed": text,
        "highest": max((number for _, number in found.days), default=0) if found else 0,
        "warning": unheard(_topic(form.topic_arn.data or "")),
        "keep_days": house().settings.keep_days,
    }


def switch(rule_id: str) -> ResponseReturnValue:
    """Switch a rule on or off, as ``on`` says."""
    on = request.form.get("on") == "yes"
    rule = house().rules.get(rule_id)
    if rule is None:
        return _unknown(rule_id)
    was, becomes = {"enabled": rule.enabled}, {"enabled": on}
    with recording.deed("rules.switch", f"Rule {rule.name}", before=was, after=becomes):
        switched = house().rules.switch(rule_id, on, actor())
    if switched:
        flash(f"The rule is {'on' if on else 'off: it puts no more watches on'}.", "success")
    house().wake.set()
    return redirect(f"/rules/{rule_id}", 303)


def delete(rule_id: str) -> ResponseReturnValue:
    """Ask whether a rule is to be deleted, and delete it."""
    services = house()
    rule = services.rules.get(rule_id)
    if rule is None:
        return _unknown(rule_id)
    waiting = services.watches.count("waiting", rule_id=rule_id)
    if request.method != "POST" or request.form.get("_do") == "refill":
        return render_template("rules/delete.html", rule=rule, waiting=waiting)
    with recording.deed("rules.delete", f"Rule {rule.name}", before=_essence(rule)):
        services.rules.remove(rule_id)
    flash(f"The rule {rule.name} is deleted.", "success")
    return redirect("/rules", 303)


def _late(rule: Rule) -> str:
    """When what it catches is late, in words; empty if nobody wants to know."""
    if LATE not in rule.outcomes:
        return ""
    number, unit = late_parts(rule.late_after)
    return f"{number} {unit}" if number else "three times what is usual"


def _topic(arn: str) -> Row | None:
    return inventory().get("topic", arn) if arn else None


def _warnings(rules: list[Rule]) -> dict[str, str]:
    """The warnings by the ARN of the topic, of those that have one."""
    told = {arn: unheard(_topic(arn)) for arn in {rule.topic_arn for rule in rules}}
    return {arn: text for arn, text in told.items() if text}


def _unknown(rule_id: str) -> ResponseReturnValue:
    links = (("/rules", "All rules"),)
    return error_page(404, "There is no such rule", rule_id[:100], links=links)


def of_list(resource: Resource, query: Query) -> str:
    """The address of a new rule for what a list shows; empty where there are no rules for it."""
    if resource.kind not in RULED:
        return ""
    chosen = [
        " or ".join(f"{name} = {quote(value)}" for value in values)
        for name, values in query.facets.items()
    ]
    parts = [part for part in (query.q, *chosen) if part]
    text = " ".join(f"({part})" for part in parts) if len(parts) > 1 else "".join(parts)
    return link("/rules/new", kind=resource.kind, filter=text)


def of_tag(resource: Resource, key: str, value: str) -> str:
    """The address of a new rule for what has a tag; empty where there are no rules for it."""
    if resource.kind not in RULED or key == REQUEST_TAG:  # which no two have alike
        return ""
    return link("/rules/new", kind=resource.kind, filter=f"{quote_tag(key)} = {quote(value)}")


def register(app: Flask) -> None:
    """The pages of the rules, and the ways to them."""
    app.jinja_env.globals.update(rule_of_list=of_list, rule_of_tag=of_tag)
    both = ["GET", "POST"]
    app.add_url_rule("/rules", "rules", list_page)
    app.add_url_rule("/rules/new", "rule_new", new_page, methods=both)
    app.add_url_rule("/rules/<rule_id>", "rule", rule_page)
    app.add_url_rule("/rules/<rule_id>/edit", "rule_edit", edit_page, methods=both)
    app.add_url_rule("/rules/<rule_id>/switch", "rule_switch", switch, methods=["POST"])
    app.add_url_rule("/rules/<rule_id>/delete", "rule_delete", delete, methods=both)
