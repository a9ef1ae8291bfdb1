"""Decisions computed again from what they name, and held against what was recorded.

From the application's bytes where the topic has them, to the byte; else from the values in the decision itself, to the
last bit of every field but its id. What the two have in common: `scorecard.decisions.reproduction`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from loanctl.audit.application_lookup import ApplicationLookup, Source
from loanctl.audit.decision_search import RecordedDecision
from loanctl.audit.scorecard_shelf import ScorecardShelf, ShelvedScorecard
from schemas.codec.event_codec import avro_schema
from schemas.codec.sealed_records import is_sealed
from schemas.codec.wire_format import schema_ids
from schemas.events.decisions import LoanDecision
from schemas.registry_client import WriterSchemas, registered_id, subject_of
from scorecard.decisions.decision_records import DecisionWriter
from scorecard.decisions.reproduction import (
    Change,
    DecisionCopy,
    changes,
    differences,
    own_copy,
    recomputation,
    recomputation_from_values,
)
from scorecard.decisions.scoring import DecisionCodec, RegisteredScorecard
from scorecard.policy import Policy, PolicyError
from streams.kafka.topics.topic_reader import Record, batch_of
from streams.worker.preflight import decision_codec
from streams.worker.settings import ScoringSettings

DecisionTerms = tuple[str, str, float, float, str]
"""Version and digest of the scorecard, the two cut-offs, and the release that decided."""

NO_RECORD: Final = "its application is gone, and it holds no values to compute it from"
SEALED_RECORD: Final = "its application is sealed, and its key is erased or not given (LOAN_KEYS_URL)"


class Basis(StrEnum):
    """What a decision was computed again from."""

    BYTES = "bytes"
    VALUES = "values"
    """Those in the decision: the application is gone from its topic."""
    NOTHING = "nothing"
    """It could not be computed; the problem says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCheck:
    basis: Basis
    changes: tuple[Change, ...] = ()
    fields: tuple[str, ...] = ()
    """That come out otherwise."""
    same_bytes: bool = False
    """The decision's own; an earlier release's, under another schema, differ where every value is the same."""
    problem: str = ""
    application: Record | None = None

    @property
    def same(self) -> bool:
        """Whether it came out as it was recorded."""
        return self.basis is not Basis.NOTHING and not self.changes

    def plain(self) -> dict[str, Any]:
        return {
            "same": self.same,
            "from": self.basis.value,
            "changed": [change.value for change in self.changes],
            "fields": list(self.fields),
            "problem": self.problem,
        }


class DecisionChecker:
    """Checks decisions of one product. Used from one thread."""

    def __init__(self, settings: ScoringSettings) -> None:
        """Asks broker and registry what it needs for all.

        Raises:
            OutageError: one of them does not answer.
            SetupError: a topic or the schema of decisions is not there.
        """
        registry, decisions = settings.registry(), settings.topics().decisions.name
        self._applications = ApplicationLookup(settings)
        self._writers = WriterSchemas(registry, self._applications.topic)
        schema_id = registered_id(registry, subject_of(decisions), avro_schema(LoanDecision))
        self._settings, self._topic, self._schema_id = settings, decisions, schema_id
        self._shelf = ScorecardShelf(settings)

    def checks(self, recorded: Sequence[RecordedDecision]) -> list[DecisionCheck]:
        """Of each decision, in order.

        Raises:
            OutageError: broker, registry or MLflow does not answer.
        """
        applications = self._applications.find(_source(each.decision) for each in recorded)
        places: dict[DecisionTerms, list[int]] = defaultdict(list)
        for place, each in enumerate(recorded):
            places[_terms(each.decision)].append(place)
        found: dict[int, DecisionCheck] = {}
        for terms, those in places.items():
            found |= zip(those, self._of_terms(terms, [recorded[place] for place in those], applications), strict=True)
        return [found[place] for place in range(len(recorded))]

    def _of_terms(
        self, terms: DecisionTerms, recorded: Sequence[RecordedDecision], applications: Mapping[Source, Record]
    ) -> list[DecisionCheck]:
        version, digest, approve_below, decline_from, release = terms
        given = [self._application_of(each.decision, applications) for each in recorded]
        shelved = self._shelf.scorecard(version, digest)
        if shelved.champion is None:
            return [_unknown(Change.SCORECARD, shelved.problem, record) for record in given]
        try:
            policy = Policy(approve_below, decline_from)
        except PolicyError as fault:
            return [_unknown(Change.POLICY, str(fault), record) for record in given]
        # Under the name of the release that decided, so that bytes tell whether this one decides as it did.
        codec = decision_codec(self._settings, DecisionWriter(self._topic, self._schema_id, release))
        again = self._again([record for record in given if record], shelved.champion, policy, codec)
        return [
            _check(each, again[record.partition, record.offset], record, shelved.problem)
            if record
            else _by_values(each, recomputation_from_values(each.decision, shelved.champion, policy, codec), shelved)
            for each, record in zip(recorded, given, strict=True)
        ]

    def _application_of(self, decision: Mapping[str, Any], found: Mapping[Source, Record]) -> Record | None:
        return found.get(_source(decision)) if decision["source_topic"] == self._applications.topic else None

    def _again(
        self, records: Sequence[Record], champion: RegisteredScorecard, policy: Policy, codec: DecisionCodec
    ) -> Mapping[Source, DecisionCopy | None]:
        batch = batch_of(self._applications.topic, records)
        made = recomputation(batch, self._writers.of(schema_ids(batch.values)), champion, policy, codec)
        return {(record.partition, record.offset): own_copy(each) for record, each in zip(records, made, strict=True)}


def _by_values(recorded: RecordedDecision, again: DecisionCopy | None, shelved: ShelvedScorecard) -> DecisionCheck:
    if again is None:
        return DecisionCheck(basis=Basis.NOTHING, problem=NO_RECORD)
    return DecisionCheck(
        basis=Basis.VALUES,
        changes=_with_scorecard(changes(recorded.copy, again, None), shelved.problem),
        fields=differences(recorded.decision, again.fields),
        problem=shelved.problem,
    )


def _check(recorded: RecordedDecision, again: DecisionCopy | None, record: Record, problem: str) -> DecisionCheck:
    if again is None and is_sealed(record.value):
        return DecisionCheck(basis=Basis.NOTHING, problem=SEALED_RECORD, application=record)
    return DecisionCheck(
        basis=Basis.BYTES,
        changes=_with_scorecard(changes(recorded.copy, again, record.value or b""), problem),
        fields=differences(recorded.decision, again.fields) if again else (),
        same_bytes=again is not None and recorded.copy.value == again.value,
        problem=problem or ("" if again else "the application at its place cannot be read"),
        application=record,
    )


def _with_scorecard(found: tuple[Change, ...], problem: str) -> tuple[Change, ...]:
    return tuple(change for change in Change if change in found or (problem and change is Change.SCORECARD))


def _unknown(change: Change, problem: str, record: Record | None) -> DecisionCheck:
    return DecisionCheck(basis=Basis.NOTHING, changes=(change,), problem=problem, application=record)


def _source(decision: Mapping[str, Any]) -> Source:
    return decision["source_partition"], decision["source_offset"]


def _terms(decision: Mapping[str, Any]) -> DecisionTerms:
    return (
        decision["scorecard_version"],
        decision["scorecard_digest"],
        decision["approve_below"],
        decision["decline_from"],
        decision["code_version"],
    )
