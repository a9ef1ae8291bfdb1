"""A desk whose people sign in at the provider's double."""

from typing import Any

import httpx2

from gateway.access.access_guard import AccessGuard
from gateway.access.oidc import OidcVerifier, Provider
from gateway.access.oidc_sign_in import OidcClient, OidcSignIn
from gateway.access.rate_limit import RateLimiter
from tests.doubles.gateway import GatewayDouble, a_gateway
from tests.doubles.oidc_provider import AUDIENCE, CLIENT_ID, CLIENT_SECRET, OidcProviderDouble

ISSUER = "https://id.example"
PUBLIC_URL = "https://desk.example"


def an_oidc_desk(
    idp: OidcProviderDouble, issuer: str = ISSUER, public_url: str = PUBLIC_URL, **parts: Any
) -> GatewayDouble:
    """A gateway; it asks the double in this process, whatever its address."""
    app = idp.app()

    def transport() -> httpx2.ASGITransport:
        return httpx2.ASGITransport(app=app)

    provider = Provider(issuer, AUDIENCE, "roles")
    verifier = OidcVerifier(provider, lambda: httpx2.AsyncClient(transport=transport()))
    secret = "" if idp.public_client else CLIENT_SECRET
    client = OidcClient(CLIENT_ID, secret, idp.redirect_uri, "openid profile")
    return a_gateway(
        lambda: AccessGuard(None, verifier, RateLimiter(0)),
        sign_in=OidcSignIn(provider, client, verifier, transport),
        oidc_issuer=issuer,
        oidc_client_id=CLIENT_ID,
        gateway_public_url=public_url,
        **parts,
    )
