"""Signing in with the OpenID provider: there, and back again.

What must come back the same is in a cookie of this sign-in's own, so that it is this browser's
and several tabs do not disturb each other.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from flask import Flask, Response, abort, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeTimedSerializer

from app.db import now
from app.house import House
from app.people.openid import (
    Ask,
    Client,
    Identity,
    Provider,
    ProviderError,
    Refused,
    arrivals,
    attempts,
)
from app.settings import Settings
from app.web import entry
from app.web.context import house, visitor
from app.web.errors import page
from app.web.kept import local
from app.web.recording import refused

EXTENSION = "encante.openid"
_COOKIE = "openid_"
MOST_TABS = 5  # sign-ins of a browser that are under way; older ones give way
LONGEST_TARGET = 1000  # characters of an address that is come back to
log = structlog.get_logger()


@dataclass(frozen=True)
class Attempt:
    """What this browser must show when it comes back, and where it goes then.

    ``user_id``: who is to prove again that it is they; empty: whoever comes.
    """

    state: str
    nonce: str
    verifier: str
    key: str
    target: str
    user_id: str
    since: float
    redirect_uri: str

    @property
    def ask(self) -> Ask:
        """What the provider is asked."""
        since = datetime.fromtimestamp(self.since, tz=now().tzinfo)
        again = bool(self.user_id)
        return Ask(self.state, self.nonce, self.verifier, self.redirect_uri, since, again)


def provider() -> Provider | None:
    """The provider of the settings; None: there is none."""
    return cast(Provider | None, current_app.extensions[EXTENSION])


def leave_address() -> str:
    """Where one signs out at the provider, if it offers that; or an empty text."""
    asked = provider()
    return asked.leave_address() if asked else ""


def start() -> ResponseReturnValue:
    """Send the browser to the provider; keep where it wanted to, and the form it had sent."""
    asked = provider() or abort(404)
    who, at = visitor(), now()
    again = who is not None and who.method == "oidc"
    longest = timedelta(0) if again else timedelta(hours=house().settings.session_hours)
    attempt = Attempt(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        key=secrets.token_hex(32),
        target=_target(),
        user_id=who.id if who is not None and again else "",
        since=(at - longest).timestamp(),
        redirect_uri=_redirect_uri(),
    )
    try:
        address = asked.address(attempt.ask, at)
    except ProviderError as error:
        return _down(error)
    form = request.form.get("resume", "")
    kept = attempts.begin(house().engine, attempt.state, attempt.key, form, at)
    response = make_response(render_template("people/leave.html", address=address, kept=kept))
    # not a redirect: the policy that forms go nowhere else would forbid it
    response.headers["Refresh"] = f"0; url={address}"
    _remember(response, attempt)
    return response


def done() -> ResponseReturnValue:
    """Whoever comes back from the provider, with whatever answer."""
    asked = provider() or abort(404)
    attempt = _attempt()
    if attempt is None:
        return _refusal(Refused("state", "This sign-in was begun elsewhere, or long ago."), None)
    form = attempts.end(house().engine, attempt.state, attempt.key, now())
    try:
        if form is None:
            raise Refused("used", "This sign-in has been used, or took longer than ten minutes.")
        identity = asked.identity(attempt.ask, _code(), request.args.get("iss"))
        response = make_response(_let_in(identity, attempt, form))
    except Refused as refusal:
        response = make_response(_refusal(refusal, attempt))
    except ProviderError as error:
        response = make_response(_down(error))
    response.delete_cookie(_cookie_name(attempt.state), **entry.cookie_attributes())
    return response


def _let_in(identity: Identity, attempt: Attempt, form: str) -> ResponseReturnValue:
    who, address = visitor(), request.remote_addr or ""
    if attempt.user_id and (who is None or who.id != attempt.user_id):
        raise Refused("session", "Your session has ended meanwhile: sign in.")
    arrived = arrivals.arrive(house().engine, identity, address)
    if arrived.disabled:
        raise Refused("disabled", f"The user {arrived.name} is disabled. Ask an admin.")
    if not attempt.user_id:
        proved_at = min(identity.proved_at or now(), now())
        return entry.welcome(arrived.user_id, "oidc", attempt.target, form, proved_at)
    if arrived.user_id != attempt.user_id:
        raise Refused("other", f"The provider knows you as {arrived.name}, who is somebody else.")
    return entry.again(attempt.target, form)


def _code() -> str:
    """The code of the provider's answer. Raises Refused if it has none."""
    error = request.args.get("error")
    if error is not None:
        words = {
            "access_denied": "The provider did not let you in.",
            "login_required": "The provider wants you to sign in there first.",
            "temporarily_unavailable": "The provider is not available now.",
        }
        raise Refused("provider", words.get(error, f"The provider answers: {error[:100]!r}."))
    code = request.args.get("code", "")
    if not code:
        raise Refused("code", "The provider's answer has no code in it.")
    return code


def _refusal(refusal: Refused, attempt: Attempt | None) -> ResponseReturnValue:
    refused("Signing in with the provider", refusal.code, str(refusal), "sign-in.failed")
    if refusal.__cause__ is not None:
        log.warning("sign-in refused", code=refusal.code, reason=str(refusal.__cause__)[:200])
    back = attempt.target if attempt and attempt.user_id else "/"
    return page(
        403,
        "You are not signed in" if visitor() is None else "Nothing was done",
        str(refusal),
        "Begin anew.",
        links=((back, "Back to the page" if back != "/" else "To the sign-in"),),
    )


def _down(error: ProviderError) -> ResponseReturnValue:
    name = house().settings.oidc_name
    log.warning("openid provider", trouble=str(error), cause=repr(error.__cause__)[:300])
    refused("Signing in with the provider", "provider-down", str(error), "sign-in.failed")
    return page(
        503,
        f"{name} does not answer as it should",
        f"Signing in with {name} does not work now: {error}.",
        "Try again in a moment, or sign in otherwise.",
        links=(("/", "To the sign-in"),),
    )


def _target() -> str:
    target = local(request.form.get("next", "/"))
    return target if len(target) <= LONGEST_TARGET else "/"


def _redirect_uri() -> str:
    base = house().settings.public_url or f"http://{request.host}"
    return f"{base}/oidc/done"


def _serializer() -> URLSafeTimedSerializer:
    config = current_app.config
    keys = [*reversed(config.get("SECRET_KEY_FALLBACKS") or ()), config["SECRET_KEY"]]
    return URLSafeTimedSerializer(keys, salt="openid attempt")


def _cookie_name(state: str) -> str:
    return house().settings.cookie(f"{_COOKIE}{state[:8]}")


def _remember(response: Response, attempt: Attempt) -> None:
    """Give the attempt to the browser; drop what is too many."""
    prefix = house().settings.cookie(_COOKIE)
    older = [name for name in request.cookies if name.startswith(prefix)]
    for name in older[: max(0, len(older) - MOST_TABS + 1)]:
        response.delete_cookie(name, **entry.cookie_attributes())
    response.set_cookie(
        _cookie_name(attempt.state),
        _serializer().dumps(asdict(attempt)),
        max_age=attempts.LIFETIME,
        **entry.cookie_attributes(),
    )


def _attempt() -> Attempt | None:
    """What this browser was given for the state of the answer; None: nothing that still goes."""
    state = request.args.get("state", "")
    sent = request.cookies.get(_cookie_name(state), "")
    longest = int(attempts.LIFETIME.total_seconds())
    try:
        held: dict[str, Any] = _serializer().loads(sent, max_age=longest)
    except BadData:
        return None
    attempt = Attempt(**held)
    same = hmac.compare_digest(attempt.state.encode(), state.encode("utf-8", "surrogatepass"))
    return attempt if same else None


def provider_of(settings: Settings) -> Provider | None:
    """The provider that the settings name, not asked anything yet; None: they name none."""
    if not settings.oidc_issuer:
        return None
    return Provider(
        Client(
            settings.oidc_issuer,
            settings.oidc_client_id,
            settings.oidc_client_secret,
            settings.oidc_scopes,
            settings.oidc_groups_claim,
        )
    )


def register(app: Flask) -> None:
    """The two ways, and the provider of the settings."""
    settings = cast(House, app.extensions["encante"]).settings
    app.extensions[EXTENSION] = provider_of(settings)
    app.jinja_env.globals["openid_name"] = settings.oidc_name if settings.oidc_issuer else ""
    app.add_url_rule("/oidc/start", "oidc_start", start, methods=["POST"])
    app.add_url_rule("/oidc/done", "oidc_done", done)
