"""The window-owning half of an agent: partial counts in, reports and commands out.

A shell around `drift.monitor`. The topic of partial counts has one partition, so the group has one
owner at a time; another agent takes over when it dies. The owner's state is on a compacted topic,
written in the same transaction as the reports that it led to: a successor reads the last state and
continues with the next message, and no window is reported twice.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import structlog
from confluent_kafka import TopicPartition

from drift.agent.champion_follower import Champions
from drift.agent.performance_check import PerformanceChecker
from drift.agent.serdes import Serdes
from drift.agent.state_recovery import SAMPLE, OwnerState, Recovery, SavedText, part_key
from drift.agent.transaction_output import record_of
from drift.metrics import DriftMetrics
from drift.monitor import Findings, Monitor
from drift.settings import DriftSettings
from schemas.events.drift import DriftState
from schemas.records import OutgoingRecord, Partition
from streams.kafka.group.consumer import GroupConsumer
from streams.kafka.group.consumer_config import ConsumerConfig, ConsumerHooks
from streams.kafka.group.start_offsets import Start
from streams.kafka.producer.transactions import TransactionalProducer
from streams.kafka.topics.messages import Follower, ends
from streams.kafka.topics.skipped_records import SkippedRecords

MOST_MESSAGES: Final = 500
SAVE_EVERY_S: Final = 10.0
"""Without a report, the state is saved so often: a successor reads so many partial counts again."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WindowSubject:
    """The champions to monitor, and their performance checks; both outlive a session."""

    champions: Champions
    passed_over: SkippedRecords
    looking: PerformanceChecker
    stopping: threading.Event
    """Ends a wait inside a rebalance."""


class WindowOwner:
    """One member of the group of owners. Used from one thread."""

    def __init__(
        self, settings: DriftSettings, instance: str, watched: WindowSubject, serdes: Serdes, metrics: DriftMetrics
    ) -> None:
        """Join the group; most members only wait."""
        self._settings = settings
        self._topics = settings.topics()
        self._champions = watched.champions
        self._serdes = serdes
        self._metrics = metrics
        self._passed_over = watched.passed_over
        self._clock: Callable[[], float] = time.monotonic
        self._looking = watched.looking
        self._desk: OwnerState | None = None
        self._saved_at = self._clock()
        reading = ConsumerConfig(
            topics=[self._topics.drift_counts.name],
            group=f"{settings.group()}.owner",
            instance_id=instance,
            most_records=MOST_MESSAGES,
            output_topics=[self._topics.drift_states.name],
        )
        hooks = ConsumerHooks(
            begin=self._begin, left=self._release, offsets_lost=metrics.offsets.count, stopping=watched.stopping
        )
        self._words = Follower(settings)
        self._recovery = Recovery(settings, serdes.states)
        self._consumer = GroupConsumer(settings, reading, hooks)

    @property
    def lost(self) -> bool:
        """True if the group has continued without this member: a new session is needed."""
        return self._consumer.lost

    @property
    def monitor(self) -> Monitor | None:
        """The owner's state; None if another agent owns the windows."""
        return self._desk.monitor if self._desk else None

    def step(self, outbox: TransactionalProducer) -> bool:
        """Take what has arrived, and publish what it led to; whether something had.

        Raises:
            OutageError: begin again from what is in Kafka.
            SetupError: a person must fix something.
        """
        messages = [message for message in self._consumer.consume(MOST_MESSAGES, 0) if not ends(message)]
        desk = self._desk
        if desk is None:
            return False
        self._take_words(desk)
        if watched := self._champions.reference:
            desk.changed |= desk.monitor.watch(watched)
        now = self._clock()
        for message in messages:
            self._take_counts(desk, message)
        self._take_silence(desk)
        self._take_look(desk)
        if desk.findings or (desk.changed and now - self._saved_at >= SAVE_EVERY_S):
            self._publish(desk, outbox)
            self._saved_at = now
        return bool(messages)

    def close(self) -> None:
        """Leave without waiting."""
        self._consumer.close()
        self._words.close()

    def _take_counts(self, desk: OwnerState, message: Any) -> None:
        watched = self._champions.reference
        offset, position = message.offset(), desk.positions.get(message.topic(), 0)
        desk.positions[message.topic()] = max(position, offset + 1)
        if offset + 1 >= position:
            desk.resume_at = None
        decode = partial(self._serdes.counts.decode, message.value())
        counts = self._passed_over.read(decode, message.topic(), offset)
        if counts is None:
            return
        if offset < position:
            desk.monitor.replay(counts, offset)
        elif desk.monitor.is_former(counts, watched.champion_digest if watched else ""):
            self._keep(desk, desk.monitor.skip(counts, datetime.now(UTC)))
        else:
            self._keep(desk, desk.monitor.add_counts(counts, self._champions.of(counts), datetime.now(UTC), offset))

    def _take_silence(self, desk: OwnerState) -> None:
        reference = self._champions.reference
        if desk.resume_at is None and reference and desk.monitor.champion[2] == reference.reference_id:
            found = desk.monitor.silent(reference, datetime.now(UTC))
            if found:
                self._keep(desk, found)

    def _take_look(self, desk: OwnerState) -> None:
        reference, decides = self._champions.reference, desk.monitor.champion[1]
        if reference is None or decides not in ("", reference.champion_digest):
            # Nothing of the new champion's has been counted yet, nor decided: there is nothing to look at.
            return
        rules = self._settings.performance_rules(reference.profile.auc_offset)
        seen = desk.monitor.outcome_ends(reference.champion_digest, rules)
        found = self._looking.step(reference, seen, desk.sample.text if desk.sample else "")
        if found is not None:
            desk.sample = self._recovery.new_text(SAMPLE, found.kept, desk.sample)
            own, *former = found.reports
            self._keep(desk, desk.monitor.add_performance(own, datetime.now(UTC)))
            self._keep(desk, Findings(performances=tuple(former)))

    def _take_words(self, desk: OwnerState) -> None:
        words = self._words.poll(MOST_MESSAGES)
        for message in (message for message in words if not ends(message)):
            desk.positions[message.topic()] = message.offset() + 1
            desk.changed = True
            self._passed_over.read(partial(self._take_word, desk, message), message.topic(), message.offset())

    def _take_word(self, desk: OwnerState, message: Any) -> None:
        if message.topic() == self._topics.retrain_results.name:
            desk.monitor.add_result(self._serdes.results.decode(message.value()))
        else:
            desk.monitor.acknowledge(self._serdes.acknowledgements.decode(message.value()))

    def _keep(self, desk: OwnerState, found: Findings) -> None:
        desk.changed = True
        desk.findings = desk.findings.plus(found)

    def _publish(self, desk: OwnerState, outbox: TransactionalProducer) -> None:
        counts = self._topics.drift_counts.name
        desk.published += 1
        self._recovery.renew_declarations(desk)
        # Always an offset, though nothing may have been read since: it keeps a former owner from publishing.
        position = TopicPartition(counts, 0, desk.positions.get(counts, 0), metadata=str(desk.published))
        outbox.commit(list(self._records(desk)), [position], self._consumer.metadata())
        found, desk.findings, desk.changed = desk.findings, Findings(), False
        for text in desk.texts:
            text.published = True
        for report in found.reports:
            self._metrics.record_report(report)
            log.info(
                "window.closed",
                window=report.window_id,
                n=report.n,
                verdict=report.verdict.value,
                psi=round(report.largest_psi, 4),
                feature=report.largest_psi_feature,
                late=report.late,
                command=report.command_id,
                withheld=report.withheld,
            )
        for performance in found.performances:
            if desk.monitor.champion[1] in ("", performance.champion_digest):
                self._metrics.record_performance(performance)
            self._metrics.record_command(performance.command_id)
            log.info(
                "performance.reported",
                report=performance.report_id,
                known=performance.performance.with_outcome,
                fallen=performance.fallen,
                command=performance.command_id,
                withheld=performance.withheld,
            )
        self._metrics.dropped.inc(found.dropped)

    def _records(self, desk: OwnerState) -> Iterator[OutgoingRecord]:
        topics, found, product = self._topics, desk.findings, self._settings.contract().product
        for report in found.reports:
            yield record_of(topics.drift_reports, report.window_id, report, self._serdes.reports)
        for performance in found.performances:
            yield record_of(topics.performance_reports, performance.report_id, performance, self._serdes.performances)
        for command in found.commands:
            yield record_of(topics.retrain_commands, command.command_id, command, self._serdes.commands)
        for text in desk.texts:
            if not text.published:
                yield from self._parts(product, text)
        # The last record of its transaction: recovery looks for it there.
        state = DriftState(product=product, state=desk.to_json())
        yield record_of(topics.drift_states, product, state, self._serdes.states)

    def _parts(self, product: str, text: SavedText) -> Iterator[OutgoingRecord]:
        for nth, chunk in enumerate(text.parts()):
            part = DriftState(product=product, state=chunk)
            yield record_of(self._topics.drift_states, part_key(product, text.name, nth), part, self._serdes.states)

    def _begin(self, starts: Sequence[Start]) -> Mapping[Partition, int]:
        if not starts:
            return {}
        [start] = starts
        counts = self._topics.drift_counts.name
        desk = self._recovery.desk(start)
        if desk.resume_at is not None:
            desk.resume_at = max(desk.resume_at, start.extent.low)
        words = (self._topics.retrain_results.name, self._topics.drift_acknowledgements.name)
        self._words.follow({(topic, 0): desk.positions.get(topic, 0) for topic in words})
        self._desk = desk
        # The owner in between may have reported the result of an earlier check.
        self._looking.begin_anew()
        if desk.monitor.look is not None:
            self._metrics.record_performance(desk.monitor.look)
        log.info("windows.restored", position=desk.positions.get(counts, 0), resume_at=desk.resume_at)
        return {start.place: max(desk.begins_at(counts), start.extent.low)}

    def _release(self, _places: Iterable[Partition]) -> None:
        self._desk = None
        self._metrics.clear_windows()
        self._words.stop()
