"""Answers one batch: resolves schemas, scores with the current champion, delivers, counts.

Blocking, in a separate thread; the `Lifecycle` shows what it waits for.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from schemas.codec.wire_format import schema_ids
from schemas.errors import OutageError, SetupError
from schemas.records import OutgoingRecord, RecordBatch
from schemas.registry_client import WriterSchemas
from scorecard.decisions.scoring import DecisionCodec, RegisteredScorecard, ScoredBatch, score_batch, warm
from scorecard.policy import Policy
from streams.kafka.producer.transactions import RefusedBatchError
from streams.runtime.lifecycle import Lifecycle
from streams.worker.data_plane import InFlightBatch
from streams.worker.metrics import WorkerMetrics
from streams.worker.model_slots import ModelSlot

if TYPE_CHECKING:
    from streams.traces.batch_spans import BatchSpans

DEPENDENCY = "registry"


class RefusedAnswersError(SetupError):
    """The broker refuses even the barest answers; names the topic settings to check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchHandler:
    """Everything that answering takes."""

    wire: DecisionCodec
    shadow_wire: DecisionCodec
    policy: Policy | None
    """The operator's cut-offs; None for each scorecard's own."""
    writers: WriterSchemas
    champion: ModelSlot
    challenger: ModelSlot
    metrics: WorkerMetrics
    lifecycle: Lifecycle
    spans: "BatchSpans | None" = None
    """None where traces are off."""
    refused: threading.Event = field(default_factory=threading.Event)
    """The broker refused the last batch: its dead letters are sent again without anything of the records."""

    def answer(self, handed: InFlightBatch) -> None:
        """Answer every record of the batch, and commit it.

        Raises:
            OutageError: nothing is known to be delivered; the session is of no use any more.
            StoppedError: the process stops, or the batch is someone else's now; nothing was delivered.
            RefusedAnswersError: the broker refuses even the barest answers.
        """
        try:
            self._answer(handed)
        except RefusedBatchError as fault:
            self.metrics.errors.inc()
            self._refuse(fault)
            raise
        except OutageError:
            self.metrics.errors.inc()
            raise
        self.refused.clear()

    def _refuse(self, fault: RefusedBatchError) -> None:
        # Decisions are small; what a broker may refuse is what strangers wrote.
        if self.refused.is_set():
            topics = f"{self.wire.dead_letters.topic} and the topics of decisions"
            problem = (
                f"the broker refuses our records ({fault}): look at max.message.bytes and the policies of {topics}"
            )
            raise RefusedAnswersError(problem) from fault
        self.refused.set()

    def _answer(self, handed: InFlightBatch) -> None:
        records = handed.batch.records
        writers = self._writers(handed)
        began, began_ns = time.perf_counter(), time.time_ns()
        champion = self.champion.holder
        scored = self._score(handed, writers, champion, self._terms())
        shadow = self._score(handed, writers, self.challenger.holder, self.shadow_wire)
        self.metrics.scoring.observe(time.perf_counter() - began)
        handed.session.delivery.deliver(_answers(scored, shadow), handed.batch, handed.session.reader)
        waited = time.time() - np.asarray(records.timestamps) / 1000
        self.metrics.latency.observe(waited, self._exemplars(records, champion, waited, began_ns))
        self.metrics.batch_size.observe(len(records))
        if scored is not None:
            self.metrics.record_batch(scored)
        if shadow is not None:
            self.metrics.record_shadow(shadow.outcomes)

    def _exemplars(
        self,
        records: RecordBatch,
        holder: RegisteredScorecard | None,
        waited: npt.NDArray[np.float64],
        began_ns: int,
    ) -> Sequence[tuple[float, str]]:
        """Records the batch's spans; the wait and trace of each record that has one."""
        if self.spans is None or holder is None:
            return ()
        about = {"loan.scorecard.version": holder.version, "loan.scorecard.digest": holder.scorecard.digest}
        return [(float(waited[place]), trace) for place, trace in self.spans.record(records, began_ns, about)]

    def _terms(self) -> DecisionCodec:
        bare = self.wire.dead_letters.bare()
        return replace(self.wire, dead_letters=bare) if self.refused.is_set() else self.wire

    def warm(self) -> None:
        """Leave nothing to be compiled for the first applicant; a champion is there."""
        holder = self.champion.holder
        if holder is not None:
            warm(holder, self.policy or holder.scorecard.policy, self.wire)

    def _writers(self, handed: InFlightBatch) -> Mapping[int, Mapping[str, Any] | None]:
        ids = schema_ids(handed.batch.records.values)
        reader, batch = handed.session.reader, handed.batch
        return self.lifecycle.retry(DEPENDENCY, lambda: self.writers.of(ids), lambda: reader.is_current(batch))

    def _score(
        self,
        handed: InFlightBatch,
        writers: Mapping[int, Mapping[str, Any] | None],
        holder: RegisteredScorecard | None,
        wire: DecisionCodec,
    ) -> ScoredBatch | None:
        if holder is None:
            return None
        return score_batch(handed.batch.records, writers, holder, self.policy or holder.scorecard.policy, wire)


def _answers(scored: ScoredBatch | None, shadow: ScoredBatch | None) -> Sequence[OutgoingRecord]:
    assert scored is not None  # noqa: S101 - no batch is read before the first champion holds its seat
    shadowed = shadow.decisions if shadow is not None else ()
    return [*scored.decisions, *scored.dead_letters, *shadowed]
