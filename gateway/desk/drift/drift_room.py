"""The page Drift: any window by its id, figures over time, a heat map, and what a window's drift is made of."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from gateway.access.access_guard import require_role
from gateway.access.roles import OBSERVE, Principal
from gateway.api.operations import jsonable
from gateway.desk.desk import Desk, Route
from gateway.desk.drift.drift_source import LAST, MOST, DriftSource, Report, Reports
from gateway.desk.drift.drift_views import overview, window_view
from gateway.desk.visits.session import DeskSession
from gateway.problems import Problem

JSON: Final = "json"
PATH: Final = "/desk/drift"

Last = Annotated[int, Query(ge=1, le=MOST, description="The latest so many windows.")]


class DriftRoom:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._source = DriftSource(desk.gateway)
        self._labels = {field.name: field.label for field in desk.gateway.contract.observed}

    def api(self) -> APIRouter:
        """The same figures for machines, with their keys and tokens."""
        routes = APIRouter(tags=["operations"])
        caller = Depends(require_role(self._desk.gateway.guard, OBSERVE))

        @routes.get("/drift/windows", response_model=None)
        async def windows(_: Annotated[Principal, caller], last: Last = LAST) -> JSONResponse:
            """The latest windows: figures over time, PSI by field and window, what the last one's drift is made of."""
            reports = await self._source.latest(last)
            return JSONResponse(await asyncio.to_thread(_plain_overview, reports))

        @routes.get("/drift/windows/{window_id:path}", response_model=None)
        async def window(window_id: str, _: Annotated[Principal, caller]) -> JSONResponse:
            """One window's report, and what its drift is made of."""
            return JSONResponse(jsonable(window_view(await self._report(window_id)).plain()))

        return routes

    def routes(self) -> list[Route]:
        return [
            ("GET", PATH, self.page),
            ("GET", f"{PATH}/{{window_id:path}}", self.window),
        ]

    async def page(self, request: Request) -> Response:
        """The latest windows, or the one whose id was typed."""
        session = self._desk.visit(request, OBSERVE)
        wanted = request.query_params.get("id", "").strip()
        if wanted:
            return self._desk.to(request, f"{PATH}/{quote(wanted, safe='')}", session)
        last = last_of(request.query_params)
        reports = await self._source.latest(last)
        if request.query_params.get("format") == JSON:
            return JSONResponse(await asyncio.to_thread(_plain_overview, reports))
        # In a thread: 200 windows take a third of a second, in which the loop answers others.
        return await asyncio.to_thread(self._overview_page, request, session, reports, last)

    async def window(self, request: Request, window_id: str) -> Response:
        session = self._desk.visit(request, OBSERVE)
        view = window_view(await self._report(window_id))
        if request.query_params.get("format") == JSON:
            return JSONResponse(jsonable(view.plain()))
        return self._desk.page(request, session, "drift_window.html", view=view, labels=self._labels)

    def _overview_page(self, request: Request, session: DeskSession, reports: Reports, last: int) -> Response:
        found = overview(reports.windows, reports.checks)
        context: Mapping[str, Any] = {"found": found, "last": last, "most": MOST, "labels": self._labels}
        return self._desk.page(request, session, "drift.html", **context)

    async def _report(self, window_id: str) -> Report:
        report = await self._source.window(window_id)
        if report is None:
            raise Problem(HTTPStatus.NOT_FOUND, "unknown-window", "no drift report is known under this id")
        return report


def last_of(asked: Mapping[str, str]) -> int:
    """How many windows are asked for; the usual number for what is no number from 1 to `MOST`."""
    text = asked.get("last", "")
    last = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MOST)) else LAST
    return last if 1 <= last <= MOST else LAST


def _plain_overview(reports: Reports) -> Any:
    return jsonable(overview(reports.windows, reports.checks).plain())
