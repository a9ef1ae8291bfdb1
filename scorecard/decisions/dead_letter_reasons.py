"""What each reason of a dead letter means, and what to do about it. Pure.

The words are contract (`schemas.errors.RecordError`, `schemas.applications.Fault`), and each has its text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

UNKNOWN: Final = "unknown"
"""Of a letter whose reason is no word of ours: another program wrote it."""


@dataclass(frozen=True, slots=True)
class ReasonAdvice:
    """A reason in words, for the operator."""

    meaning: str
    remedy: str


_SCHEMA: Final = "Then `loanctl dlq redrive` brings the applications back."
_PRODUCER: Final = "Have the producer mended, and the applications sent again; a redriven record fails again."
_PERSON: Final = (
    "A person decides on it: the application was referred. To have it scored, have upstream send it corrected, under a "
    "new application id."
)

REASON_TEXTS: Final[Mapping[str, ReasonAdvice]] = {
    "tombstone": ReasonAdvice(
        "The record has no value.", f"An application is not withdrawn by a tombstone. {_PRODUCER}"
    ),
    "not_framed": ReasonAdvice(
        "The bytes do not begin with a zero byte and a schema id.",
        f"The producer does not write Confluent's wire format. {_PRODUCER}",
    ),
    "sealed": ReasonAdvice(
        "The application is encrypted, and its key is erased or was not given to the worker.",
        "If it was erased (`loanctl audit log`), nothing is to be done. Else set LOAN_KEYS_URL for the workers, "
        "and redrive.",
    ),
    "unknown_schema": ReasonAdvice(
        "The registry has no schema of the id that the bytes name.",
        f"Register the producer's schema, or have the producer use this registry. {_SCHEMA}",
    ),
    "foreign_schema": ReasonAdvice(
        "The schema is registered, but not under the subject of the applications topic.",
        f"Register it under TOPIC-value if these are applications. {_SCHEMA}",
    ),
    "incompatible_schema": ReasonAdvice(
        "The contract cannot be read by the producer's schema: it lacks a required field, say, or is no record.",
        f"Have the producer write a compatible schema (`loanctl schemas check`). {_PRODUCER}",
    ),
    "undecodable": ReasonAdvice(
        "The bytes are no instance of the schema that they name: truncated, damaged, or of another schema.",
        _PRODUCER,
    ),
    "nameless": ReasonAdvice("The application's id is empty.", _PRODUCER),
    "oversized_id": ReasonAdvice("The application's id has more than 256 bytes.", _PRODUCER),
    "oversized": ReasonAdvice(
        "The value, the headers or the key are larger than the workers take.",
        "Raise LOAN_MAX_VALUE_BYTES or LOAN_MAX_HEADER_BYTES for all processes and for `loanctl`, if such applications "
        f"are meant. {_SCHEMA} Else have the producer send less.",
    ),
    "missing": ReasonAdvice("A field that the contract requires has no value.", _PERSON),
    "not_finite": ReasonAdvice("A number is infinite or not a number.", _PERSON),
    "out_of_range": ReasonAdvice("A number is outside the range that the contract declares.", _PERSON),
    "contradictory": ReasonAdvice("Two fields of the application contradict each other.", _PERSON),
    "unknown_level": ReasonAdvice(
        "A category is none of those that the contract declares, letter by letter.",
        f"{_PERSON} A new level that is to stay belongs into the application schema.",
    ),
    UNKNOWN: ReasonAdvice(
        "Another program wrote this letter: it has none of our reasons.",
        "Ask whoever writes to the dead-letter topic; `loanctl` does not redrive it.",
    ),
}
