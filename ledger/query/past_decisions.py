"""The latest decisions with their loan outcomes, to try other cut-offs on."""

from collections.abc import Iterator, Sequence
from typing import Final

import sqlalchemy as sa

from ledger.sql.ledger_tables import decisions, outcomes
from schemas.events.decisions import Outcome
from scorecard.policy_effect import PastDecision

IDS_AT_ONCE: Final = 500
"""Of one question: a database bounds the values that are bound."""


def latest(connection: sa.Connection, most: int) -> list[PastDecision]:
    """The latest decisions, one for each application among them: its earliest there. The earliest first."""
    wanted = (decisions.c.application_id, decisions.c.outcome, decisions.c.probability)
    query = sa.select(*wanted).order_by(decisions.c.recorded_at.desc()).limit(most)
    found: dict[str, PastDecision] = {}
    for name, outcome, probability in connection.execute(query):
        # From the latest back: the earliest counts, as everywhere.
        found.pop(name, None)
        found[name] = PastDecision(application_id=name, outcome=Outcome(outcome), probability=probability)
    return list(reversed(found.values()))


def ends(connection: sa.Connection, application_ids: Sequence[str]) -> dict[str, bool]:
    """Whether each loan defaulted, if known; of several outcomes the one observed last counts."""
    found: dict[str, bool] = {}
    for some in _pieces(application_ids):
        query = (
            sa.select(outcomes.c.application_id, outcomes.c.defaulted)
            .where(outcomes.c.application_id.in_(some))
            .order_by(outcomes.c.observed_at, outcomes.c.record_partition, outcomes.c.record_offset)
        )
        found.update((name, bool(defaulted)) for name, defaulted in connection.execute(query))
    return found


def _pieces(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), IDS_AT_ONCE):
        yield ids[start : start + IDS_AT_ONCE]
