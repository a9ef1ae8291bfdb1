"""Bearer tokens of an OpenID provider: verified with its published keys, their roles read from a claim.

Keys are fetched when the first token arrives and again for an unknown key id, at most once in
`REFRESH_S`. While the provider is unavailable the known keys remain valid.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.access.roles import CallerRole, Principal
from schemas.errors import OutageError, SetupError

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Asymmetric ones alone: with HS256 a provider's public key would be everybody's secret."""
REFRESH_S: Final = 30.0
LEEWAY_S: Final = 30
"""Tolerance between the provider's clock and this one."""
FETCH_S: Final = 5.0
LONGEST_TOKEN: Final = 16_384

log = structlog.get_logger(__name__)


class ProviderAwayError(OutageError):
    """The OpenID provider does not answer, and its keys are not known."""

    dependency = "provider"


class ForeignProviderError(SetupError):
    """The provider's own description names another issuer than `LOAN_OIDC_ISSUER`."""

    def __init__(self, issuer: str) -> None:
        super().__init__(f"LOAN_OIDC_ISSUER is {issuer}, and the provider found there names itself otherwise")


@dataclass(frozen=True, slots=True)
class Provider:
    """Whose tokens are accepted."""

    issuer: str
    audience: str
    roles_claim: str
    """Dots lead into objects: `realm_access.roles`."""


class OidcVerifier:
    """Verifies tokens of one provider. Belongs to the event loop."""

    def __init__(
        self,
        provider: Provider,
        client: Callable[[], httpx2.AsyncClient] = lambda: httpx2.AsyncClient(timeout=FETCH_S),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Fetches nothing yet."""
        self._provider = provider
        self._client = client
        self._clock = clock
        self._keys: KeySet | None = None
        self._described: Mapping[str, Any] = {}
        self._asked_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def principal(self, token: str) -> Principal | None:
        """The caller of a valid token; None for a forged, expired, foreign or malformed one.

        Raises:
            ProviderAwayError: no keys are known, and none can be fetched.
        """
        claims = await self.verified_claims(token, self._provider.audience)
        return None if claims is None else principal_of(claims, self._provider.roles_claim)

    async def verified_claims(self, token: str, audience: str) -> Mapping[str, Any] | None:
        """The claims of a valid token for this audience; else as of `principal`."""
        if len(token) > LONGEST_TOKEN:
            return None
        keys = self._keys or await self._current_keys()
        claims = self._claims(token, audience, keys)
        if claims is None and self._clock() - self._asked_at >= REFRESH_S:
            # The provider may sign with a new key.
            claims = self._claims(token, audience, await self._current_keys())
        return claims

    async def description(self) -> Mapping[str, Any]:
        """The provider's discovery document (OpenID Connect Discovery 1.0).

        Raises:
            ProviderAwayError: it has never been fetched, and cannot be.
        """
        if self._keys is None:
            await self._current_keys()
        return self._described

    def _claims(self, token: str, audience: str, keys: KeySet) -> Mapping[str, Any] | None:
        expected = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._provider.issuer},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
        )
        try:
            claims = jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
            expected.validate(claims)
        except (JoseError, ValueError, TypeError, KeyError):
            # Whatever a forged token leads the parser to, it is no valid token.
            return None
        return claims

    async def _current_keys(self) -> KeySet:
        async with self._fetching:
            if self._keys is not None and self._clock() - self._asked_at < REFRESH_S:
                return self._keys
            self._asked_at = self._clock()
            try:
                self._keys = await self._fetch()
            except (httpx2.HTTPError, httpx2.InvalidURL, JoseError, ValueError, KeyError, TypeError) as cause:
                log.warning("dependency.lost", dependency=ProviderAwayError.dependency, error=type(cause).__name__)
                if self._keys is None:
                    # The next caller fetches again: there are no known keys.
                    self._asked_at = float("-inf")
                    raise ProviderAwayError from cause
            return self._keys

    async def _fetch(self) -> KeySet:
        async with self._client() as client:
            place = f"{self._provider.issuer.rstrip('/')}/.well-known/openid-configuration"
            described = (await client.get(place)).raise_for_status().json()
            if described["issuer"] != self._provider.issuer:
                raise ForeignProviderError(self._provider.issuer)
            keys = (await client.get(described["jwks_uri"])).raise_for_status().json()
        self._described = described
        return KeySet.import_key_set(keys)


def principal_of(claims: Mapping[str, Any], roles_claim: str) -> Principal:
    """The caller of verified claims; unknown roles are ignored."""
    listed: Any = claims
    for part in roles_claim.split("."):
        listed = listed.get(part) if isinstance(listed, Mapping) else None
    named = listed.split() if isinstance(listed, str) else listed if isinstance(listed, list) else []
    return Principal(f"oidc:{claims['sub']}", frozenset(CallerRole(name) for name in named if name in set(CallerRole)))
