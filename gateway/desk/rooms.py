"""The desk's routes: sign in and out, static files, and every page."""

from http import HTTPStatus

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from gateway.desk.apply import ApplyRoom
from gateway.desk.desk import ROOMS, STATIC, Desk, SignInNeededError
from gateway.desk.live import LiveRoom
from gateway.desk.review import ReviewRoom
from gateway.desk.scorecards import ScorecardRoom
from gateway.desk.session import COOKIE
from gateway.gateway_parts import Gateway

DAY_S = 86_400


class Immutable(StaticFiles):
    """Files whose addresses carry their version, kept by browsers."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """With a life of a day."""
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they come
        response.headers["Cache-Control"] = f"public, max-age={DAY_S}"
        return response


def furnish(app: FastAPI, gateway: Gateway) -> Desk:
    """Add the desk to the application."""
    desk = Desk(gateway)
    app.include_router(entrance(desk), include_in_schema=False)
    app.include_router(ReviewRoom(desk).router(), include_in_schema=False)
    app.include_router(ApplyRoom(desk).router(), include_in_schema=False)
    app.include_router(ScorecardRoom(desk).router(), include_in_schema=False)
    app.include_router(LiveRoom(desk).router(), include_in_schema=False)
    app.mount("/desk/static", Immutable(directory=STATIC), name="static")

    async def sign_in(_request: Request, _fault: Exception) -> Response:
        return RedirectResponse("/desk/sign-in", HTTPStatus.SEE_OTHER)

    app.add_exception_handler(SignInNeededError, sign_in)
    return desk


def entrance(desk: Desk) -> APIRouter:
    """Sign in and out."""
    routes = APIRouter()

    @routes.get("/")
    @routes.get("/desk")
    async def home(request: Request) -> Response:
        session = desk.visit(request, frozenset().union(*(roles for _, _, roles in ROOMS)))
        first = next(path for path, _, roles in ROOMS if session.principal.roles & roles)
        return desk.to(request, first, session)

    @routes.get("/desk/sign-in")
    async def form() -> Response:
        return desk.sign_in_page()

    @routes.post("/desk/sign-in")
    async def sign_in(request: Request) -> Response:
        typed = await desk.fields(request)
        principal = desk.gateway.guard.holder_of(typed.get("key", "").strip())
        if principal is None:
            return desk.sign_in_page(refused=True)
        return desk.to(request, "/desk", desk.sessions.begin(principal))

    @routes.post("/desk/sign-out")
    async def sign_out() -> Response:
        response = RedirectResponse("/desk/sign-in", HTTPStatus.SEE_OTHER)
        response.delete_cookie(COOKIE, path="/desk")
        return response

    return routes
