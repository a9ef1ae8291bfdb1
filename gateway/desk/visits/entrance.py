"""Sign in by API key or at the OpenID provider, and sign out."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from gateway.access.oidc import OidcVerifier, Provider
from gateway.access.oidc_sign_in import OidcClient, OidcSignIn, SignInRefusedError
from gateway.access.roles import Principal
from gateway.desk.desk import ROOMS, Desk, Route, SignInNeededError
from gateway.desk.visits.destination import HOME, destination
from gateway.desk.visits.session import COOKIE, SIGN_IN_COOKIE, SIGN_IN_S
from gateway.problems import Problem
from gateway.settings import GatewaySettings

SIGN_IN: Final = "/desk/sign-in"
CALLBACK: Final = "/desk/sign-in/callback"
"""Where the provider sends the browser back to: registered there."""
NEXT: Final = "next"


class Entrance:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._gateway = desk.gateway

    def routes(self) -> list[Route]:
        return [
            ("GET", "/", self.door),
            ("GET", HOME, self.home),
            ("GET", SIGN_IN, self.form),
            ("POST", SIGN_IN, self.by_key),
            ("GET", f"{SIGN_IN}/provider", self.to_provider),
            ("GET", CALLBACK, self.from_provider),
            ("POST", "/desk/sign-out", self.sign_out),
        ]

    async def door(self) -> Response:
        """To the desk, whose cookie is sent there alone."""
        return RedirectResponse(HOME, HTTPStatus.SEE_OTHER)

    async def home(self, request: Request) -> Response:
        session = self._desk.visit(request, frozenset().union(*(roles for _, _, roles in ROOMS)))
        first = next(path for path, _, roles in ROOMS if session.principal.roles & roles)
        return self._desk.to(request, first, session)

    async def form(self, request: Request) -> Response:
        """What a person may sign in with."""
        return self._page(destination(request.query_params.get(NEXT, "")))

    async def by_key(self, request: Request) -> Response:
        typed = await self._desk.fields(request)
        principal = self._gateway.guard.holder_of(typed.get("key", "").strip())
        wanted = destination(typed.get(NEXT, ""))
        if principal is None:
            return self._page(wanted, HTTPStatus.UNAUTHORIZED, refused=True)
        return self._desk.to(request, wanted, self._desk.sessions.begin(principal))

    async def to_provider(self, request: Request) -> Response:
        """To the provider, with a cookie that the way back is held to."""
        url, asked = await self._provider().begin(destination(request.query_params.get(NEXT, "")))
        response = RedirectResponse(url, HTTPStatus.SEE_OTHER)
        response.set_cookie(
            SIGN_IN_COOKIE,
            self._desk.sessions.sign_in_cookie(asked),
            max_age=SIGN_IN_S,
            path=SIGN_IN,
            httponly=True,
            samesite="lax",
            secure=self._desk.secure(request),
        )
        return response

    async def from_provider(self, request: Request) -> Response:
        """The provider's answer: a visit begins, or the reason why not. Its cookie serves once."""
        provider, cookie = self._provider(), request.cookies.get(SIGN_IN_COOKIE)
        asked = self._desk.sessions.read_sign_in(cookie)
        try:
            principal = await provider.finish(asked, request.query_params)
        except SignInRefusedError as fault:
            response = self._page(HOME, HTTPStatus.FORBIDDEN, problem=str(fault))
        else:
            response = self._welcome(request, principal, asked.destination if asked else HOME)
        response.delete_cookie(SIGN_IN_COOKIE, path=SIGN_IN)
        return response

    async def sign_out(self, request: Request) -> Response:
        """The visit ends, at this gateway for copies of its cookie, too; the provider's own is the person's to end."""
        session = self._desk.sessions.read(request.cookies.get(COOKIE))
        if session is None:
            return RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER)
        await self._desk.form(request, session)
        self._desk.sessions.end(session)
        response = self._desk.public_page("signed_out.html", elsewhere=await self._elsewhere())
        response.delete_cookie(COOKIE, path=HOME)
        return response

    async def _elsewhere(self) -> str:
        provider, settings = self._gateway.sign_in, self._gateway.settings
        address = await provider.end_address() if provider else ""
        asked = {"client_id": settings.oidc_client_id, "post_logout_redirect_uri": f"{settings.public_url()}{SIGN_IN}"}
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}" if address else ""

    def _welcome(self, request: Request, principal: Principal, wanted: str) -> Response:
        # A page and no redirection: a browser sends a SameSite=Strict cookie after a step of this site's own only.
        session = self._desk.sessions.begin(principal)
        page = self._desk.public_page("signed_in.html", destination=destination(wanted))
        return self._desk.keep(request, session, page)

    def _page(self, wanted: str, status: int = HTTPStatus.OK, **said: Any) -> Response:
        context: Mapping[str, Any] = {"refused": False, "problem": "", **said}
        return self._desk.public_page(
            "sign_in.html",
            status,
            by_key=self._gateway.guard.takes_keys,
            by_provider=self._gateway.sign_in is not None,
            wanted=wanted,
            **context,
        )

    def _provider(self) -> OidcSignIn:
        if self._gateway.sign_in is None:
            detail = "no OpenID provider is set up for the desk: set LOAN_OIDC_CLIENT_ID"
            raise Problem(HTTPStatus.NOT_FOUND, "no-provider", detail)
        return self._gateway.sign_in


async def ask_who(request: Request, fault: Exception) -> Response:
    """Starlette's handler of `SignInNeededError`: to the sign-in, and from there to what was asked for."""
    assert isinstance(fault, SignInNeededError)  # noqa: S101 - registered for this class alone
    wanted = destination(fault.asked)
    address = SIGN_IN if wanted == HOME else f"{SIGN_IN}?{urlencode({NEXT: wanted})}"
    if "hx-request" in request.headers:
        # A script would put the page where a part was to be.
        return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": address})
    if "text/event-stream" in request.headers.get("accept", ""):
        return Response(status_code=HTTPStatus.UNAUTHORIZED)
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


def provider_sign_in(settings: GatewaySettings, provider: Provider, tokens: OidcVerifier | None) -> OidcSignIn | None:
    """The way in at this provider; None where the settings name no client of it."""
    if tokens is None or not settings.oidc_client_id:
        return None
    secret = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else ""
    redirect = f"{settings.public_url()}{CALLBACK}"
    return OidcSignIn(provider, OidcClient(settings.oidc_client_id, secret, redirect, settings.oidc_scopes), tokens)
