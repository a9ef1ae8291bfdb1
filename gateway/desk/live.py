"""The page Live: current activity, rendered by the server and sent again as it changes (server-sent events)."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from gateway.access.roles import OBSERVE
from gateway.desk.desk import CSP, Desk, Route
from gateway.desk.live_charts import heat_map, rate_chart
from gateway.desk.visits.session import DeskSession
from gateway.problems import Problem
from schemas.events.decisions import Outcome

EVERY_S: Final = 1.0
MOST_WATCHERS: Final = 100
"""Browsers at once: each holds a connection."""
RETRY_MS: Final = 3_000
"""A browser whose stream broke off asks again after so long."""
SHOWN: Final = (Outcome.APPROVE, Outcome.REFER, Outcome.DECLINE)


class LiveRoom:
    """Endpoints of the room. Belongs to the event loop."""

    def __init__(self, desk: Desk, clock: Callable[[], float] = time.monotonic) -> None:
        """Renders nothing yet."""
        self._desk = desk
        self._live = desk.gateway.live
        self._clock = clock
        self._watchers = 0
        self._rendered: Mapping[str, str] = {}
        self._due = float("-inf")
        self._parts: Mapping[str, Callable[[], Mapping[str, Any]]] = {
            "figures": self._figures,
            "champions": self._champions,
            "retraining": self._retraining,
            "windows": self._windows,
        }

    def routes(self) -> list[Route]:
        return [
            ("GET", "/desk/live", self.page),
            ("GET", "/desk/live/events", self.events),
        ]

    async def page(self, request: Request) -> Response:
        """All parts as they are now; a script keeps them so, and without one the page is loaded again."""
        session = self._desk.visit(request, OBSERVE)
        context = {name: value for part in self._parts.values() for name, value in part().items()}
        return self._desk.page(request, session, "live.html", parts=list(self._parts), **context)

    async def events(self, request: Request) -> Response:
        """The parts that have changed, every second, until the visit ends, or the browser or the gateway goes."""
        session = self._desk.visit(request, OBSERVE)
        if self._watchers >= MOST_WATCHERS:
            detail = "too many browsers watch; load the page again instead"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-watchers", detail, headers={"Retry-After": "60"})
        headers = {"Content-Security-Policy": CSP, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._stream(session), media_type="text/event-stream", headers=headers)

    async def _stream(self, session: DeskSession) -> AsyncIterator[str]:
        self._watchers += 1
        sent: dict[str, str] = {}
        try:
            yield f"retry: {RETRY_MS}\n\n"
            while not self._live.closing() and self._desk.sessions.live(session):
                for name, html in self._render().items():
                    if sent.get(name) != html:
                        sent[name] = html
                        yield _event(name, html)
                await asyncio.sleep(EVERY_S)
        finally:
            self._watchers -= 1

    def _render(self) -> Mapping[str, str]:
        """The parts as HTML: rendered once in `EVERY_S`, however many watch."""
        now = self._clock()
        if now >= self._due:
            self._due = now + EVERY_S
            self._rendered = {
                name: self._desk.part(f"live_{name}.html", **part()) for name, part in self._parts.items()
            }
        return self._rendered

    def _figures(self) -> Mapping[str, Any]:
        figures, lag = self._live.activity.figures(), self._live.lag
        sampled = sum(figures.outcomes.values())
        shares = {outcome.lower(): figures.outcomes.get(outcome, 0) / sampled for outcome in SHOWN if sampled}
        return {
            "figures": figures,
            "rate": rate_chart(figures.counts),
            "shares": shares,
            "sampled": sampled,
            "lag": (lag.records(), lag.seconds()) if lag.known else None,
        }

    def _windows(self) -> Mapping[str, Any]:
        reports = self._live.events.reports.latest()
        labels = {field.name: field.label for field in self._desk.gateway.contract.observed}
        return {"reports": reports, "heat": heat_map(reports), "labels": labels}

    def _champions(self) -> Mapping[str, Any]:
        slot = self._desk.gateway.champion.holder
        return {"champions": self._live.events.champions.latest(), "deciding": slot.version if slot else ""}

    def _retraining(self) -> Mapping[str, Any]:
        events = self._live.events
        results = {each["command_id"]: each for each in events.results.latest()}
        return {"commands": [(each, results.get(each["command_id"])) for each in events.commands.latest()]}


def _event(name: str, html: str) -> str:
    """In the format of server-sent events: a line of data for each line."""
    data = "".join(f"data: {line}\n" for line in html.splitlines())
    return f"event: {name}\n{data}\n"
