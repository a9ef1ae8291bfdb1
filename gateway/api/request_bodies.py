"""Request bodies: limited in size and time, JSON only, validated by a strict model."""

import asyncio
import hashlib
from http import HTTPStatus
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from gateway.problems import Problem, field_errors, invalid
from gateway.settings import GatewaySettings

Model = TypeVar("Model", bound=BaseModel)


JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


async def body_of(request: Request, settings: GatewaySettings, kind: str = JSON) -> bytes:
    """The whole body.

    Args:
        kind: the only content type that is taken.

    Raises:
        Problem: 413 for more bytes, 408 for a slower client, 415 for another type.
    """
    _refuse_other_types(request, kind)
    most_bytes, within_s = settings.gateway_max_body_bytes, settings.gateway_read_timeout_s
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most_bytes:
        raise _too_large(most_bytes)
    try:
        async with asyncio.timeout(within_s):
            return await _read(request, most_bytes)
    except TimeoutError:
        detail = f"the body did not arrive within {within_s:g} s"
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "slow-client", detail, headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise Problem(HTTPStatus.BAD_REQUEST, "disconnected", "the client left before its body had arrived") from None


def parse_body(model: type[Model], body: bytes) -> Model:
    """The body as a value of the model.

    Raises:
        Problem: 422 with each field at fault.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as fault:
        raise invalid(field_errors(fault)) from None


def digest_of(model: BaseModel) -> str:
    """Names the content of a body, whatever its spacing and the order of its keys."""
    return hashlib.sha256(model.model_dump_json().encode()).hexdigest()


async def _read(request: Request, most_bytes: int) -> bytes:
    chunks, size, more = [], 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > most_bytes:
            raise _too_large(most_bytes)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _refuse_other_types(request: Request, kind: str) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != kind:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong-type", f"send the body as {kind}")


def _too_large(most_bytes: int) -> Problem:
    detail = f"the body has more than {most_bytes} bytes"
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail, headers={"Connection": "close"})
