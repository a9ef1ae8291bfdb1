"""Decisions from the ledger: of applications from before this gateway's start, or of another gateway.

Queries block, so each runs in a thread.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from gateway.exchange.pending_decisions import Decision
from ledger.query import queries
from ledger.sql.database import Database
from schemas.codec.event_codec import as_record

LEDGER: Final = "ledger"
ANSWER_S: Final = 10.0
"""Every room of the desk asks for what an index finds, or for half a second's reading at most."""


class LedgerLookup:
    """Reads one ledger; connects at the first call."""

    def __init__(self, url: str, answer_s: float = ANSWER_S) -> None:
        """Connect nothing.

        Args:
            answer_s: a database that does not answer for so long is away.

        Raises:
            SetupError: the URL names no database of a ledger.
        """
        self.database = Database(url, answer_s)

    async def decision(self, application_id: str) -> Decision | None:
        """The first decision on an application, as Avro gives it; None where the ledger has none (yet).

        Raises:
            OutageError: the database does not answer.
            SetupError: it has no tables of a ledger.
        """
        return (await self.decisions([application_id])).get(application_id)

    async def decisions(self, application_ids: Sequence[str]) -> dict[str, Decision]:
        """The first decision on each application that has one, by application id; faults as of `decision`."""
        return await asyncio.to_thread(self._decisions, application_ids)

    def close(self) -> None:
        self.database.close()

    def _decisions(self, application_ids: Sequence[str]) -> dict[str, Decision]:
        with self.database.read_transaction() as connection:
            found = queries.first_decisions(connection, application_ids)
        return {name: as_record(each.event) for name, each in found.items()}
