"""Problem documents (RFC 9457): what is wrong, where, and how to fix it; never a value of the request."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

PROBLEM_JSON: Final = "application/problem+json"
FIELD_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""Pattern of a caller's unknown key that may be named: a longer or unusual one may be an applicant's value."""
UNNAMED: Final = "(unnamed)"
MOST_ERRORS: Final = 100
"""Errors listed in one document: a batch of 500 bad applications would otherwise list thousands."""


class ListedError(BaseModel):
    """One field at fault."""

    pointer: str = Field(description="JSON pointer into the request's body.")
    code: str = Field(description="A stable word.")
    detail: str


class ProblemDocument(BaseModel):
    """A problem document, RFC 9457; for the OpenAPI document. Further members are named by the problem's type."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`urn:loan:problem:` and a stable word.")
    title: str
    status: int
    detail: str
    errors: list[ListedError] = Field(default=[], description="Fields at fault, the first hundred.")
    error_count: int = Field(default=0, description="Of all fields at fault.")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field at fault."""

    pointer: str
    """JSON pointer (RFC 6901) into the request body."""
    code: str
    """A stable word: pydantic's error type, or the published reason of `schemas.applications.Fault`."""
    detail: str


@dataclass
class Problem(Exception):  # noqa: N818 - the RFC's word
    """An error answer. `kind` is stable and names the problem type."""

    status: int
    kind: str
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)
    """Further members, for example `application_id`."""

    def response(self) -> Response:
        body: dict[str, Any] = {
            "type": f"urn:loan:problem:{self.kind}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.extensions,
        }
        if self.errors:
            listed = self.errors[:MOST_ERRORS]
            body["errors"] = [{"pointer": e.pointer, "code": e.code, "detail": e.detail} for e in listed]
            body["error_count"] = len(self.errors)
        return JSONResponse(body, self.status, headers=dict(self.headers), media_type=PROBLEM_JSON)


async def problem_response(_request: Request, problem: Exception) -> Response:
    """Starlette's handler of `Problem`."""
    assert isinstance(problem, Problem)  # noqa: S101 - registered for this class alone
    return problem.response()


def invalid(errors: Sequence[FieldError]) -> Problem:
    """422 with every field at fault."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-fields", "fields of the request are invalid", errors)


def away(detail: str) -> Problem:
    """503: a dependency does not answer; the same request may succeed soon."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, headers={"Retry-After": "2"})


def field_errors(fault: ValidationError, at: str = "") -> list[FieldError]:
    """Pydantic's errors without the values at fault.

    Args:
        at: pointer of what was validated.
    """
    errors = fault.errors(include_url=False, include_context=False, include_input=False)
    return [_field_error(error, at) for error in errors]


def _field_error(error: ErrorDetails, at: str) -> FieldError:
    unknown = error["type"] == "extra_forbidden"
    path = [_segment(part) if unknown else str(part) for part in error["loc"]]
    # A message of the JSON parser names a position, not a value.
    return FieldError(at + "".join(f"/{part}" for part in path), error["type"], error["msg"])


def _segment(part: int | str) -> str:
    text = str(part)
    return text if isinstance(part, int) or FIELD_NAME.fullmatch(text) else UNNAMED
