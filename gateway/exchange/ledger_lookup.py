"""Decisions that the ledger has: of applications from before this gateway's time, or another's.

Queries block, so each runs in a thread.
"""

import asyncio
from typing import Final

from gateway.exchange.board import Decision
from ledger.query import queries
from ledger.sql.database import Database
from schemas.codec.event_codec import as_record

LEDGER: Final = "ledger"


class LedgerLookup:
    """Reads one ledger; connects when first asked."""

    def __init__(self, url: str) -> None:
        """Connect nothing.

        Raises:
            SetupError: the URL names no database of a ledger.
        """
        self.database = Database(url)

    async def decision(self, application_id: str) -> Decision | None:
        """The first decision on an application, as Avro gives it; None where the ledger has none (yet).

        Raises:
            OutageError: the database does not answer.
            SetupError: it has no tables of a ledger.
        """
        return await asyncio.to_thread(self._decision, application_id)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def _decision(self, application_id: str) -> Decision | None:
        with self.database.read_transaction() as connection:
            found = queries.decision(connection, application_id)
        return None if found is None else as_record(found.event)
