"""The desk's routes: the entrance, static files, and every room."""

from fastapi import FastAPI
from fastapi.responses import Response
from starlette.staticfiles import StaticFiles

from gateway.desk.apply import ApplyRoom
from gateway.desk.desk import STATIC, Desk, SignInNeededError
from gateway.desk.drift.drift_room import DriftRoom
from gateway.desk.live import LiveRoom
from gateway.desk.override_room import OverrideRoom
from gateway.desk.review import ReviewRoom
from gateway.desk.scorecards import ScorecardRoom
from gateway.desk.visits.entrance import Entrance, ask_who
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
    desk = Desk(gateway)
    drift = DriftRoom(desk)
    app.include_router(drift.api())
    rooms = Entrance(desk), ReviewRoom(desk), OverrideRoom(desk), ApplyRoom(desk), ScorecardRoom(desk), LiveRoom(desk)
    for room in (*rooms, drift):
        for method, path, endpoint in room.routes():
            app.add_api_route(path, endpoint, methods=[method], response_model=None, include_in_schema=False)
    app.mount("/desk/static", Immutable(directory=STATIC), name="static")

    app.add_exception_handler(SignInNeededError, ask_who)
    return desk
