"""Hypothetical decisions: the worker's exact answer to values without an application; not published.

The record is written, scored and read back by the worker's own code, so that an answer to a what-if question
equals the decision on the same values to the last bit.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import fastavro

from schemas.codec.application_decoder import ApplicationReader
from schemas.codec.event_codec import avro_schema
from schemas.codec.wire_format import frame, unframe
from schemas.contract.contract import Contract
from schemas.events.decisions import LoanDecision
from schemas.records import RecordBatch
from scorecard.decisions.dead_letter_office import DeadLetterOffice
from scorecard.decisions.decision_records import DecisionWriter
from scorecard.decisions.scoring import DecisionCodec, RegisteredScorecard, score_batch, warm
from scorecard.policy import Policy

SCHEMA_ID: Final = 1
"""Of the application and the decision alike: no registry ever sees them."""


class Hypotheticals:
    """Answers what-if questions about applications of one contract. Pure, but that it remembers compiled schemas."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._application: Any = fastavro.parse_schema(dict(contract.schema))
        self._decision: Any = fastavro.parse_schema(dict(avro_schema(LoanDecision)))
        self._codec = DecisionCodec(
            contract=contract,
            reader=ApplicationReader(contract),
            writer=DecisionWriter("", SCHEMA_ID),
            dead_letters=DeadLetterOffice("", contract, keep_bytes=False),
        )

    def warm(self, champion: RegisteredScorecard, policy: Policy) -> None:
        """Compiles, or loads from the cache, every kernel, so that the first question need not wait."""
        warm(champion, policy, self._codec)

    def decisions(
        self, records: Sequence[Mapping[str, Any]], champion: RegisteredScorecard, policy: Policy
    ) -> list[Mapping[str, Any]]:
        """The decision on each record, as Avro gives a `LoanDecision`; of ids and coordinates none means anything."""
        values = [frame(SCHEMA_ID, self._application, record) for record in records]
        scored = score_batch(_batch(values), {SCHEMA_ID: self._application}, champion, policy, self._codec)
        return [self._read(record.value) for record in scored.decisions]

    def _read(self, value: bytes | None) -> Mapping[str, Any]:
        _, body = unframe(value)
        decision: Any = fastavro.schemaless_reader(io.BytesIO(body), self._decision, self._decision)
        return decision  # type: ignore[no-any-return]  # a record schema gives a dict


def _batch(values: Sequence[bytes]) -> RecordBatch:
    count = len(values)
    return RecordBatch(
        topic="",
        keys=[None] * count,
        values=values,
        partitions=[0] * count,
        offsets=list(range(count)),
        timestamps=[0] * count,
        headers=[()] * count,
    )
