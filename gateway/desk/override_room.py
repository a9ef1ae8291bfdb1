"""The page Overrides: how often reviewers decide against the score, by week, reason and officer."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import Request
from fastapi.responses import Response

from gateway.desk.desk import Desk, Route
from gateway.desk.review import READERS
from gateway.exchange.ledger_lookup import LedgerLookup
from ledger.query.override_breakdown import OverrideBreakdown, override_breakdown

WEEKS: Final = (4, 12, 26, 52)
"""Of the form; the second one where none is asked for."""


class OverrideRoom:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        fields = [field for field in desk.gateway.contract.observed if field.reason]
        self._reasons = {reason.code: reason.text for field in fields for reason in field.texts}

    def routes(self) -> list[Route]:
        return [("GET", "/desk/overrides", self.page)]

    async def page(self, request: Request) -> Response:
        session = self._desk.visit(request, READERS)
        ledger = self._desk.ledger()
        asked = request.query_params.get("weeks", "")
        weeks = int(asked) if asked in map(str, WEEKS) else WEEKS[1]
        found = await asyncio.to_thread(_breakdown, ledger, datetime.now(UTC) - timedelta(weeks=weeks))
        return self._desk.page(
            request, session, "overrides.html", found=found, weeks=weeks, choices=WEEKS, reasons=self._reasons
        )


def _breakdown(ledger: LedgerLookup, since: datetime) -> OverrideBreakdown:
    with ledger.database.read_transaction() as connection:
        return override_breakdown(connection, since)
