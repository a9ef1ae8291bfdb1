"""Requests to the gateway: decisions, what-if answers and counterfactuals, as typed values.

A shell over the standard library's HTTP: each request has a connection of its own, and a client may be used from
several threads. Proxies and certificates are those of the environment (`HTTPS_PROXY`, `SSL_CERT_FILE`).
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from loan_client.client_errors import GatewayUnreachableError, InvalidField, MalformedAnswerError, ProblemError
from loan_client.retries import REPEATED, RetryRule, retry_after_s
from loan_client.typed_answers import Decision, Hypothetical, SufficientChanges, from_json

IN_FLIGHT: Final = 202
PROBLEM_JSON: Final = "application/problem+json"
Fields = Mapping[str, Any]
"""Fields of an application by name, as the contract has them; times, if any, with their zone."""


class LoanClient:
    """Requests to one gateway.

    Errors are `loan_client.client_errors`. Every request is safe to repeat, and is repeated: an application without
    `application_id` gets an `Idempotency-Key`, so that it is decided once.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        token: Callable[[], str] | None = None,
        retry: RetryRule | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Sends nothing yet.

        Args:
            url: of the gateway, for example `https://loans.example`.
            api_key: sent as `X-API-Key`.
            token: gives an OpenID bearer token that is valid now.
            retry: attempts and their times; the usual ones if None.
            sleep: waits between attempts.
        """
        if not url.startswith(("http://", "https://")):
            problem = "the URL of a gateway begins with http:// or https://"
            raise ValueError(problem)
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._token = token
        self._retry = retry or RetryRule()
        self._sleep = sleep
        self._opener: OpenerDirector = build_opener(_StayHere)

    def predict(self, application: Fields, *, idempotency_key: str | None = None) -> Decision:
        """Submit an application, and wait for its decision.

        Args:
            application: the contract's fields; `application_id` and its time may be left to the gateway.
            idempotency_key: names the application where it has no id; generated if None.

        Raises:
            ProblemError: 409 where id or key was used with another body; 422 with the fields at fault; 504 where it is
                accepted and not decided yet: `decision(error.application_id)` has it later.
            GatewayUnreachableError: no answer; the same application or key may be sent again.
        """
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        return from_json(Decision, self._answer("/predict", application, headers))

    def decision(self, application_id: str) -> Decision | None:
        """The first decision on an application; None while it is in flight. Raises ProblemError: 404 for none."""
        answer = self._answer(f"/decisions/{quote(application_id, safe='')}")
        return None if answer is None else from_json(Decision, answer)

    def explain(self, application: Fields) -> Hypothetical:
        """The champion's answer to these values with the contribution of each feature, by size."""
        return from_json(Hypothetical, self._answer("/explain", application))

    def what_if(self, application: Fields) -> Hypothetical:
        """The champion's answer to these values; published nowhere."""
        return from_json(Hypothetical, self._answer("/what-if", application))

    def counterfactuals(self, application: Fields) -> SufficientChanges:
        """The smallest changes of actionable fields that would approve."""
        return from_json(SufficientChanges, self._answer("/counterfactuals", application))

    def _answer(self, path: str, fields: Fields | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """Parsed JSON; None for an application in flight."""
        body = None if fields is None else _encode(fields)
        attempt = 1
        while True:
            try:
                return self._attempt(path, body, headers or {})
            except (ProblemError, GatewayUnreachableError) as fault:
                wait_s = self._wait_s(attempt, fault)
                if wait_s is None:
                    raise
            self._sleep(wait_s)
            attempt += 1

    def _wait_s(self, attempt: int, fault: ProblemError | GatewayUnreachableError) -> float | None:
        if isinstance(fault, ProblemError):
            return self._retry.wait_s(attempt, fault.retry_after_s) if fault.status in REPEATED else None
        return self._retry.wait_s(attempt)

    def _attempt(self, path: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
        request = Request(f"{self._url}{path}", data=body, headers={**self._own_headers(), **headers})  # noqa: S310 - HTTP, see __init__
        try:
            read = self._read(request)
        except (OSError, HTTPException) as cause:
            problem = f"{self._url} does not answer: {type(cause).__name__}"
            raise GatewayUnreachableError(problem) from cause
        return None if read is None else _parse(read)

    def _read(self, request: Request) -> bytes | None:
        """The answer's body; None for an application in flight."""
        try:
            with self._opener.open(request, timeout=self._retry.timeout_s) as answer:
                read: bytes = answer.read()
                return None if answer.status == IN_FLIGHT else read
        except HTTPError as refusal:
            with refusal:
                raise _problem(refusal) from None

    def _own_headers(self) -> dict[str, str]:
        named = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._api_key is not None:
            named["X-API-Key"] = self._api_key
        if self._token is not None:
            named["Authorization"] = f"Bearer {self._token()}"
        return named


class _StayHere(HTTPRedirectHandler):
    """No redirect is followed: it would take the key to another server."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _encode(fields: Fields) -> bytes:
    return json.dumps(fields, default=_plain, allow_nan=False).encode()


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    problem = f"{type(value).__name__} is no value of an application"
    raise TypeError(problem)


def _parse(read: bytes) -> Any:
    try:
        return json.loads(read)
    except ValueError as cause:
        problem = "the answer is no JSON"
        raise MalformedAnswerError(problem) from cause


def _problem(refusal: HTTPError) -> ProblemError:
    told_s = retry_after_s(refusal.headers.get("Retry-After"), datetime.now(UTC))
    if refusal.headers.get_content_type() != PROBLEM_JSON:
        return ProblemError(status=refusal.code, kind="", detail=str(refusal.reason), retry_after_s=told_s)
    document = _parse(refusal.read())
    if not isinstance(document, dict) or not isinstance(document.get("errors", []), list):
        problem = "the answer is no problem document"
        raise MalformedAnswerError(problem)
    return ProblemError(
        status=refusal.code,
        kind=str(document.get("type", "")).rpartition(":")[2],
        detail=str(document.get("detail", "")),
        errors=tuple(from_json(InvalidField, each) for each in document.get("errors", ())),
        application_id=document.get("application_id"),
        retry_after_s=told_s,
    )
