"""The sandbox as one WSGI function: the door, the faults, moto, and AWS's form for every error."""

from __future__ import annotations

import io
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from botocore.model import OperationNotFoundError

from app.sandbox import account, moto_import, sts, wire
from app.sandbox.calls import Calls
from app.sandbox.control import Control
from app.sandbox.ec2 import agenda
from app.sandbox.faults import Faults, hang_up
from app.sandbox.settings import SandboxSettings
from app.sandbox.wire import Answer, Environ, Request

MAX_BODY = 8 * 1024 * 1024
# What AWS lets anybody do who has the link from a message: it holds a secret.
LINKS = ("ConfirmSubscription", "Unsubscribe")
READING = ("Describe", "List", "Get")
_HOST = re.compile(r"^(localhost|([a-z0-9-]+\.)+localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$")


class Application:
    """The WSGI application. `changed` is called after each request that may have changed state."""

    def __init__(self, settings: SandboxSettings, changed: Callable[[], None]) -> None:
        self.settings = settings
        self.changed = changed
        self.calls = Calls()
        self.faults = Faults()
        self.control = Control(settings, self.faults, self.calls, changed)
        self.services = {service: moto_import.flask_app(service) for service in account.SERVICES}
        self.regions = moto_import.regions()
        self._closed = False

    def close(self) -> None:
        """From now on nothing is done any more: who still asks is hung up on, not lied to."""
        with account.LOCK:
            self._closed = True

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        answer = self._door(environ)
        if answer is None:
            body = _read_body(environ)
            if body is None:
                answer = Answer(413, b"The request is larger than 8 MiB.\n", "text/plain")
            elif environ.get("PATH_INFO", "").startswith("/_sandbox/"):
                answer = self.control.answer(environ, body)
            else:
                answer = self._aws(environ, body)
        return answer.send(start_response)

    def _door(self, environ: Environ) -> Answer | None:
        """Refuse what can only come from a web page: a foreign Host (DNS rebinding), an Origin."""
        host = environ.get("HTTP_HOST", "").lower()
        if not _HOST.match(host):
            text = f"The sandbox answers only to loopback names, not to {host!r}.\n"
            return Answer(421, text.encode(), "text/plain")
        if "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE") == "cross-site":
            return Answer(403, b"The sandbox does not answer web pages.\n", "text/plain")
        return None

    def _aws(self, environ: Environ, body: bytes) -> Answer:
        request = wire.read_request(environ, body)
        if not request.service and request.operation in LINKS:
            request = _from_link(environ, request)
        who = sts.caller(request, self.settings)
        if who is not None and not request.account_id:
            request = replace(request, account_id=who.account_id)
        self.calls.count(request, who.arn if who else "")
        refusal = self._refusal(request) or sts.refusal(request, who)
        if refusal is not None:
            return refusal
        return self.faults.strike(request, environ, lambda asked: self._serve(environ, asked))

    def _refusal(self, request: Request) -> Answer | None:
        if not request.service:
            message = "Request is missing Authentication Token"
            return wire.error(request, 403, "MissingAuthenticationToken", message)
        if request.service not in self.services:
            message = f"The sandbox has no service {request.service!r}; it has " + ", ".join(
                account.SERVICES
            )
            return wire.error(request, 400, "UnsupportedOperation", message)
        if request.region not in self.regions:
            code = "AuthFailure" if request.service == "ec2" else "SignatureDoesNotMatch"
            message = f"Credential should be scoped to a valid region, not {request.region!r}."
            return wire.error(request, 403, code, message)
        if not request.operation:
            return wire.error(
                request, 400, "MissingAction", "The request must contain the parameter Action"
            )
        if not request.is_json and wire.NOT_XML.search(request.body):
            code = "InvalidParameter" if request.service == "sns" else "InvalidParameterValue"
            message = "A parameter contains a control character, which no answer could carry."
            return wire.error(request, 400, code, message)
        return None

    def _serve(self, environ: Environ, request: Request) -> Answer:
        """Let moto answer, under the lock, with anything but an answer made an AWS error."""
        environ["wsgi.input"] = io.BytesIO(request.body)
        environ["CONTENT_LENGTH"] = str(len(request.body))
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = request.account_id
        who = sts.caller(request, self.settings)
        own = sts.answer(request, who, self.settings) if who and request.service == "sts" else None
        if own is not None:
            return own
        try:
            with account.LOCK:
                if self._closed:
                    hang_up(environ)
                if request.service == "sqs":
                    agenda.catch_up(request.account_id, request.region)
                answer = _collect(self.services[request.service], environ)
        except ConnectionError:
            raise
        except Exception as failure:  # noqa: BLE001 - the boundary: nothing may become an HTML 500
            return _failure(request, failure)
        if not request.operation.startswith(READING):
            self.changed()
        return answer


def _from_link(environ: Environ, request: Request) -> Request:
    """The request that a link from one of SNS's messages makes; its ARN tells the rest."""
    query = environ.get("QUERY_STRING", "").encode() or request.body
    asked = Request("", "", "", query, is_json=False).parameters()
    arn = (asked.get("TopicArn") or asked.get("SubscriptionArn") or [""])[0]
    region, account_id = (arn.split(":") + [""] * 5)[3:5]
    environ["HTTP_AUTHORIZATION"] = (
        f"AWS4-HMAC-SHA256 Credential=anonymous/20000101/{region}/sns/aws4_request"
    )
    return Request("sns", region, request.operation, query, is_json=False, account_id=account_id)


def _read_body(environ: Environ) -> bytes | None:
    """The request's body, or None when it is too large."""
    length = environ.get("CONTENT_LENGTH") or ""
    if environ.get("wsgi.input_terminated") and not length:
        size = MAX_BODY + 1
    else:
        size = min(int(length), MAX_BODY + 1) if length.isdigit() else 0
    body: bytes = environ["wsgi.input"].read(size) if size else b""
    return body if len(body) <= MAX_BODY else None


def _collect(app: Any, environ: Environ) -> Answer:
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
        started[:] = [status, headers]

    body = b"".join(app(environ, start_response))
    status, headers = started
    kept = {name.lower(): value for name, value in headers}
    content_type = kept.pop("content-type", "text/xml")
    request_id = kept.get("x-amzn-requestid")
    return Answer(
        int(status.split()[0]),
        body,
        content_type,
        (("x-amzn-RequestId", request_id),) if request_id else (),
    )


def _failure(request: Request, failure: Exception) -> Answer:
    """moto's way of not knowing an operation as AWS's; anything else as an error, and logged."""
    name = request.operation
    if isinstance(failure, NotImplementedError | OperationNotFoundError):
        message = f"The action {name} is not valid for this web service, or not in the sandbox."
        return wire.error(request, 400, "InvalidAction", message)
    traceback.print_exception(failure, file=sys.stderr)
    message = f"The sandbox failed in {name}: {type(failure).__name__}. Its log says more."
    return wire.error(request, 500, "InternalError", message)
