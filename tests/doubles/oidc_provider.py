"""An OpenID provider that holds its clients to the protocol: single-use codes, PKCE, redirect URI, client secret.

Everybody is signed in at once as `subject`; `forge` changes what a token claims, for tokens that must not hold. Mock
providers that are published check no code verifier, and make no token that is wrong.
"""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

SIGNER = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
CLIENT_ID = "loan-desk"
CLIENT_SECRET = "a secret of the client: 100 % safe"  # noqa: S105 - the double's
AUDIENCE = "loan-gateway"


@dataclass
class OidcProviderDouble:
    issuer: str = "https://id.example"
    redirect_uri: str = "https://desk.example/desk/sign-in/callback"
    subject: str = "u-1"
    roles: list[str] = field(default_factory=lambda: ["officer"])
    public_client: bool = False
    refuse: str = ""
    """Error of each authorization, such as `access_denied`."""
    roles_in_access_token: bool = False
    forge: dict[str, Any] = field(default_factory=dict)
    """Claims of the ID token, over the right ones; None leaves one out."""
    signer: RSAKey = field(default_factory=lambda: SIGNER)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    """Parameters of each authorization request."""
    away: bool = False
    interactive: bool = False
    """A person confirms on a page of the provider, as with most."""

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._describe),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/logout", self._logout),
            ]
        )

    def discovery_document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/logout",
        }

    async def _describe(self, _request: Request) -> Response:
        return Response(status_code=503) if self.away else JSONResponse(self.discovery_document())

    async def _jwks(self, _request: Request) -> Response:
        return JSONResponse({"keys": [SIGNER.as_dict(private=False)]})

    async def _logout(self, _request: Request) -> Response:
        return Response("signed out", media_type="text/plain")

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        right = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": self.redirect_uri}
        if (
            any(asked.get(name) != value for name, value in right.items())
            or asked.get("code_challenge_method") != "S256"
        ):
            return Response("malformed", 400)
        answer = {"state": asked["state"], "iss": self.issuer}
        if self.refuse:
            answer["error"] = self.refuse
        else:
            answer["code"] = secrets.token_urlsafe(16)
            self.codes[answer["code"]] = asked
        address = f"{self.redirect_uri}?{urlencode(answer)}"
        if self.interactive:
            return HTMLResponse(f'<title>Provider</title><a href="{escape(address)}">Go on as {self.subject}</a>')
        return RedirectResponse(address, 303)

    async def _token(self, request: Request) -> Response:
        if self.away:
            return Response(status_code=503)
        sent = dict(parse_qsl((await request.body()).decode()))
        asked = self.codes.pop(sent.get("code", ""), None)
        if not self._knows(request, sent):
            return JSONResponse({"error": "invalid_client"}, 401)
        challenge = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        if (
            asked is None
            or sent.get("grant_type") != "authorization_code"
            or sent.get("redirect_uri") != self.redirect_uri
            or asked["code_challenge"] != base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        ):
            return JSONResponse({"error": "invalid_grant", "error_description": "<b>no</b>"}, 400)
        return JSONResponse(self._tokens(asked))

    def _knows(self, request: Request, sent: dict[str, str]) -> bool:
        if self.public_client:
            return sent.get("client_id") == CLIENT_ID and "authorization" not in request.headers
        given = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
        return given == f"{CLIENT_ID}:{CLIENT_SECRET}"

    def _tokens(self, asked: dict[str, str]) -> dict[str, Any]:
        usual = {"iss": self.issuer, "sub": self.subject, "exp": int(time.time()) + 300}
        identity = {**usual, "aud": CLIENT_ID, "nonce": asked["nonce"]}
        access = {**usual, "aud": AUDIENCE, "roles": self.roles}
        if not self.roles_in_access_token:
            identity["roles"] = self.roles
        return {
            "token_type": "Bearer",
            "access_token": self._encode(access),
            "id_token": self._encode({**identity, **self.forge}),
        }

    def _encode(self, claims: dict[str, Any]) -> str:
        told = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": "k1"}, told, self.signer)
