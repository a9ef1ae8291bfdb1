"""Shared by all pages of the desk: templates, the visit, forms, and access."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway.access.roles import OBSERVE, CallerRole
from gateway.api.request_bodies import FORM, body_of
from gateway.desk.drift.report_text import FILTERS
from gateway.desk.page_templates import environment_of
from gateway.desk.visits.session import COOKIE, DeskSession, Sessions
from gateway.exchange.ledger_lookup import LedgerLookup
from gateway.gateway_parts import Gateway
from gateway.problems import Problem

STATIC: Final = Path(__file__).parent / "static"
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MOST_FIELDS: Final = 200
Route = tuple[str, str, Callable[..., Awaitable[Response]]]
"""Method, path, endpoint."""
ROOMS: Final = (
    ("/desk/apply", "Apply", frozenset({CallerRole.APPLICANT_SYSTEM, CallerRole.OFFICER})),
    ("/desk/review", "Review", frozenset({CallerRole.OFFICER})),
    ("/desk/overrides", "Overrides", frozenset({CallerRole.OFFICER, CallerRole.AUDITOR})),
    ("/desk/live", "Live", OBSERVE),
    ("/desk/drift", "Drift", OBSERVE),
    ("/desk/scorecards", "Scorecards", frozenset({CallerRole.OFFICER, CallerRole.AUDITOR, CallerRole.OPERATOR})),
    ("/desk/audit", "Audit", frozenset({CallerRole.OFFICER, CallerRole.AUDITOR})),
)


class SignInNeededError(Exception):
    """The visitor must sign in first."""

    def __init__(self, asked: str) -> None:
        """`asked` is the address that was asked for, as the browser sent it."""
        super().__init__()
        self.asked = asked


class Desk:
    """Renders pages and knows visits. Belongs to the event loop."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.sessions = Sessions(gateway.settings.session_secret(), lifetime_s=gateway.settings.gateway_session_s)

    def visit(self, request: Request, allowed: frozenset[CallerRole]) -> DeskSession:
        """The visit of a caller with access.

        Raises:
            SignInNeededError: there is none.
            Problem: 403 for another role.
        """
        session = self.sessions.read(request.cookies.get(COOKIE))
        if session is None and self.gateway.guard.open:
            session = self.sessions.begin(self.gateway.guard.anybody)
        if session is None:
            raise SignInNeededError(_address(request))
        if not session.principal.roles & allowed:
            raise Problem(HTTPStatus.FORBIDDEN, "forbidden", f"needs one of the roles {', '.join(sorted(allowed))}")
        return session

    def ledger(self) -> LedgerLookup:
        """Raises Problem: 503 without one."""
        if self.gateway.ledger is None:
            detail = "the queue and the time lines come from the ledger: set LOAN_LEDGER_URL"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "no-ledger", detail)
        return self.gateway.ledger

    async def form(self, request: Request, session: DeskSession) -> Mapping[str, str]:
        """The typed values.

        Raises:
            Problem: 403 where the form is not one of this visit; 413, 415, 408 as for any body.
        """
        typed = await self.fields(request)
        if not self.sessions.accepts(session, typed.get("token", "")):
            raise Problem(HTTPStatus.FORBIDDEN, "foreign-form", "the form is not of this visit: open the page again")
        return typed

    async def fields(self, request: Request) -> dict[str, str]:
        """Fields of a form, the last one of each name; those of several values are under `names_of`."""
        return dict(await self.pairs(request))

    async def pairs(self, request: Request) -> list[tuple[str, str]]:
        body = await body_of(request, self.gateway.settings, FORM)
        request.state.pairs = []
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
        except ValueError:
            raise Problem(HTTPStatus.BAD_REQUEST, "malformed-form", "the form cannot be read") from None
        request.state.pairs = pairs
        return pairs

    def page(
        self, request: Request, session: DeskSession, template: str, status: int = HTTPStatus.OK, **context: Any
    ) -> Response:
        """A whole page, or the part of one that a script asked for."""
        html = self.part(
            template,
            **context,
            session=session,
            token=self.sessions.form_token(session),
            rooms=[(path, name) for path, name, roles in ROOMS if session.principal.roles & roles],
            here=request.url.path,
            signed_in=not self.gateway.guard.open,
        )
        return self.keep(request, session, HTMLResponse(html, status, headers={"Content-Security-Policy": CSP}))

    def part(self, template: str, **context: Any) -> str:
        """A piece of a page that knows no visit."""
        product, demo = self.gateway.contract.product, self.gateway.settings.gateway_demo
        return environment().get_template(template).render(**context, product=product, demo=demo)

    def public_page(self, template: str, status: int = HTTPStatus.OK, **context: Any) -> Response:
        html = self.part(template, **context, rooms=[], here="", signed_in=False)
        return HTMLResponse(html, status, headers={"Content-Security-Policy": CSP})

    def docs_page(self, document: Mapping[str, Any]) -> Response:
        return self.public_page("docs.html", document=document, shape=_shape)

    def problem_page(self, problem: Problem) -> Response:
        page = self.public_page("problem.html", problem.status, problem=problem)
        page.headers.update(problem.headers)
        return page

    def to(self, request: Request, path: str, session: DeskSession) -> Response:
        return self.keep(request, session, RedirectResponse(path, HTTPStatus.SEE_OTHER))

    def secure(self, request: Request) -> bool:
        """True where browsers come by TLS, here or in front of the gateway: cookies are sent by TLS alone then."""
        return "https" in (request.url.scheme, urlsplit(self.gateway.settings.public_url()).scheme)

    def keep(self, request: Request, session: DeskSession, response: Response) -> Response:
        """The answer, with the visit's cookie if the browser lacks it."""
        if self.sessions.read(request.cookies.get(COOKIE)) != session:
            response.set_cookie(
                COOKIE,
                self.sessions.cookie(session),
                max_age=self.sessions.lifetime_s,
                path="/desk",
                httponly=True,
                samesite="strict",
                secure=self.secure(request),
            )
        return response


@cache
def environment() -> jinja2.Environment:
    """The templates, each compiled once in a process; `version` is of all static files."""
    version = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(STATIC.rglob("*.*")))).hexdigest()
    templates = environment_of({**FILTERS, "sentence": sentence})
    templates.globals.update(version=version[:12])
    return templates


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def _address(request: Request) -> str:
    """What the browser shows in its address line: of a script's request, its page."""
    current = urlsplit(request.headers.get("hx-current-url", ""))
    if current.path:
        return f"{current.path}?{current.query}" if current.query else current.path
    path, query = quote(request.scope["path"]), request.scope["query_string"].decode("ascii", "replace")
    return f"{path}?{query}" if query else path


def _shape(schema: Mapping[str, Any]) -> str:
    """The constraints of a JSON schema on a value, without its texts."""
    return json.dumps({name: said for name, said in schema.items() if name not in ("description", "title", "default")})
