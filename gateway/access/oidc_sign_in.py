"""Sign-in at an OpenID provider: authorization code flow with PKCE.

RFC 6749, section 4.1; RFC 7636 (S256); OpenID Connect Core 1.0, section 3.1; RFC 9207 (`iss` in the answer). Each
sign-in has a random state, nonce and code verifier, which the caller keeps between `begin` and `finish`.
"""

import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from gateway.access.oidc import FETCH_S, OidcVerifier, Provider, ProviderAwayError, principal_of
from gateway.access.roles import Principal
from schemas.errors import SetupError

RANDOM_BYTES: Final = 32
LONGEST_CODE: Final = 4_096
ERROR_CODE: Final = re.compile(r"[a-z_]{1,40}")
"""Of a provider's refusal that may be shown and logged: an answer can be anybody's link."""
BASIC: Final = "client_secret_basic"
POST: Final = "client_secret_post"

log = structlog.get_logger(__name__)


class BearerOnlyProviderError(SetupError):
    """The provider describes no page at which people could sign in."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(f"the provider at LOAN_OIDC_ISSUER names no {endpoint}: leave LOAN_OIDC_CLIENT_ID empty")


class SignInRefusedError(Exception):
    """Nobody is signed in; the argument says why, in words for the person."""


@dataclass(frozen=True, slots=True)
class OidcClient:
    """What this gateway is to the provider."""

    client_id: str
    client_secret: str
    """Empty for a public client, which PKCE alone protects."""
    redirect_uri: str
    scope: str


@dataclass(frozen=True, slots=True)
class SignInRequest:
    state: str
    nonce: str
    code_verifier: str
    destination: str
    """Path of the page that the person asked for."""


class OidcSignIn:
    """Signs people in at one provider. Belongs to the event loop."""

    def __init__(
        self,
        provider: Provider,
        client: OidcClient,
        verifier: OidcVerifier,
        transport: Callable[[], httpx2.AsyncBaseTransport | None] = lambda: None,
    ) -> None:
        """Fetches nothing yet.

        Args:
            transport: of each request to the token endpoint; None for the network.
        """
        self._provider = provider
        self._client = client
        self._verifier = verifier
        self._transport = transport

    async def begin(self, destination: str) -> tuple[str, SignInRequest]:
        """The address at the provider to send the browser to.

        Raises:
            OutageError, SetupError: the provider does not answer, or is another one.
        """
        described = await self._verifier.description()
        state, nonce, verifier = (secrets.token_urlsafe(RANDOM_BYTES) for _ in range(3))
        async with self._oauth(described) as oauth:
            url, _ = oauth.create_authorization_url(
                _endpoint(described, "authorization_endpoint"), state=state, nonce=nonce, code_verifier=verifier
            )
        return str(url), SignInRequest(state, nonce, verifier, destination)

    async def finish(self, asked: SignInRequest | None, answer: Mapping[str, str]) -> Principal:
        """The person whom the provider's answer names, with the roles of its token.

        Args:
            asked: of the same browser; None where it has none, or one that is too old.
            answer: query parameters that the provider sent it back with.

        Raises:
            SignInRefusedError: the answer is not of this sign-in, or not valid.
            OutageError, SetupError: the provider does not answer, or is another one.
        """
        if asked is None:
            message = "the sign-in took too long, or began in another browser"
            raise SignInRefusedError(message)
        self._check(asked, answer)
        described = await self._verifier.description()
        token = await self._token(described, asked, answer["code"])
        claims = await self._identity(token.get("id_token"), asked.nonce)
        return await self._principal(claims, token.get("access_token"))

    async def end_address(self) -> str:
        """Where a person ends the visit at the provider, too; empty where it has no such page, or does not answer."""
        try:
            return str((await self._verifier.description()).get("end_session_endpoint", ""))
        except (ProviderAwayError, SetupError):
            return ""

    def _check(self, asked: SignInRequest, answer: Mapping[str, str]) -> None:
        if not hmac.compare_digest(answer.get("state", "").encode("utf-8", "replace"), asked.state.encode()):
            message = "the answer of the provider is not of this sign-in"
            raise SignInRefusedError(message)
        if answer.get("iss", self._provider.issuer) != self._provider.issuer:
            message = "the answer is of another provider"
            raise SignInRefusedError(message)
        if "error" in answer:
            code = answer["error"] if ERROR_CODE.fullmatch(answer["error"]) else "unknown_error"
            message = f"the provider refused: {code.replace('_', ' ')}"
            raise SignInRefusedError(message)
        if not 0 < len(answer.get("code", "")) <= LONGEST_CODE:
            message = "the answer of the provider has no code"
            raise SignInRefusedError(message)

    async def _token(self, described: Mapping[str, Any], asked: SignInRequest, code: str) -> Mapping[str, Any]:
        try:
            async with self._oauth(described) as oauth:
                found: Mapping[str, Any] = await oauth.fetch_token(
                    _endpoint(described, "token_endpoint"),
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=asked.code_verifier,
                )
        except OAuthError as fault:
            # Its description may be anything; its code is a word of RFC 6749.
            known = ERROR_CODE.fullmatch(str(fault.error))
            log.warning("sign_in.refused", why=str(fault.error) if known else "unknown_error")
            message = "the provider does not accept the code: it was used before, or is too old"
            raise SignInRefusedError(message) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as cause:
            log.warning("dependency.lost", dependency=ProviderAwayError.dependency, error=type(cause).__name__)
            raise ProviderAwayError from cause
        return found

    async def _identity(self, id_token: object, nonce: str) -> Mapping[str, Any]:
        client_id = self._client.client_id
        claims = await self._verifier.verified_claims(id_token, client_id) if isinstance(id_token, str) else None
        # A token for several audiences says in `azp` for whom it was made (OpenID Connect Core, 3.1.3.7).
        if claims is None or claims.get("azp", client_id) != client_id:
            message = "the provider's token is not valid"
            raise SignInRefusedError(message)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode("utf-8", "replace"), nonce.encode()):
            message = "the provider's token is not of this sign-in"
            raise SignInRefusedError(message)
        return claims

    async def _principal(self, claims: Mapping[str, Any], access_token: object) -> Principal:
        """Roles of the ID token; of the access token where that one names none, as some providers have it."""
        named = principal_of(claims, self._provider.roles_claim)
        if not named.roles and isinstance(access_token, str):
            bearer = await self._verifier.principal(access_token)
            named = bearer if bearer is not None and bearer.name == named.name else named
        if not named.roles:
            message = "your account has none of the desk's roles: an administrator of the provider gives them"
            raise SignInRefusedError(message)
        return named

    def _oauth(self, described: Mapping[str, Any]) -> AsyncOAuth2Client:
        client, methods = self._client, described.get("token_endpoint_auth_methods_supported", [BASIC])
        method = POST if BASIC not in methods and POST in methods else BASIC
        return AsyncOAuth2Client(
            client_id=client.client_id,
            client_secret=client.client_secret or None,
            token_endpoint_auth_method=method if client.client_secret else "none",
            scope=client.scope,
            redirect_uri=client.redirect_uri,
            code_challenge_method="S256",
            timeout=FETCH_S,
            transport=self._transport(),
        )


def _endpoint(described: Mapping[str, Any], name: str) -> str:
    found = described.get(name)
    if not isinstance(found, str) or not found:
        raise BearerOnlyProviderError(name)
    return found
