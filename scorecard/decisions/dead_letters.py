"""Dead letters: what could not be read or scored, set aside with its bytes and the reason.

Headers are those that Kafka Connect writes (`__connect.errors.*`, KIP-298), so that its tools
read them, and our own `reason` and `field`. They name faults of ours, never a foreign exception's
message and never a value: those may hold what the applicant told us. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.application_decoder import Decoded
from schemas.applications import Fault, Faults
from schemas.contract import Contract
from schemas.records import Headers, OutgoingRecord, RecordBatch

CONNECT: Final = "__connect.errors."
UNREADABLE_STAGE: Final = "VALUE_CONVERTER"
UNSCORABLE_STAGE: Final = "TRANSFORMATION"


@dataclass(frozen=True, slots=True)
class DeadLetterOffice:
    """Where dead letters go, and whether they carry the bytes or only say where these lie."""

    topic: str
    contract: Contract
    keep_bytes: bool = True

    def letters(
        self, batch: RecordBatch, decoded: Decoded, found: Faults, unscorable: npt.NDArray[np.int64]
    ) -> Sequence[OutgoingRecord]:
        """One letter for each unreadable record, then one for each unscorable application."""
        unreadable = [
            self._letter(batch, item.place, UNREADABLE_STAGE, item.error.reason) for item in decoded.unreadable
        ]
        return unreadable + [
            self._letter(
                batch,
                int(decoded.places[row]),
                UNSCORABLE_STAGE,
                Fault(found.codes[row]).reason,
                self.contract.observed[found.columns[row]].name,
            )
            for row in unscorable
        ]

    def _letter(self, batch: RecordBatch, place: int, stage: str, reason: str, field: str = "") -> OutgoingRecord:
        return OutgoingRecord(
            topic=self.topic,
            key=batch.keys[place],
            value=batch.values[place] if self.keep_bytes else None,
            headers=(*batch.headers[place], *_why(batch, place, stage, reason, field)),
        )


def _why(batch: RecordBatch, place: int, stage: str, reason: str, field: str) -> Headers:
    facts = {
        f"{CONNECT}topic": batch.topic,
        f"{CONNECT}partition": str(batch.partitions[place]),
        f"{CONNECT}offset": str(batch.offsets[place]),
        f"{CONNECT}connector.name": "loan-scoring",
        f"{CONNECT}task.id": "0",
        f"{CONNECT}stage": stage,
        f"{CONNECT}class.name": "scorecard.decision",
        f"{CONNECT}exception.class.name": f"schemas.faults.RecordError.{reason}",
        f"{CONNECT}exception.message": reason,
        "reason": reason,
    }
    if field:
        facts["field"] = field
    return tuple((name, value.encode()) for name, value in facts.items())
