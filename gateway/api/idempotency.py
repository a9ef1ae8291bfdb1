"""The same key or id twice: the same answer, or a conflict if the values differ.

A key (header `Idempotency-Key`) gives the application its id. Of an id, the gateway's own memory is checked first
(`PendingDecisions.enter`: the digest of the body); this queries the ledger for applications from before a restart or of
another gateway. A decision carries the values that were scored, which are compared; other fields cannot be.
"""

import math
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request

from gateway.access.roles import Principal
from gateway.exchange.exchange import Submission
from gateway.exchange.pending_decisions import BodyConflictError, Decision
from gateway.gateway_parts import Gateway
from gateway.problems import FieldError, invalid
from schemas.applications import from_records
from schemas.contract.contract import Contract, Kind
from scorecard.decisions.reproduction import withholds_values

LONGEST_KEY: Final = 255
KEY_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_OID, "loan.v1.IdempotencyKey")
"""Under it a caller and its key are hashed to the application's id: every gateway comes to the same."""

KEY: Final = "idempotency-key"
KEY_TEXT: Final = "The same key with the same body has the same answer; 409 otherwise."
KEYED: Final[Mapping[str, Any]] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "description": KEY_TEXT,
                "title": "Idempotency-Key",
            },
            "description": KEY_TEXT,
        }
    ]
}
"""Of the OpenAPI document: endpoints read their requests by themselves (`gateway.api.direct_posts`)."""


def derived_id(principal: Principal, request: Request, place: str) -> str:
    """The id of an application that has none of its own: by the caller's key, or a random one.

    Raises:
        Problem: 422, no key of this form.
    """
    key = request.headers.get(KEY)
    if key is None:
        return str(uuid.uuid4())
    if not (key.isascii() and key.isprintable() and 0 < len(key) <= LONGEST_KEY):
        fault = FieldError("/Idempotency-Key", "malformed", f"1 to {LONGEST_KEY} printable ASCII characters")
        raise invalid([fault])
    return str(uuid.uuid5(KEY_NAMESPACE, f"{principal.name}\x1f{key}{place}"))


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
    """False if a value that was scored is another one in the record.

    What was not scored is not compared, and nothing of a sealed application: its decision carries no value.
    """
    if withholds_values(decision):
        return True
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
