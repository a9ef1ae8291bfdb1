"""Which dead letters go back to the applications topic, and why the others do not.

Pure. Idempotent by what lies on the topics alone: a letter that a record on the applications topic names, or whose
application has a decision, is done. So two runs send no more than one, and the second needs nothing that the first
kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum

from schemas.records import OutgoingRecord, RecordPosition
from schemas.redrive_marker import with_marker
from schemas.topics import Topics
from scorecard.decisions.dead_letter_parser import Letter, OriginalRecord


class RedriveStatus(StrEnum):
    READY = "ready"
    """It goes back."""
    REDRIVEN = "redriven"
    """It went back before: the applications topic has a record with its marker."""
    DECIDED = "decided"
    """Its application has a decision; a second one would not count."""
    REPEATED = "repeated"
    """Another letter of the same record, or the same application, goes back in its place."""
    UNREADABLE = "unreadable"
    """A worker would set it aside again."""
    GONE = "gone"
    """Neither the letter nor the applications topic has its bytes."""
    FOREIGN = "foreign"
    """No letter of ours."""


STUCK = frozenset({RedriveStatus.UNREADABLE, RedriveStatus.GONE, RedriveStatus.FOREIGN})
"""Applications without a decision that a redrive does not help."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a worker would make of a record now."""

    application_id: str | None
    """None where it cannot be read."""
    refusal: str = ""
    """The reason of its next dead letter; empty where it would be scored."""


@dataclass(frozen=True, slots=True)
class RedrivenRecord:
    """A record on the applications topic that a redrive sent."""

    place: RecordPosition
    """Its partition and offset there."""
    key: bytes | None


@dataclass(frozen=True, slots=True)
class RedriveEvidence:
    """What the topics say, by letter where nothing else is said."""

    originals: Mapping[RecordPosition, OriginalRecord]
    prospects: Mapping[RecordPosition, Prospect]
    markers: Mapping[RecordPosition, RedrivenRecord] = field(default_factory=dict)
    """By letter the record on the applications topic that names it."""
    decided_ids: AbstractSet[bytes] = frozenset()
    """Keys of decisions."""


@dataclass(frozen=True, slots=True)
class PlannedLetter:
    """A letter, what a redrive does with it, and what is known of its record."""

    letter: Letter
    status: RedriveStatus
    original: OriginalRecord | None = None
    prospect: Prospect = field(default_factory=lambda: Prospect(None))


def redrive_plan(
    chosen: Iterable[Letter],
    sources: Mapping[RecordPosition, RecordPosition | None],
    evidence: RedriveEvidence,
    *,
    force: bool = False,
) -> list[PlannedLetter]:
    """Each chosen letter with its status, in the order their records lie on the applications topic.

    Args:
        sources: of every letter on the topic, its record's place: one record with two letters goes back once.
        evidence: of the chosen ones.
        force: send what a worker would set aside again, too.
    """
    done = {sources.get(place) for place in evidence.markers} - {None}
    # Sent before and not set aside again since: still to be decided, perhaps.
    failed = set(sources.values())
    taken: set[object] = {record.key for record in evidence.markers.values() if record.place not in failed}
    plan = []
    for letter in sorted(chosen, key=lambda each: (each.source or (-1, -1), each.order)):
        original = evidence.originals.get(letter.place)
        prospect = evidence.prospects.get(letter.place, Prospect(None))
        status = _status(letter, original, prospect, evidence, force=force)
        names = {letter.source, application_key(original, prospect)} - {None}
        if letter.source in done or letter.place in evidence.markers:
            status = RedriveStatus.REDRIVEN
        elif status is RedriveStatus.READY:
            status = RedriveStatus.REPEATED if names & taken else status
            taken |= names
        plan.append(PlannedLetter(letter, status, original, prospect))
    return plan


def application_key(original: OriginalRecord | None, prospect: Prospect) -> bytes | None:
    """The key that its decision has: the application's id, or the record's key where the id cannot be read."""
    if prospect.application_id is not None:
        return prospect.application_id.encode()
    return original.key if original else None


def redrive_records(plan: Sequence[PlannedLetter], topics: Topics) -> list[OutgoingRecord]:
    """The records that go back, as they came and with their markers."""
    return [
        OutgoingRecord(
            topic=topics.applications.name,
            key=each.original.key,
            value=each.original.value,
            headers=with_marker(each.original.headers, topics.dead_letters.name, each.letter.place),
        )
        for each in plan
        if each.status is RedriveStatus.READY and each.original is not None
    ]


def _status(
    letter: Letter,
    original: OriginalRecord | None,
    prospect: Prospect,
    evidence: RedriveEvidence,
    *,
    force: bool,
) -> RedriveStatus:
    if letter.source is None:
        return RedriveStatus.FOREIGN
    if original is None:
        return RedriveStatus.GONE
    if application_key(original, prospect) in evidence.decided_ids:
        return RedriveStatus.DECIDED
    return RedriveStatus.UNREADABLE if prospect.refusal and not force else RedriveStatus.READY
