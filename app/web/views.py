"""Saved views: the address of a list under a name, a person's own or shared."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from flask import Flask, abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.inventory import FilterError, Query
from app.people import views
from app.people.views import View, ViewError
from app.resources.spec import Resource
from app.web import recording
from app.web.context import actor, bounds, house, recall, resource_of

_VIEW = f"<int(max={2**31 - 1}):view_id>"  # no database counts them further


def manage(slug: str) -> ResponseReturnValue:
    """The page on which views are renamed and deleted."""
    resource = resource_of(slug)
    found = known(resource.kind)
    return render_template("views.html", resource=resource, views=found, actor=actor())


def known(kind: str) -> list[View]:
    """The views of a kind that a person can open.

    What others share may name what they see: it is for whoever sees everything.
    """
    engine, who = house().engine, actor()
    found = recall(("views", kind, who), lambda: views.of(engine, kind, who))
    return [each for each in found if _is_for(each)]


def _is_for(view: View) -> bool:
    return bounds() is None or view.actor == actor()


def save(slug: str) -> ResponseReturnValue:
    """Save the list's ``address`` as ``name``, replacing the person's view of that name."""
    resource = resource_of(slug)
    form = request.form
    args = MultiDict(parse_qsl(form.get("address", "").removeprefix("?"), keep_blank_values=True))
    args.poplist("page")
    address = urlencode(list(args.items(multi=True)))
    given = {"kind": resource.kind, "address": address, "shared": "shared" in form}
    try:
        with recording.deed("views.save", f"View {form.get('name', '')}", after=given):
            replaced = views.save(
                house().engine,
                resource.kind,
                actor(),
                form.get("name", ""),
                address,
                shared="shared" in form,
            )
        name = views.checked_name(form.get("name", ""))
        flash(f"The view {name} {'is replaced' if replaced else 'is saved'}.", "success")
    except ViewError as error:
        flash(str(error), "error")
    return redirect(_list_at(resource, address), 303)


def open_view(slug: str, view_id: int) -> ResponseReturnValue:
    """Lead to the list that a view is of; what of it does not fit any more is left out and told."""
    resource = resource_of(slug)
    view = views.get(house().engine, view_id, actor())
    if view is None or view.kind != resource.kind or not _is_for(view):
        abort(404)
    address, problems = fitting(resource, view.address)
    for problem in problems:
        flash(f"Left out of the view {view.name}: {problem}", "warning")
    return redirect(_list_at(resource, address))


def fitting(resource: Resource, address: str) -> tuple[str, list[str]]:
    """What of a query string a list can be shown by, and why it cannot by the rest."""
    args: list[tuple[str, str]] = []
    problems: list[str] = []
    for key, value in parse_qsl(address, keep_blank_values=True):
        kept = []
        for part in value.split(",") if key == "columns" else [value]:
            try:
                Query.parse(resource, MultiDict({key: part}))
                kept.append(part)
            except FilterError as error:
                problems.append(f"{key}={part[:100]}. {error}")
        if kept:
            args.append((key, ",".join(kept)))
    return urlencode(args), problems


def change(slug: str, view_id: int) -> ResponseReturnValue:
    """Rename a view to ``name``, or delete it if the button was ``delete``."""
    resource = resource_of(slug)
    engine, name = house().engine, request.form.get("name", "")
    view = views.get(engine, view_id, actor())
    if view is None or view.actor != actor():
        abort(404)
    was = {"name": view.name, "address": view.address, "shared": view.shared}
    try:
        if "delete" in request.form:
            with recording.deed("views.delete", f"View {view.name}", before=was):
                views.remove(engine, view_id, actor())
            flash("The view is deleted.", "success")
        else:
            becomes = was | {"name": name}
            with recording.deed("views.rename", f"View {view.name}", before=was, after=becomes):
                views.rename(engine, view_id, actor(), name)
            flash("The view has another name now.", "success")
    except ViewError as error:
        flash(str(error), "error")
    return redirect(f"/views/{resource.slug}", 303)


def _list_at(resource: Resource, address: str) -> str:
    return f"/{resource.slug}{'?' if address else ''}{address}"


def register(app: Flask) -> None:
    """The pages of views."""
    app.add_url_rule("/views/<slug>", "views", manage)
    app.add_url_rule("/views/<slug>", "view_save", save, methods=["POST"])
    app.add_url_rule(f"/views/<slug>/{_VIEW}", "view", open_view)
    app.add_url_rule(f"/views/<slug>/{_VIEW}", "view_change", change, methods=["POST"])
