"""How a request reaches an operation: what replaces moto's own dispatching for EC2."""

from __future__ import annotations

import sys
import traceback
import uuid
from collections.abc import Callable
from typing import Any

from botocore.model import OperationNotFoundError
from moto.core.exceptions import ServiceException
from moto.core.utils import get_service_model
from moto.ec2.exceptions import FilterNotImplementedError
from moto.ec2.models import ec2_backends

from app.sandbox.ec2 import agenda, parameters, xml
from app.sandbox.ec2.refusal import Refused, bad_value, dry_run
from app.sandbox.ec2.request import OPERATIONS, READS, Request
from app.sandbox.settings import SandboxSettings

# How each account behaves; an account is one sandbox (tests have several in one process).
SETTINGS: dict[str, SandboxSettings] = {}

Reply = tuple[int, dict[str, str], str]


def dispatcher(
    moto_setup: Callable[..., None], moto_call: Callable[[Any], Any]
) -> Callable[..., Any]:
    """What takes the place of moto's `EC2Response._dispatch`.

    `moto_setup` reads the request (moto's `setup_class`), `moto_call` is moto's own way of
    serving it, which is kept for the operations that the sandbox does not do itself.
    """

    def dispatch(response: Any, request: Any, full_url: Any = None, headers: Any = None) -> Any:
        request_id = str(uuid.uuid4())
        try:
            _read(moto_setup, response, request, full_url, headers)
            return _serve(response, moto_call, request_id)
        except Refused as refused:
            return _reply(xml.error(refused, request_id), request_id, refused.status)
        except Exception:  # noqa: BLE001  # the client gets AWS's InternalError, we the traceback
            traceback.print_exc(file=sys.stderr)
            internal = Refused("InternalError", "An internal error has occurred", 500)
            return _reply(xml.error(internal, request_id), request_id, 500)

    return dispatch


def _read(setup: Callable[..., None], response: Any, request: Any, url: Any, headers: Any) -> None:
    try:
        setup(response, request, url, headers)
    except OperationNotFoundError as unknown:
        raise _invalid_action(response._get_action()) from unknown
    except ValueError as malformed:
        raise bad_value(f"A parameter of the request could not be read: {malformed}") from malformed
    if not response._get_action():
        raise Refused("MissingAction", "The request must contain the parameter Action")


def _serve(response: Any, moto_call: Callable[[Any], Any], request_id: str) -> Any:
    name = response._get_action()
    backend = ec2_backends[response.current_account][response.region]
    agenda.settle(backend)
    if name not in OPERATIONS:
        return _let_moto(name, response, moto_call)
    settings = SETTINGS.get(response.current_account) or SandboxSettings()
    request = Request(name, response.params, backend, settings)
    result = perform(request)
    shape = get_service_model("ec2").operation_model(name).output_shape
    return _reply(xml.answer(name, shape, result, request_id), request_id, 200)


def perform(request: Request) -> dict[str, Any]:
    """Do what is asked, as one of our own operations; Refused when AWS would refuse."""
    parameters.check(request.operation, request.params)
    try:
        result = OPERATIONS[request.operation](request)
    except ServiceException as error:
        # moto's own errors, from below our operations, have AWS's codes too.
        raise Refused(error.code, str(error.message)) from error
    if request.params.get("DryRun"):
        if request.operation not in READS:
            raise RuntimeError(f"{request.operation} did not stop for a dry run")
        raise dry_run()
    return result


def _let_moto(name: str, response: Any, moto_call: Callable[[Any], Any]) -> Any:
    # moto ignores DryRun in many operations, and would do the deed.
    if response.params.get("DryRun"):
        raise dry_run()
    try:
        return moto_call(response)
    except FilterNotImplementedError as unknown:
        # moto says: The filter 'x' for DescribeVpcs has not been …
        raise bad_value(f"{str(unknown).partition(' for ')[0]} is invalid") from unknown
    except NotImplementedError as unknown:
        raise _invalid_action(name) from unknown


def _invalid_action(name: str) -> Refused:
    return Refused("InvalidAction", f"The action {name} is not valid for this web service.")


def _reply(body: str, request_id: str, status: int) -> Reply:
    headers = {
        "Content-Type": "text/xml;charset=UTF-8",
        "x-amzn-requestid": request_id,
        "server": "AmazonEC2",
        "status": str(status),
    }
    return status, headers, body
