"""Where the page Drift has its reports from: the ledger, or what the gateway has heard since its start."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.gateway_parts import Gateway
from ledger.query import history

LAST: Final = 48
MOST: Final = 200
"""Windows of one page, which takes a third of a second then."""

Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reports:
    """The latest first."""

    windows: Sequence[Report]
    checks: Sequence[Report]
    """Performance reports; none without a ledger."""


class DriftSource:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def latest(self, last: int) -> Reports:
        """So many windows, and as many performance checks. Raises OutageError, SetupError."""
        if self._gateway.ledger is None:
            return Reports(self._gateway.live.events.reports.latest()[:last], ())
        return await asyncio.to_thread(self._latest, last)

    async def window(self, window_id: str) -> Report | None:
        """One window; None where it is not known. Raises OutageError, SetupError."""
        heard = self._gateway.live.events.reports.latest()
        found = next((each for each in heard if each["window_id"] == window_id), None)
        return found if found or self._gateway.ledger is None else await asyncio.to_thread(self._window, window_id)

    def _latest(self, last: int) -> Reports:
        ledger, product = self._gateway.ledger, self._gateway.contract.product
        assert ledger is not None  # noqa: S101 - asked for with a ledger alone
        with ledger.database.read_transaction() as connection:
            return Reports(
                history.drift_reports_of(connection, product, last),
                history.performance_reports_of(connection, product, last),
            )

    def _window(self, window_id: str) -> Report | None:
        ledger = self._gateway.ledger
        assert ledger is not None  # noqa: S101 - asked for with a ledger alone
        with ledger.database.read_transaction() as connection:
            return history.drift_report(connection, window_id)
