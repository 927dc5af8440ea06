"""What goes over the wire: one request as data, and answers in the form each AWS protocol has."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

Environ = dict[str, Any]
JSON_PROTOCOL = "application/x-amz-json-1.0"

_CREDENTIAL = re.compile(
    r"^AWS4-HMAC-SHA256 .*?Credential=([^/,\s]+)/[0-9]{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request"
)


# Characters that XML cannot carry, as they stand in a form: 0x00 to 0x1F without tab, LF and CR.
NOT_XML = re.compile(rb"%(?:0[0-8bcef]|1[0-9a-f]|ef%bf%b[ef])|[\x00-\x08\x0b\x0c\x0e-\x1f]", re.I)


@dataclass(frozen=True)
class Request:
    """One AWS request: who is asked (`service`, `region`) for what (`operation`).

    `service`, `region` and `operation` are empty where the request does not say them; so are
    `access_key` and `token`, with which it is signed.
    """

    service: str
    region: str
    operation: str
    body: bytes = field(repr=False)
    is_json: bool
    access_key: str = ""
    token: str = field(default="", repr=False)
    account_id: str = ""  # whose it is; the application finds out

    def parameters(self) -> dict[str, list[str]]:
        """The parameters of a query request; empty for the JSON protocol."""
        if self.is_json:
            return {}
        return parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    body: bytes
    content_type: str = "text/xml;charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()

    def send(self, start_response: Any) -> Iterable[bytes]:
        """Answer a WSGI request with it."""
        start_response(
            f"{self.status} {HTTPStatus(self.status).phrase}",
            [
                ("Content-Type", self.content_type),
                ("Content-Length", str(len(self.body))),
                *self.headers,
            ],
        )
        return [self.body]


def read_request(environ: Environ, body: bytes) -> Request:
    """The AWS request in a WSGI environ whose body has been read.

    Service and region come from the signature's credential scope, the operation from
    `X-Amz-Target` (JSON) or from `Action` (query). Signatures themselves are not checked.
    """
    scope = _CREDENTIAL.match(environ.get("HTTP_AUTHORIZATION", ""))
    key, region, service = scope.groups() if scope else ("", "", "")
    token = environ.get("HTTP_X_AMZ_SECURITY_TOKEN", "")
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        name = target.rpartition(".")[2]
        return Request(service, region, name, body, True, key, token)
    query = body.decode("utf-8", "replace") or environ.get("QUERY_STRING", "")
    operation = parse_qs(query).get("Action", [""])[0]
    is_json = "amz-json" in environ.get("CONTENT_TYPE", "")
    return Request(service, region, operation, body, is_json, key, token)


def error(request: Request, status: int, code: str, message: str) -> Answer:
    """An AWS error in the form that the request's protocol has: EC2's XML, query XML, or JSON."""
    request_id = str(uuid.uuid4())
    if request.is_json:
        body = json.dumps({"__type": f"com.amazonaws.{request.service}#{code}", "message": message})
        fault = "Sender" if status < 500 else "Receiver"
        headers = (("x-amzn-RequestId", request_id), ("x-amzn-query-error", f"{code};{fault}"))
        return Answer(status, body.encode(), JSON_PROTOCOL, headers)
    if request.service in ("sns", "sqs", "sts"):
        fault = "Sender" if status < 500 else "Receiver"
        xml = (
            f"<ErrorResponse><Error><Type>{fault}</Type><Code>{escape(code)}</Code>"
            f"<Message>{escape(message)}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Answer(status, xml.encode(), "text/xml", (("x-amzn-RequestId", request_id),))
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>'
        f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        f"</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    )
    return Answer(status, xml.encode())


def as_json(value: Any, status: int = 200) -> Answer:
    """A JSON answer of the sandbox's own pages."""
    return Answer(status, (json.dumps(value, indent=1) + "\n").encode(), "application/json")
