"""Records that upstream systems should not send and do: one of each kind, and what must become of it.

Pure: a good application in, bad ones out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import fastavro

from loanctl.simulation.playback import PlaybackCodec
from schemas.applications import Fault
from schemas.codec.wire_format import HEADER, MAGIC, frame
from schemas.records import OutgoingRecord

NOBODYS_SCHEMA_ID: Final = 2_000_000_000
RUBBISH_BYTES: Final = 900_000
"""As much as a broker takes by default, less a margin for the record's own frame."""
LOST_BYTES: Final = 9
LEFT_OUT: Final = "person_income"
"""The required field that a stranger's schema does not have."""


@dataclass(frozen=True, slots=True)
class Bad:
    kind: str
    value: bytes | None
    reason: str | None
    """Of the dead letter that it must become; None where it must be decided without one."""

    @property
    def decided(self) -> bool:
        """Whether there must be a decision, too: it can be read."""
        return self.reason is None or self.reason in {fault.reason for fault in Fault}


def bad_records(good: Mapping[str, Any], writing: PlaybackCodec, stranger_id: int) -> tuple[Bad, ...]:
    """One of each kind; ids of those that have one are made of the good one's.

    Args:
        stranger_id: under which the registry knows `stranger_schema`.
    """
    schema: Any = fastavro.parse_schema(dict(writing.contract.schema))
    schema_id = writing.application_schema_id

    def variant(kind: str, reason: str | None, **fields: Any) -> Bad:
        name = f"{good[writing.contract.id_field]}-{kind.replace(' ', '-')}"
        record = {**good, writing.contract.id_field: name, **fields}
        return Bad(kind, frame(schema_id, schema, record), reason)

    stated = frame(schema_id, schema, good)
    stranger: Any = fastavro.parse_schema(stranger_schema(writing.contract.schema))
    return (
        Bad("not Avro", b'{"person_income": 59000}', "not_framed"),
        Bad("another magic byte", b"\x01" + stated[1:], "not_framed"),
        Bad("rubbish", b"\x7f" * RUBBISH_BYTES, "oversized"),
        Bad("a schema id of nobody's", HEADER.pack(MAGIC, NOBODYS_SCHEMA_ID) + stated[HEADER.size :], "unknown_schema"),
        Bad("a schema of another subject", frame(stranger_id, stranger, good), "foreign_schema"),
        Bad("cut short", stated[:-LOST_BYTES], "undecodable"),
        Bad("a tombstone", None, "tombstone"),
        Bad("no id", frame(schema_id, schema, {**good, writing.contract.id_field: ""}), "nameless"),
        variant("no income", "out_of_range", person_income=Decimal(0)),
        variant("negative income", "out_of_range", person_income=Decimal(-100)),
        variant("123 years in the job", "out_of_range", person_emp_length=123.0),
        variant("not a number", "not_finite", person_emp_length=float("nan")),
        variant("infinite", "not_finite", person_emp_length=float("inf")),
        variant("a ratio of other numbers", "contradictory", loan_percent_income=42.0),
        variant("an unknown intent", "unknown_level", loan_intent="YACHT"),
    )


def stranger_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The application schema of an upstream system that leaves out a required field."""
    return {**schema, "fields": [field for field in schema["fields"] if field["name"] != LEFT_OUT]}


def outgoing_records(bad: tuple[Bad, ...], topic: str) -> list[OutgoingRecord]:
    """As they are sent, each under its kind as key."""
    return [OutgoingRecord(topic, item.kind.encode(), item.value) for item in bad]
