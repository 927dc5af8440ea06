"""Who may sign in, what they may, and where they are signed in: for admins."""

from __future__ import annotations

from flask import Flask, abort, flash, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.db import now
from app.people import audit, grants, invitations, sessions, users
from app.people.audit import Entry
from app.people.grants import Given, GrantError, words_of
from app.people.users import User, UserError
from app.people.who import Grant
from app.web import entry, recent, recording
from app.web.context import by, house, person, scope
from app.web.me import browser_in_words
from app.web.people_forms import GroupForm, PersonForm, RoleForm

_WHY = {
    "add": "Somebody is let in by this.",
    "role": "This changes what others may do.",
}
_ONESELF = "Nobody disables themselves: another admin can."


def list_page() -> ResponseReturnValue:
    """All users, and the groups that have roles."""
    given = grants.all_given(house().engine)
    by_group: dict[str, list[Given]] = {}
    for each in given:
        if each.grant.group:
            by_group.setdefault(each.grant.group, []).append(each)
    return render_template(
        "people/list.html",
        users=users.all_users(house().engine),
        roles=_roles_of(given),
        groups=sorted(by_group.items()),
        admin_group=house().settings.oidc_admin_group,
        words_of=words_of,
        way_of=way_of,
    )


def user_page(user_id: str) -> ResponseReturnValue:
    """One user: what they may, and where they are signed in."""
    user = _user(user_id)
    given = grants.all_given(house().engine)
    return render_template(
        "people/user.html",
        user=user,
        own=[each for each in given if each.user_id == user.id],
        by_group=[each.grant for each in given if each.grant.group in user.groups],
        is_chief=_admin_group() in user.groups,
        sessions=sessions.of(house().engine, user.id, entry.ends(), now()),
        in_words=browser_in_words,
        words_of=words_of,
        way_of=way_of,
        oneself=user.id == person().id,
        openid=bool(house().settings.oidc_issuer),
    )


def new_page() -> ResponseReturnValue:
    """The form of a new user; then the link for them."""
    form = PersonForm()
    _prepare(form)
    if not (_comes_back() or recent.is_recent(person())):
        return recent.ask_again(_WHY["add"])
    if _only_looks(form):
        return _form("Add a user", form, ("/people", "People"))
    try:
        user_id = users.add(house().engine, by(), form.name.data, form.full_name.data or "")
        if form.grant is not None:
            grants.add(house().engine, by(), form.grant, user_id)
    except (UserError, GrantError) as error:
        form.refused(error)
        return _form("Add a user", form, ("/people", "People"))
    return _invited(_user(user_id))


def role_page(user_id: str) -> ResponseReturnValue:
    """The form that gives a user a role."""
    user = _user(user_id)
    form = RoleForm()
    _prepare(form)
    back = (f"/people/{user.id}", user.name)
    return _give(form, f"Give {user.name} a role", back, user)


def group_page() -> ResponseReturnValue:
    """The form that gives everybody in a group a role."""
    form = GroupForm()
    _prepare(form)
    if request.method != "POST":
        form.group.data = request.args.get("group", "")[:255]
    return _give(form, "Give a group a role", ("/people", "People"), None)


def _give(
    form: RoleForm, title: str, back: tuple[str, str], user: User | None
) -> ResponseReturnValue:
    if not (_comes_back() or recent.is_recent(person())):
        return recent.ask_again(_WHY["role"])
    if _only_looks(form):
        return _form(title, form, back)
    grant = form.grant or abort(400)
    if user is None:
        grant = Grant(grant.role, grant.limits, grant.aws_role, group=form["group"].data)
    try:
        grants.add(house().engine, by(), grant, user.id if user else "")
    except GrantError as error:
        form.refused(error)
        return _form(title, form, back)
    whose = user.name if user else f"The group {grant.group}"
    flash(f"{whose} has the role {words_of(grant)}, from now on.", "success")
    return redirect(back[0], 303)


def take(grant_id: str) -> ResponseReturnValue:
    """Take a role away."""
    if not recent.is_recent(person()):
        return recent.ask_again(_WHY["role"])
    given = grants.get(house().engine, grant_id) or abort(404)
    try:
        grants.remove(house().engine, by(), grant_id, _admin_group())
        flash("The role is taken away, from now on.", "success")
    except GrantError as error:
        _refused("Take a role away", error)
    return redirect(f"/people/{given.user_id}" if given.user_id else "/people", 303)


def invite(user_id: str) -> ResponseReturnValue:
    """Make a link by which a user chooses a password."""
    if not recent.is_recent(person()):
        return recent.ask_again(_WHY["add"])
    return _invited(_user(user_id))


def _invited(user: User) -> ResponseReturnValue:
    """The page with the link, which is shown this once."""
    try:
        token = invitations.invite(house().engine, by(), user.id)
    except UserError as error:
        _refused(f"Invite {user.name}", error)
        return redirect(f"/people/{user.id}", 303)
    base = house().settings.public_url or f"http://{request.host}"
    drawn = render_template(
        "people/invited.html",
        user=user,
        link=f"{base}/invitation?token={token}",
        days=invitations.LIFETIME.days,
    )
    response = make_response(drawn)
    response.headers["Cache-Control"] = "no-store"
    return response


def disable(user_id: str) -> ResponseReturnValue:
    """Ask whether a user is to be let in no more, and do so."""
    user = _user(user_id)
    if user.id == person().id:
        _refused(f"Disable {user.name}", UserError(_ONESELF))
        return redirect(f"/people/{user.id}", 303)
    if request.method != "POST" or _comes_back():
        held = sessions.of(house().engine, user.id, entry.ends(), now())
        return render_template("people/disable.html", user=user, sessions=len(held))
    try:
        users.disable(house().engine, by(), user.id, _admin_group())
        flash(f"{user.name} is disabled and signed out everywhere.", "success")
    except UserError as error:
        _refused(f"Disable {user.name}", error)
    return redirect(f"/people/{user.id}", 303)


def enable(user_id: str) -> ResponseReturnValue:
    """Let a disabled user in again."""
    user = _user(user_id)
    if not recent.is_recent(person()):
        return recent.ask_again(_WHY["add"])
    users.enable(house().engine, by(), user.id)
    flash(f"{user.name} may sign in again.", "success")
    return redirect(f"/people/{user.id}", 303)


def end_session(user_id: str) -> ResponseReturnValue:
    """End the session whose handle is ``session``, or without one all of a user's."""
    user = _user(user_id)
    handle = request.form.get("session") or None
    with house().engine.begin() as connection:
        ended = sessions.end(connection, user.id, now(), handle)
        if ended:
            title = f"End sessions of {user.name}"
            told = {"id": user.id, "name": user.name, "sessions": ended}
            audit.add(connection, by(), Entry("sessions.end", title, parameters=told))
    count = "One session has" if len(ended) == 1 else f"{len(ended)} sessions have"
    flash(f"{count} ended.", "success")
    return redirect(f"/people/{user.id}", 303)


def way_of(user: User) -> str:
    """How somebody signs in, in words."""
    ways = ["password"] * user.password + ["OpenID Connect"] * bool(user.issuer)
    return " and ".join(ways) or "not yet"


def my_roles() -> list[str]:
    """What whoever is signed in may, in words, each once."""
    return list(dict.fromkeys(words_of(grant) for grant in person().grants))


def _roles_of(given: list[Given]) -> dict[str, list[str]]:
    """What users have of their own, in words, by their ids."""
    found: dict[str, list[str]] = {}
    for each in given:
        if each.user_id:
            found.setdefault(each.user_id, []).append(words_of(each.grant))
    return found


def _prepare(form: RoleForm) -> None:
    """Offer what a role can be narrowed to here."""
    where = scope()
    accounts = {account.id: account.name for account in where.accounts if account.id}
    form.prepare(accounts, list(where.regions))


def _only_looks(form: RoleForm) -> bool:
    """Whether the form is only to be shown: it is opened, comes back, or is filled in wrongly."""
    return request.method != "POST" or _comes_back() or not form.examine()


def _comes_back() -> bool:
    """Whether a form that was filled in is to be shown again, by which nothing is done."""
    return request.method == "POST" and request.form.get("_do") == "refill"


def _form(title: str, form: RoleForm, back: tuple[str, str]) -> ResponseReturnValue:
    drawn = render_template("people/form.html", title=title, form=form, back=back, error=None)
    return make_response(drawn, 422 if form.errors else 200)


def _refused(title: str, error: GrantError | UserError) -> None:
    recording.refused(title, "people", str(error))
    flash(str(error), "error")


def _user(user_id: str) -> User:
    return users.get(house().engine, user_id) or abort(404)


def _admin_group() -> str:
    return house().settings.oidc_admin_group


def register(app: Flask) -> None:
    """The pages of people, and what their buttons do."""
    app.jinja_env.globals["my_roles"] = my_roles
    both, post = ["GET", "POST"], ["POST"]
    add = app.add_url_rule
    add("/people", "people", list_page)
    add("/people/new", "people_new", new_page, methods=both)
    add("/people/groups/role", "people_group", group_page, methods=both)
    add("/people/roles/<grant_id>/remove", "people_take", take, methods=post)
    add("/people/<user_id>", "people_user", user_page)
    add("/people/<user_id>/role", "people_role", role_page, methods=both)
    add("/people/<user_id>/invite", "people_invite", invite, methods=post)
    add("/people/<user_id>/disable", "people_disable", disable, methods=both)
    add("/people/<user_id>/enable", "people_enable", enable, methods=post)
    add("/people/<user_id>/sessions/end", "people_end", end_session, methods=post)
