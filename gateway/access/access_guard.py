"""Access control: identifies each request's caller by API key or bearer token, and enforces its roles and its rate."""

import math
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final, Protocol

from starlette.requests import Request

from gateway.access.api_keys import key_digest
from gateway.access.rate_limit import RateLimiter
from gateway.access.roles import ANYBODY, CallerRole, Principal
from gateway.problems import Problem

CHALLENGE: Final[Mapping[str, str]] = {"WWW-Authenticate": 'Bearer realm="loan-gateway"'}
BEARER: Final = "bearer "


class TokenVerifier(Protocol):
    """The part of `access.oidc.OidcVerifier` that is needed here."""

    async def principal(self, token: str) -> Principal | None:
        """The caller of a valid token; None for another token. Raises OutageError."""


class AccessGuard:
    def __init__(
        self,
        keys: Mapping[str, Principal] | None,
        tokens: TokenVerifier | None,
        limiter: RateLimiter,
        anybody: Principal = ANYBODY,
    ) -> None:
        """Without keys and tokens everybody is `anybody`."""
        self.anybody = anybody
        self._keys = keys
        self._tokens = tokens
        self._limiter = limiter

    @property
    def open(self) -> bool:
        """True if callers need no credentials."""
        return self._keys is None and self._tokens is None

    @property
    def takes_keys(self) -> bool:
        """True if API keys are set up."""
        return self._keys is not None

    def holder_of(self, key: str) -> Principal | None:
        return (self._keys or {}).get(key_digest(key))

    async def principal(self, request: Request) -> Principal:
        """The caller.

        Raises:
            Problem: 401 where none is named or the name does not hold; 429 for too many requests.
            OutageError: the OpenID provider does not answer.
        """
        if self.open:
            return self.anybody
        found = await self._authenticate(request)
        if found is None:
            detail = "send a valid API key as X-API-Key, or a bearer token of the OpenID provider"
            raise Problem(HTTPStatus.UNAUTHORIZED, "unauthenticated", detail, headers=CHALLENGE)
        wait_s = self._limiter.wait_s(found.name)
        if wait_s:
            headers = {"Retry-After": str(math.ceil(wait_s))}
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "rate-limited", "too many requests of this caller", (), headers)
        return found

    async def _authenticate(self, request: Request) -> Principal | None:
        key = request.headers.get("x-api-key")
        if key is not None:
            return self.holder_of(key)
        authorization = request.headers.get("authorization", "")
        if not authorization.lower().startswith(BEARER):
            return None
        token = authorization[len(BEARER) :].strip()
        # Alertmanager can send a key as bearer token and in no other header.
        holder = self.holder_of(token)
        if holder is None and self._tokens is not None:
            return await self._tokens.principal(token)
        return holder


def require_role(guard: AccessGuard, allowed: frozenset[CallerRole]) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency: the caller, who has one of these roles."""

    async def caller(request: Request) -> Principal:
        principal = await guard.principal(request)
        if not principal.roles & allowed:
            detail = f"needs one of the roles {', '.join(sorted(allowed))}"
            raise Problem(HTTPStatus.FORBIDDEN, "forbidden", detail)
        return principal

    return caller
