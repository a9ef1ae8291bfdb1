"""Dead letters: records that could not be read or scored, set aside with their bytes and the reason.

Headers are those that Kafka Connect writes (`__connect.errors.*`, KIP-298), so that its tools
read them, and this project's `reason` and `field`. They name faults of this project, never a foreign exception's
message and never a value: those may contain an applicant's data.

A letter always fits: what exceeds the limits stays at its source, and the letter says so. Headers of
the producer's with a name of this project's are dropped, so that each of these occurs once. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from schemas.applications import Fault, Faults
from schemas.codec.application_decoder import DecodedBatch
from schemas.codec.record_limits import USUAL, RecordLimits, size_of
from schemas.contract.contract import Contract
from schemas.records import Headers, OutgoingRecord, RecordBatch

CONNECT: Final = "__connect.errors."
UNREADABLE_STAGE: Final = "VALUE_CONVERTER"
UNSCORABLE_STAGE: Final = "TRANSFORMATION"
LEFT: Final = {part: f"{part}_left_at_source" for part in ("value", "headers", "key")}
"""Headers that name the parts of the record that the letter does not carry."""
OWN: Final = frozenset(
    {
        *(
            CONNECT + name
            for name in (
                "topic",
                "partition",
                "offset",
                "connector.name",
                "task.id",
                "stage",
                "class.name",
                "exception.class.name",
                "exception.message",
            )
        ),
        "reason",
        "field",
        *LEFT.values(),
    }
)
"""Every header that a letter of this project may carry, by its full name."""


@dataclass(frozen=True, slots=True)
class DeadLetterOffice:
    """Destination of dead letters, and whether they carry the bytes or only their coordinates."""

    topic: str
    contract: Contract
    keep_bytes: bool = True
    limits: RecordLimits = USUAL
    """Larger parts stay at their source."""

    def bare(self) -> Self:
        """The same; its letters name the records' coordinates, and carry nothing of the records."""
        return replace(self, limits=RecordLimits(value_bytes=0, header_bytes=0))

    def letters(
        self, batch: RecordBatch, decoded: DecodedBatch, found: Faults, unscorable: npt.NDArray[np.int64]
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
        foreign = tuple(header for header in batch.headers[place] if header[0] not in OWN)
        key, value = batch.keys[place], batch.values[place] if self.keep_bytes else None
        left = {
            "value": len(value or b"") > self.limits.value_bytes,
            "headers": size_of(foreign) > self.limits.header_bytes,
            "key": len(key or b"") > self.limits.header_bytes,
        }
        return OutgoingRecord(
            topic=self.topic,
            key=None if left["key"] else key,
            value=None if left["value"] else value,
            headers=(
                *(() if left["headers"] else foreign),
                *_why(batch, place, stage, reason, field),
                *((LEFT[part], b"true") for part, stays in left.items() if stays),
            ),
        )


def _why(batch: RecordBatch, place: int, stage: str, reason: str, field: str) -> Headers:
    # Readers filter by the class names, so they stay as they were first written, whatever our modules are called.
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
