"""Applications decided on once more, by a scorecard and a policy of choice, and compared with what was decided.

From a stretch of the topic, compared with the decisions on it; or from a file, compared with what the champion would
decide. Nothing is published but by `ShadowPublisher`. Memory holds a chunk of a stretch; a file is read whole.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from loanctl.audit.application_lookup import Source
from loanctl.audit.decision_search import decision_reader
from loanctl.audit.offset_ranges import chunks
from loanctl.audit.replay_count import ReplayCount
from schemas.codec.event_codec import avro_schema
from schemas.codec.projection import Projection
from schemas.codec.wire_format import HEADER, MAGIC, schema_ids
from schemas.events.decisions import LoanDecision
from schemas.records import OutgoingRecord
from schemas.registry_client import WriterSchemas, registered_id, subject_of
from schemas.release import code_version
from scorecard.decisions.decision_records import REPLAY, DecisionWriter
from scorecard.decisions.hypothetical import Hypotheticals
from scorecard.decisions.reproduction import DecisionCopy, own_copy, recomputation
from scorecard.decisions.scoring import DecisionCodec, RegisteredScorecard
from scorecard.policy import Policy
from streams.kafka.producer.event_publisher import EventPublisher
from streams.kafka.topics.topic_reader import PartitionRange, Record, batch_of, blocks, partition_ranges
from streams.kafka.topics.topic_scan import read_fields
from streams.worker.preflight import decision_codec
from streams.worker.settings import ScoringSettings

CHUNK: Final = 10_000
"""Applications in memory at once, with two decisions of some kilobytes each; each chunk looks for its own."""
EARLIER_MS: Final = (3_600_000, 24 * 3_600_000)
"""A decision's clock may be so far behind its application's: an hour is looked through first, and a day where a
decision is missing. An upstream that takes its local time for UTC is hours ahead."""
SOURCE: Final = ("source_topic", "source_partition", "source_offset")

Publish = Callable[[Sequence[OutgoingRecord]], object]


@dataclass(frozen=True, slots=True)
class ReplayTerms:
    """Who decides, and where the cut-offs lie."""

    champion: RegisteredScorecard
    policy: Policy

    def plain(self) -> dict[str, Any]:
        scorecard = self.champion.scorecard
        return {
            "scorecard": {"name": scorecard.name, "version": self.champion.version, "digest": scorecard.digest},
            "policy": {
                "version": self.policy.version,
                "approve_below": self.policy.approve_below,
                "decline_from": self.policy.decline_from,
            },
        }


class ShadowPublisher:
    """Publishes replayed decisions to the shadow topic, each marked with the id of the replay."""

    def __init__(self, settings: ScoringSettings, publisher: EventPublisher) -> None:
        """Asks the registry.

        Raises:
            OutageError, SetupError: the registry is away, or has no schema of the topic.
        """
        self.replay_id = str(uuid.uuid4())
        self.count = 0
        self._topic = settings.topics().shadow_decisions.name
        schema_id = registered_id(settings.registry(), subject_of(self._topic), avro_schema(LoanDecision))
        self._frame, self._publisher = HEADER.pack(MAGIC, schema_id), publisher

    def __call__(self, records: Sequence[OutgoingRecord]) -> None:
        """Publish some, and wait until they are safe. Raises OutageError, SetupError."""
        mark = (REPLAY, self.replay_id.encode())
        self.count += self._publisher.send(
            OutgoingRecord(
                self._topic, each.key, self._frame + (each.value or b"")[HEADER.size :], (*each.headers, mark)
            )
            for each in records
        )


class TopicReplay:
    """Decides on stretches of the applications topic."""

    def __init__(self, settings: ScoringSettings, terms: ReplayTerms, publish: Publish | None) -> None:
        """Asks the registry.

        Raises:
            OutageError, SetupError: the registry is away, or lacks a schema.
        """
        topics, registry = settings.topics(), settings.registry()
        self._settings, self._terms, self._publish = settings, terms, publish
        self._applications, self._decisions = topics.applications.name, topics.decisions.name
        self._writers = WriterSchemas(registry, self._applications)
        schema_id = registered_id(registry, subject_of(self._decisions), avro_schema(LoanDecision))
        writer = DecisionWriter(self._decisions, schema_id, code_version(), cloudevents=settings.cloudevents)
        self._codec: DecisionCodec = decision_codec(settings, writer)

    def run(self, wanted: Sequence[PartitionRange]) -> ReplayCount:
        """Decide on every application of these stretches.

        Raises:
            OutageError: broker or registry does not answer.
        """
        count = ReplayCount()
        for records in chunks(blocks(self._settings, wanted), CHUNK):
            batch = batch_of(self._applications, records)
            writers = self._writers.of(schema_ids(batch.values))
            made = recomputation(batch, writers, self._terms.champion, self._terms.policy, self._codec)
            readable = [record for record, each in zip(records, made, strict=True) if each]
            recorded = self._recorded_decisions(readable)
            for record, each in zip(records, made, strict=True):
                count.add(recorded.get((record.partition, record.offset)), own_copy(each), record.value)
            if self._publish is not None:
                self._publish([each for each in made if each])
        return count

    def _recorded_decisions(self, applications: Sequence[Record]) -> Mapping[Source, DecisionCopy]:
        """The first decision on each, as far as the topic has one."""
        left = {(record.partition, record.offset) for record in applications}
        found: dict[Source, DecisionCopy] = {}
        if not left:
            return found
        first, ends = min(record.timestamp for record in applications), dict[int, int]()
        for earlier in EARLIER_MS:
            lying = partition_ranges(self._settings, [self._decisions], max(first - earlier, 0))
            self._find([replace(each, end=ends.get(each.partition, each.end)) for each in lying], left, found)
            if not left:
                break
            ends = {each.partition: each.first for each in lying}
        return found

    def _find(self, lying: Sequence[PartitionRange], left: set[Source], found: dict[Source, DecisionCopy]) -> None:
        """Move the sources of decisions in these ranges from `left` to `found`."""
        read = decision_reader(self._settings, self._decisions)
        for record, place in read_fields(self._settings, lying, Projection(LoanDecision, SOURCE)):
            source = self._source(place)
            decision = read(record.value, record.offset) if source in left else None
            if source is not None and decision is not None:
                found[source] = DecisionCopy(record.value, decision)
                left.remove(source)
            if not left:
                return

    def _source(self, place: Mapping[str, Any] | None) -> Source | None:
        if place is None or place["source_topic"] != self._applications:
            return None
        return place["source_partition"], place["source_offset"]


def replay_records(
    records: Sequence[Mapping[str, Any]], terms: ReplayTerms, current: ReplayTerms, hypotheticals: Hypotheticals
) -> ReplayCount:
    """Decide on applications that are on no topic, and compare with what is in force. Pure.

    Args:
        records: applications as Avro writes them, with ids of their own.
    """
    count = ReplayCount()
    for start in range(0, len(records), CHUNK):
        block = records[start : start + CHUNK]
        before, after = (_by_application(block, each, hypotheticals) for each in (current, terms))
        id_field = hypotheticals.contract.id_field
        for record in block:
            count.add(before.get(record[id_field]), after.get(record[id_field]), None)
    return count


def _by_application(
    records: Sequence[Mapping[str, Any]], terms: ReplayTerms, hypotheticals: Hypotheticals
) -> Mapping[str, DecisionCopy]:
    decided = hypotheticals.decisions(records, terms.champion, terms.policy)
    return {decision["application_id"]: DecisionCopy(None, decision) for decision in decided}
