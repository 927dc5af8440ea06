"""The rules: all of them, one with what it caught, and the form with what it would have caught."""

from __future__ import annotations

from typing import Any

from flask import Flask, abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.db import now
from app.inventory import FilterError
from app.resources import RESOURCES
from app.resources.spec import Row
from app.watches import Rule, WatchError
from app.watches.previews import Preview, preview
from app.watches.ruled import RULED
from app.web import polls
from app.web.context import actor, house
from app.web.errors import page as error_page
from app.web.rule_form import RuleForm, as_data, unheard

_LATELY = 20  # watches that a rule's page shows


def list_page() -> ResponseReturnValue:
    """All rules, by name."""
    rules = house().rules.list()
    revision = polls.digest(rules)
    if same := polls.same(revision):
        return same
    return polls.answer(_template("list"), revision, rules=rules, topics=_topics_of(rules))


def rule_page(rule_id: str) -> ResponseReturnValue:
    """One rule, and what it has caught lately."""
    rule = house().rules.get(rule_id)
    if rule is None:
        return _unknown(rule_id)
    watches = house().watches.of_rule(rule_id, _LATELY)
    revision = polls.digest(rule, watches)
    if same := polls.same(revision):
        return same
    topic = _topic(rule.topic_arn)
    return polls.answer(
        _template("rule"),
        revision,
        rule=rule,
        resource=RESOURCES[rule.kind],
        watches=watches,
        topic=topic,
        warning=unheard(topic),
    )


def new_page() -> ResponseReturnValue:
    """The form of a new rule, prefilled from the address."""
    given = {key: request.args[key] for key in ("name", "kind", "filter", "topic_arn") if key in request.args}
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
    form.prepare(services.inventory.all("topic"), account.id, account.regions[0])
    doing = request.form.get("_do", "perform")
    if request.method == "GET" or doing == "refill":
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
    rules = house().rules
    if rule is None:
        return rules.make(form.draft(), actor(), form.client_token.data or "")
    if not rules.change(rule.id, form.draft(), actor()):
        abort(404)
    return rule.id


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
        "ruled": RULED[kind],
        "resource": RESOURCES[kind],
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
    if house().rules.get(rule_id) is None:
        return _unknown(rule_id)
    if house().rules.switch(rule_id, on, actor()):
        flash(f"The rule is {'on' if on else 'off: it puts no more watches on'}.", "success")
    house().wake.set()
    return redirect(f"/rules/{rule_id}", 303)


def delete(rule_id: str) -> ResponseReturnValue:
    """Ask whether a rule is to be deleted, and delete it."""
    services = house()
    rule = services.rules.get(rule_id)
    if rule is None:
        return _unknown(rule_id)
    waiting = services.watches.waiting_of_rule(rule_id)
    if request.method == "GET":
        return render_template("rules/delete.html", rule=rule, waiting=waiting)
    services.rules.remove(rule_id)
    flash(f"The rule {rule.name} is deleted.", "success")
    return redirect("/rules", 303)


def _topic(arn: str) -> Row | None:
    return house().inventory.get("topic", arn) if arn else None


def _topics_of(rules: list[Rule]) -> dict[str, str]:
    """The warnings by the ARN of the topic, of those that have one."""
    told = {arn: unheard(_topic(arn)) for arn in {rule.topic_arn for rule in rules}}
    return {arn: text for arn, text in told.items() if text}


def _template(name: str) -> str:
    return f"rules/{name}_body.html" if "HX-Request" in request.headers else f"rules/{name}.html"


def _unknown(rule_id: str) -> ResponseReturnValue:
    links = (("/rules", "All rules"),)
    return error_page(404, "There is no such rule", rule_id[:100], links=links)


def register(app: Flask) -> None:
    """The pages of the rules."""
    both = ["GET", "POST"]
    app.add_url_rule("/rules", "rules", list_page)
    app.add_url_rule("/rules/new", "rule_new", new_page, methods=both)
    app.add_url_rule("/rules/<rule_id>", "rule", rule_page)
    app.add_url_rule("/rules/<rule_id>/edit", "rule_edit", edit_page, methods=both)
    app.add_url_rule("/rules/<rule_id>/switch", "rule_switch", switch, methods=["POST"])
    app.add_url_rule("/rules/<rule_id>/delete", "rule_delete", delete, methods=both)
