"""Every form that acts, at one address: shown, previewed as code, checked, performed."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any, cast

from flask import Flask, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.aws.call import Check, check
from app.aws.errors import AwsError
from app.people import actions
from app.people.redaction import redacted
from app.resources import RESOURCES
from app.resources.danger import DangerForm
from app.resources.forms import ActionForm, Desk, Done, Refused, link, page_of
from app.resources.spec import Action, Resource, Row
from app.watches import WatchError
from app.web import acting, recording
from app.web.acting import NotPermitted
from app.web.chosen import UnknownId, desk_of, reason_against, record_refusal, refusal, rows_of
from app.web.context import actor, house, inventory, person
from app.web.finding import unknown
from app.web.kept import local
from app.web.perform import PlanFailed, carry_out
from app.web.preview import preview_of
from app.web.recent import ask_again, is_recent

MOST_CHECKED = 20  # calls of one plan that are run dry
# nor is what a person confirms by typing: a link must not do it for them
_NEVER_PREFILLED = {"id", "client_token", "csrf_token", "confirm", "seen"}


def form_page(kind: str, name: str) -> ResponseReturnValue:
    """A form: GET shows it; POST previews, checks, fills again or performs, as ``_do`` says."""
    resource = RESOURCES[kind]
    action = resource.action(name)
    doing = request.form.get("_do", "perform")
    if request.method == "POST" and doing == "perform":
        # before anything is looked at: what a form did once may be why it is refused now
        before = actions.get(house().engine, request.form.get("client_token", ""))
        if before and before.state != "failed":
            return redirect(url_for("action", action_id=before.id))
    try:
        chosen = rows_of(resource, action)
    except UnknownId as error:
        return unknown(resource, error.resource_id)
    refused = [(row, reason) for row in chosen if (reason := reason_against(action, row))]
    if request.method == "POST" and doing == "perform":
        record_refusal(action, chosen)
    stopped = {row.id for row, _ in refused}
    desk = desk_of(tuple(row for row in chosen if row.id not in stopped))
    if action.on != "none" and not desk.rows:
        return _nothing_to_do(resource, action, chosen, refused)
    page = _Page(resource, action, desk, refused)
    try:
        return page.answer(doing)
    except Refused as error:
        refused += [(row, str(error)) for row in desk.rows]
        return _nothing_to_do(resource, action, chosen, refused)


def _prefilled() -> dict[str, Any]:
    given = request.args
    told = {key: given[key] for key in given if key not in _NEVER_PREFILLED}
    tags = acting.tags_to_give()
    return {**told, "tags": tags} if tags else told


def _way_on(resource: Resource, row: Row, reason: str) -> tuple[str | None, str]:
    if "protected from termination" in reason:
        return link(f"/{resource.slug}/unprotect", id=row.id), "Take the protection off"
    return None, ""


def _nothing_to_do(
    resource: Resource, action: Action, chosen: tuple[Row, ...], refused: list[tuple[Row, str]]
) -> ResponseReturnValue:
    form = cast(type[ActionForm], action.form)(formdata=None)
    page = render_template(
        "confirm.html",
        **_values(resource, action, form, ()),
        refused=[(row, reason, *_way_on(resource, row, reason)) for row, reason in refused],
        consequences=[],
        error=None,
        preview=None,
        checks=None,
    )
    return page, 409 if chosen else 400


def _values(
    resource: Resource, action: Action, form: ActionForm, rows: tuple[Row, ...]
) -> dict[str, Any]:
    cancel = request.args.get("back", "")
    return {
        "resource": resource,
        "action": action,
        "form": form,
        "rows": rows,
        "cancel": cancel if local(cancel) == cancel else "",
    }


class _Page:
    """One form for one request."""

    def __init__(
        self, resource: Resource, action: Action, desk: Desk, refused: list[tuple[Row, str]]
    ) -> None:
        self.resource = resource
        self.action = action
        self.desk = desk
        self.refused = refused

    def answer(self, doing: str) -> ResponseReturnValue:
        """Show, preview, check, fill again or perform. Raises Refused."""
        if request.method != "POST":
            return self.show(self.form(_prefilled()))
        form = self.form()
        if doing == "refill":
            form.client_token.data = form.client_token.data or str(uuid.uuid4())
            return self.show(form)
        if doing in {"preview", "check"}:
            return self.preview(form, checked=doing == "check")
        return self.perform(form)

    def form(self, given: dict[str, Any] | None = None) -> ActionForm:
        """The form, filled from the request, or new and filled from the address."""
        kind = cast(type[ActionForm], self.action.form)
        form = kind() if given is None else kind(formdata=None, data=given)
        if given is not None:
            form.client_token.data = str(uuid.uuid4())
        account = house().accounts.get(form.account_of(self.desk))
        if account:
            self.desk = replace(self.desk, account=account.id)
        form.prepare(self.desk)
        form.choose_first()
        return form

    def show(
        self,
        form: ActionForm,
        error: AwsError | NotPermitted | None = None,
        status: int = 200,
        failure: PlanFailed | None = None,
        rest: str = "",
        secret: tuple[str, str] | None = None,
        checks: list[Check] | None = None,
    ) -> ResponseReturnValue:
        """The form's page; with what dry runs said of it, if they were asked for."""
        several = self.action.on == "many"
        confirms = several or self.action.danger or not form.sections
        danger = form if isinstance(form, DangerForm) else None
        if danger:
            danger.ask(self.desk)
        template = "confirm.html" if confirms else "form.html"
        page = render_template(
            template,
            **_values(self.resource, self.action, form, self.desk.rows),
            refused=[
                (row, reason, *_way_on(self.resource, row, reason)) for row, reason in self.refused
            ],
            shown=True,
            consequences=form.all_consequences(self.desk),
            effects=danger.shown(self.desk) if danger else [],
            words=danger.words(self.desk) if danger else (),
            error=error,
            failure=failure,
            rest=rest,
            secret=secret,
            preview=preview_of(form, self.desk) if status == 200 else None,
            checks=checks,
        )
        response = Response(page, status)
        if secret:
            response.headers["Cache-Control"] = "no-store"
        return response

    def preview(self, form: ActionForm, checked: bool) -> ResponseReturnValue:
        """The plan as code, and if asked for what a dry run said of it."""
        right = form.examined(self.desk)
        checks = None
        if checked and right:
            plan = form.planned(self.desk)
            acting.permit(plan)
            checks = [check(call, acting.clients(call)) for call in plan.calls[:MOST_CHECKED]]
        if checked and not request.headers.get("HX-Request"):
            return self.show(form, status=200 if right else 422, checks=checks)
        shown = render_template("preview.html", preview=preview_of(form, self.desk), checks=checks)
        return shown, 200

    def perform(self, form: ActionForm) -> ResponseReturnValue:
        """Carry the plan out, and say what became of it."""
        services = house()
        token = form.client_token.data or ""
        right = form.examined(self.desk)
        if isinstance(form, DangerForm):
            right = form.confirmed(self.desk) and right
        if not right:
            return self.show(form, status=422)
        if self.action.danger and not is_recent(person()):
            return ask_again(f"You asked for: {form.title}.")
        plan = form.planned(self.desk)
        try:
            acting.permit(plan)
            acting.permit_topic(form)
            form.begin(self.desk)
            if not actions.begin(services.engine, token, actor(), plan, request.path):
                return redirect(url_for("action", action_id=token))
            recording.form(token, plan.title, form, self.desk.rows, bool(plan.calls))
            answers = carry_out(services, token, plan, request.path, self.action.danger)
            done = form.finish(self.desk, answers)
        except WatchError as error:
            field = error.field if error.field in form else form.sections[0].fields[0]
            form.complain(field, str(error))
            return self.show(form, status=409)
        except NotPermitted as denied:
            return self.show(form, denied, denied.status)
        except PlanFailed as failure:
            return self._failed(form, failure)
        actions.end(services.engine, token, done.message, done.url)
        return _tell(replace(done, message=redacted(done.message)))

    def _failed(self, form: ActionForm, failure: PlanFailed) -> ResponseReturnValue:
        error = failure.error
        if failure.several:
            spared = tuple(row for row in self.desk.rows if failure.spared(row.id))
            form.fail(replace(self.desk, rows=spared), True)
            return redirect(url_for("action", action_id=form.client_token.data), 303)
        form.fail(self.desk, not error.may_have_happened)
        form.keep(self.desk, failure.done)
        rest = _rest(form.client_token.data or "")
        if not error.may_have_happened:
            # else it keeps its token, by which a repeat of what may have been done finds it
            form.client_token.data = str(uuid.uuid4())
        # what was touched has been read again: the reason may show now, and with it the way on
        known = [inventory().get(row.kind, row.id) or row for row in self.desk.rows]
        self.refused += [(row, why) for row in known if (why := refusal(self.action, row))]
        secret = _secret(failure.answers)
        return self.show(form, error, error.status, failure=failure, rest=rest, secret=secret)


def _rest(action_id: str) -> str:
    """The record's id, if calls of it are left that can be carried out now; or an empty text."""
    record = actions.get(house().engine, action_id)
    return record.id if record and actions.rest(record) else ""


def _secret(answers: list[dict[str, Any]]) -> tuple[str, str] | None:
    for answer in answers:
        if "KeyMaterial" in answer:
            return f"{answer['KeyName']}.pem", str(answer["KeyMaterial"])
    return None


def _tell(done: Done) -> ResponseReturnValue:
    if done.secret is None:
        flash(done.message, done.category)
        return redirect(done.url, 303)
    response = Response(render_template("done.html", done=done))
    response.headers["Cache-Control"] = "no-store"
    return response


def linked_page(kind: str, name: str) -> ResponseReturnValue:
    """From a row that was ticked in a list to the form of another resource that it leads to."""
    resource = RESOURCES[kind]
    action = resource.action(name)
    assert action.link is not None  # noqa: S101  (only such actions have this route)
    try:
        rows = rows_of(resource, action)
    except UnknownId as error:
        return unknown(resource, error.resource_id)
    if len(rows) != 1:
        abort(400, f"{action.title} is for one {resource.one} at a time; choose one in the list.")
    reason = refusal(action, rows[0])
    if reason:
        flash(reason, "warning")
        return redirect(page_of(resource.slug, rows[0].id))
    return redirect(action.link(rows[0]))


def register(app: Flask) -> None:
    """A route per form."""
    for kind, resource in RESOURCES.items():
        for entry in resource.actions:
            if entry.form is not None:
                app.add_url_rule(
                    f"/{resource.slug}/{entry.name}",
                    f"{kind}_{entry.name}",
                    form_page,
                    defaults={"kind": kind, "name": entry.name},
                    methods=["GET", "POST"],
                )
            elif entry.link is not None and entry.on != "none":
                app.add_url_rule(
                    f"/{resource.slug}/{entry.name}",
                    f"{kind}_{entry.name}_of",
                    linked_page,
                    defaults={"kind": kind, "name": entry.name},
                )
