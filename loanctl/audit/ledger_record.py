"""What the ledger has on an application: its first decision, and what came before and after."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import fastavro

from ledger.query.history import ApplicationHistory, application_history
from ledger.settings import LedgerConnection
from ledger.sql.database import Database, DatabaseSetupError
from schemas.codec.event_codec import as_record, avro_schema
from schemas.codec.wire_format import frame
from schemas.errors import OutageError
from schemas.events.decisions import LoanDecision
from scorecard.decisions.reproduction import DecisionCopy, own_decision

ANY_ID: Final = 1
"""Schema id of bytes that no registry sees."""


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    history: ApplicationHistory | None = None
    problem: str = ""
    """Why there is none; empty where the ledger answered."""


def ledger_record(settings: LedgerConnection, application_id: str) -> LedgerRecord:
    """All that the ledger knows; what keeps it from answering is part of the answer, for the topics answer too."""
    try:
        database = Database(settings.ledger_url.get_secret_value())
        if _lacks_file(database):
            return LedgerRecord(problem="LOAN_LEDGER_URL names a file that is not there")
        try:
            with database.read_transaction() as connection:
                return LedgerRecord(application_history(connection, application_id))
        finally:
            database.close()
    except (OutageError, DatabaseSetupError) as fault:
        return LedgerRecord(problem=str(fault) or type(fault).__name__)


def decision_copy(decision: LoanDecision) -> DecisionCopy:
    """A decision of the ledger as it would be read from its topic; of its bytes nothing is known."""
    return DecisionCopy(None, own_decision(frame(ANY_ID, _parsed_schema(), as_record(decision))))


def history_facts(history: ApplicationHistory) -> dict[str, Any]:
    """As JSON can tell it: without what the decision says itself."""
    return {
        "decisions": [
            {
                "decision_id": each.event.decision_id,
                "partition": each.partition,
                "offset": each.offset,
                "link": each.chain,
            }
            for each in history.decisions
        ],
        "reviews": [as_record(each.event) for each in history.reviews],
        "outcomes": [as_record(each.event) for each in history.outcomes],
        "dead_letters": [as_record(each) for each in history.dead_letters],
        "windows": [as_record(each) for each in history.windows],
        "announcements": [as_record(each.event) for each in history.scorecards],
    }


def _lacks_file(database: Database) -> bool:
    # SQLite would make the file, and an audit leaves nothing behind.
    url = database.engine.url
    return url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()


@lru_cache(maxsize=1)
def _parsed_schema() -> Mapping[str, Any]:
    parsed: Any = fastavro.parse_schema(dict(avro_schema(LoanDecision)))
    return parsed  # type: ignore[no-any-return]  # a parsed record schema is a dict
