"""Dead letters in figures and words, for people and as JSON; nothing of an applicant's in either. Pure.

A foreign header is shown by name and size: its value may be anything.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loanctl.dead_letters.redrive_plan import PlannedLetter
from schemas.contract.contract import Contract
from schemas.records import RecordPosition
from schemas.redrive_marker import REDRIVEN_FROM, marker_place
from schemas.timestamps import time_of
from schemas.topics import Topics
from schemas.trace_context import TRACEPARENT, W3C
from scorecard.decisions.dead_letter_parser import Letter
from scorecard.decisions.dead_letter_reasons import REASON_TEXTS
from streams.kafka.topics.topic_reader import PartitionRange


@dataclass(frozen=True, slots=True)
class LetterSummary:
    reason: str
    count: int
    first: int
    """Milliseconds since 1970, UTC."""
    last: int
    partitions: Mapping[int, tuple[int, int, int]]
    """By partition of the dead-letter topic: first offset, last offset, letters."""
    sources: Mapping[int, tuple[int, int, int]]
    """The same of their records on the applications topic."""
    at_hand: int
    """Letters whose record can still be had."""

    def plain(self) -> dict[str, Any]:
        return {
            "reason": self.reason,
            "count": self.count,
            "first": iso(self.first),
            "last": iso(self.last),
            "partitions": extents(self.partitions),
            "source_partitions": extents(self.sources),
            "can_be_redriven": self.at_hand,
        }


class LetterCounts:
    """Adds letters up, one at a time: a topic may hold more than memory does."""

    def __init__(self, lying: Iterable[PartitionRange]) -> None:
        """Nothing counted yet.

        Args:
            lying: what the applications topic still holds.
        """
        self._lying = {each.partition: each for each in lying}
        self._by_reason: dict[str, LetterSummary] = {}

    def add(self, letter: Letter) -> None:
        nothing = LetterSummary(letter.reason, 0, letter.timestamp, letter.timestamp, {}, {}, 0)
        known = self._by_reason.get(letter.reason, nothing)
        self._by_reason[letter.reason] = LetterSummary(
            reason=letter.reason,
            count=known.count + 1,
            first=min(known.first, letter.timestamp),
            last=max(known.last, letter.timestamp),
            partitions=_with_place(known.partitions, letter.place),
            sources=_with_place(known.sources, letter.source),
            at_hand=known.at_hand + is_at_hand(letter, self._lying),
        )

    def summaries(self) -> list[LetterSummary]:
        """The most frequent reason first."""
        return sorted(self._by_reason.values(), key=lambda each: (-each.count, each.reason))


def is_at_hand(letter: Letter, lying: Mapping[int, PartitionRange]) -> bool:
    """Whether a letter's record can be had: it carries all of it, or the applications topic still holds it."""
    return letter.source is not None and (not letter.left or lies_there(letter, lying))


def lies_there(letter: Letter, lying: Mapping[int, PartitionRange]) -> bool:
    """Whether the applications topic still holds the letter's offset."""
    extent = lying.get(letter.source[0]) if letter.source else None
    return extent is not None and letter.source is not None and extent.first <= letter.source[1] < extent.end


def letter_facts(
    letter: Letter, application_id: str | None, lying: Mapping[int, PartitionRange], topics: Topics, contract: Contract
) -> dict[str, Any]:
    """All that may be shown of one letter.

    Args:
        application_id: None where it cannot be read.
        lying: what the applications topic still holds, by partition.
    """
    words = REASON_TEXTS[letter.reason]
    before = marker_place(letter.carried.headers, topics.dead_letters.name)
    return {
        "letter": name_of(letter.place),
        "set_aside": iso(letter.timestamp),
        "application_id": application_id,
        "reason": letter.reason,
        "field": letter.field if letter.field in contract.position else None,
        "meaning": words.meaning,
        "what_to_do": words.remedy,
        "stage": letter.stage or None,
        "original": f"{topics.applications.name} {name_of(letter.source)}" if letter.source else None,
        "original_still_there": lies_there(letter, lying),
        "left_at_source": sorted(letter.left),
        "key_bytes": len(letter.carried.key or b""),
        "value_bytes": len(letter.carried.value or b""),
        "redriven_from": name_of(before) if before else None,
        "headers": [_header(*header) for header in letter.carried.headers],
        "can_be_redriven": is_at_hand(letter, lying),
    }


def plan_facts(plan: Sequence[PlannedLetter]) -> list[dict[str, Any]]:
    """One line for each letter of a plan, for JSON."""
    return [
        {
            "letter": name_of(each.letter.place),
            "source": name_of(each.letter.source) if each.letter.source else None,
            "reason": each.letter.reason,
            "status": each.status.value,
            "would_be_refused": each.prospect.refusal or None,
            "application_id": each.prospect.application_id,
        }
        for each in plan
    ]


def plan_counts(plan: Sequence[PlannedLetter]) -> list[tuple[str, str, int]]:
    """Reason, status and how many, by reason."""
    counts = Counter((each.letter.reason, each.status.value) for each in plan)
    return [(reason, status, count) for (reason, status), count in sorted(counts.items())]


def name_of(place: RecordPosition) -> str:
    """`PARTITION:OFFSET`."""
    return f"{place[0]}:{place[1]}"


def iso(milliseconds: int) -> str:
    """A time for people and for JSON."""
    return time_of(milliseconds).isoformat(timespec="seconds")


def extents(partitions: Mapping[int, tuple[int, int, int]]) -> dict[str, str]:
    """Offsets by partition: the only one, or first to last and how many."""
    return {
        str(partition): str(first) if count == 1 else f"{first}-{last} ({count})"
        for partition, (first, last, count) in sorted(partitions.items())
    }


def _with_place(
    known: Mapping[int, tuple[int, int, int]], place: RecordPosition | None
) -> Mapping[int, tuple[int, int, int]]:
    if place is None:
        return known
    first, last, count = known.get(place[0], (place[1], place[1], 0))
    return {**known, place[0]: (min(first, place[1]), max(last, place[1]), count + 1)}


def _header(name: str, value: bytes | None) -> str:
    public = name == REDRIVEN_FROM or (name == TRACEPARENT and W3C.fullmatch(value or b"") is not None)
    if public and value is not None:
        return f"{name}: {value.decode(errors='replace')}"
    return f"{name}: {len(value or b'')} bytes"
