"""The page Drift: any window by its id, figures over time, a heat map, and what a window's drift is made of."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from gateway.access.roles import OBSERVE
from gateway.api.operations import jsonable
from gateway.desk.desk import Desk
from gateway.desk.drift.drift_source import LAST, MOST, DriftSource
from gateway.desk.drift.drift_views import overview, window_view
from gateway.problems import Problem

JSON: Final = "json"
PATH: Final = "/desk/drift"


class DriftRoom:
    """Endpoints of the room."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._source = DriftSource(desk.gateway)
        self._labels = {field.name: field.label for field in desk.gateway.contract.observed}

    def router(self) -> APIRouter:
        """Its routes."""
        routes = APIRouter()
        routes.add_api_route(PATH, self.page, methods=["GET"], response_model=None)
        routes.add_api_route(f"{PATH}/{{window_id:path}}", self.window, methods=["GET"], response_model=None)
        return routes

    async def page(self, request: Request) -> Response:
        """The latest windows, or the one whose id was typed."""
        session = self._desk.visit(request, OBSERVE)
        wanted = request.query_params.get("id", "").strip()
        if wanted:
            return self._desk.to(request, f"{PATH}/{quote(wanted, safe='')}", session)
        last = last_of(request.query_params)
        reports = await self._source.latest(last)
        found = overview(reports.windows, reports.checks)
        if request.query_params.get("format") == JSON:
            return JSONResponse(jsonable(found.plain()))
        context: Mapping[str, Any] = {"found": found, "last": last, "most": MOST, "labels": self._labels}
        return self._desk.page(request, session, "drift.html", quote=_quote, **context)

    async def window(self, request: Request, window_id: str) -> Response:
        """One window in full."""
        session = self._desk.visit(request, OBSERVE)
        report = await self._source.window(window_id)
        if report is None:
            raise Problem(HTTPStatus.NOT_FOUND, "unknown-window", "no drift report is known under this id")
        view = window_view(report)
        if request.query_params.get("format") == JSON:
            return JSONResponse(jsonable(view.plain()))
        return self._desk.page(request, session, "drift_window.html", view=view, labels=self._labels)


def last_of(asked: Mapping[str, str]) -> int:
    """How many windows are asked for; the usual number for what is no number from 1 to `MOST`."""
    text = asked.get("last", "")
    last = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MOST)) else LAST
    return last if 1 <= last <= MOST else LAST


def _quote(text: str) -> str:
    return quote(text, safe="")
