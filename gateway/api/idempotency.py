"""Applications that were decided before: their earlier decision, or a conflict if the values differ.

The gateway's own memory is checked first (`PendingDecisions`); this queries the ledger for applications from before a
restart or of another gateway. A decision carries the values that were scored, which are compared; other fields cannot
be.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.exchange.exchange import Submission
from gateway.exchange.pending_decisions import BodyConflictError, Decision
from gateway.gateway_parts import Gateway
from schemas.applications import from_records
from schemas.contract.contract import Contract, Kind


async def earlier_decisions(gateway: Gateway, submissions: Sequence[Submission]) -> dict[int, Decision]:
    """By place, the decisions of named applications that this gateway does not know and the ledger does.

    Raises:
        BodyConflictError: a decision was made on other values; its argument is the place.
        OutageError, SetupError: the ledger cannot be queried.
    """
    asked = {
        place: submission
        for place, submission in enumerate(submissions)
        if submission.named and gateway.exchange.pending.get(submission.application_id) is None
    }
    if gateway.ledger is None or not asked:
        return {}
    known = await gateway.ledger.decisions([each.application_id for each in asked.values()])
    found = {place: known[each.application_id] for place, each in asked.items() if each.application_id in known}
    for place, decision in found.items():
        if not same_values(gateway.contract, asked[place].record, decision):
            raise BodyConflictError(place)
    return found


def same_values(contract: Contract, record: Mapping[str, Any], decision: Decision) -> bool:
    """False if a value that was scored is another one in the record; what was not scored is not compared."""
    row = from_records(contract, [record]).values[0]
    return all(
        _value(contract, row, each["feature"]) == each["value"]
        for each in decision["contributions"]
        if each["feature"] in contract.position
    )


def _value(contract: Contract, row: Any, name: str) -> float | str | None:
    field, value = contract.field(name), float(row[contract.position[name]])
    if math.isnan(value):
        return None
    return field.levels[int(value)] if field.kind is Kind.CATEGORY else value
