"""Metrics of the scoring worker. Names of earlier systems are kept where they exist.

Updated once a batch, with arrays: a call for each application would cost more than its score.
Seconds and other base units; labels are closed sets.
"""

import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from schemas.applications import UNSEEN, Fault
from schemas.contract.contract import Contract, Field
from schemas.errors import RecordError
from schemas.small_groups import LEAST_PEOPLE, is_small
from scorecard.decisions.scoring import RegisteredScorecard, ScoredBatch
from scorecard.policy import APPROVE, OUTCOMES
from streams.kafka.group.offset_metrics import OffsetMetrics
from streams.worker.model_slots import REFUSALS

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""From an idle worker's answer to a backlog of minutes."""
TWENTIETHS: Final = tuple(round(step / 20, 2) for step in range(1, 21))
RECORDS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0)
APPROVALS: Final = 100
"""The approval rate is that of the last hundred, as its users know it."""
DECADES: Final = 5
"""Of a field's range that its histogram covers, below the upper end."""

Floats = npt.NDArray[np.float64]


class ArrayHistogram(Collector):
    """A histogram that takes arrays."""

    def __init__(self, name: str, doc: str, buckets: Sequence[float], registry: CollectorRegistry) -> None:
        self._name = name
        self._doc = doc
        self._edges = np.array(buckets)
        self._counts = np.zeros(len(buckets) + 1, dtype=np.int64)
        self._sum = 0.0
        self._exemplars: dict[int, Exemplar] = {}
        self._lock = threading.Lock()
        registry.register(self)

    def observe(self, values: npt.ArrayLike, exemplars: Sequence[tuple[float, str]] = ()) -> None:
        """Count all finite values.

        Args:
            exemplars: some of them, each with the id of its trace; each bucket shows its last.
        """
        array = np.asarray(values, dtype=np.float64).ravel()
        finite = array[np.isfinite(array)]
        # A bucket counts what is less than or equal to its edge.
        counts = np.bincount(np.searchsorted(self._edges, finite, side="left"), minlength=len(self._counts))
        with self._lock:
            self._counts += counts
            self._sum += float(finite.sum())
            for value, trace in exemplars:
                bucket = int(np.searchsorted(self._edges, value, side="left"))
                self._exemplars[bucket] = Exemplar({"trace_id": trace}, value)

    def collect(self) -> Iterable[Metric]:
        """For the registry."""
        with self._lock:
            cumulative, total, exemplars = np.cumsum(self._counts).tolist(), self._sum, dict(self._exemplars)
        edges = [*(repr(float(edge)) for edge in self._edges), "+Inf"]
        # What has no exemplar is shown as a pair: the library does not take None.
        buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = [
            (edge, float(count), exemplars[bucket]) if bucket in exemplars else (edge, float(count))
            for bucket, (edge, count) in enumerate(zip(edges, cumulative, strict=True))
        ]
        yield HistogramMetricFamily(self._name, self._doc, buckets=buckets, sum_value=total)


class SmallGroupHistogram(ArrayHistogram):
    """A histogram of applicants' values.

    It grows by `LEAST_PEOPLE` or more at a time, so that neither a page nor the difference of two tells one of them.
    The last few values wait for others. Belongs to the thread that observes.
    """

    def __init__(self, name: str, doc: str, buckets: Sequence[float], registry: CollectorRegistry) -> None:
        super().__init__(name, f"{doc} By {LEAST_PEOPLE} or more at a time.", buckets, registry)
        self._waiting = np.empty(0)

    def observe(self, values: npt.ArrayLike, exemplars: Sequence[tuple[float, str]] = ()) -> None:
        """Count all finite values, with those that wait, as soon as they are enough people's."""
        fresh = np.asarray(values, dtype=np.float64).ravel()
        self._waiting = np.concatenate((self._waiting, fresh[np.isfinite(fresh)]))
        if not is_small(len(self._waiting)):
            super().observe(self._waiting, exemplars)
            self._waiting = np.empty(0)


class WorkerMetrics:
    """Of one worker."""

    def __init__(self, contract: Contract, registry: CollectorRegistry = REGISTRY) -> None:
        def counter(name: str, doc: str, *labels: str) -> Counter:
            return Counter(name, doc, labels, registry=registry)

        def gauge(name: str, doc: str, *labels: str) -> Gauge:
            return Gauge(name, doc, labels, registry=registry)

        self._fields = [(contract.position[field.name], _tally(field, registry)) for field in _counted_fields(contract)]
        self._last = deque[bool](maxlen=APPROVALS)
        self._approval_rate = gauge(
            "loan_approval_rate",
            f"Share approved of the last {APPROVALS} decisions; NaN before the first {LEAST_PEOPLE}.",
        )
        self._approval_rate.set(math.nan)
        self._predictions = counter("loan_predictions_total", "Decisions by outcome.", "result")
        self._shadow = counter("loan_shadow_predictions_total", "The challenger's decisions by outcome.", "result")
        self._dead_letters = counter("loan_dead_letters_total", "Records set aside.", "reason")
        self._champion = gauge(
            "loan_champion_info", "The scorecard that decides.", "name", "version", "digest", "family"
        )
        self._swaps = counter("loan_champion_swaps_total", "Champions installed, including the first.")
        self._refusals = counter("loan_champion_refusals_total", "Scorecards refused.", "alias", "reason")
        self._outages = counter("loan_outages_total", "Outages begun, by dependency.", "neighbour")
        self.errors = counter("loan_prediction_errors_total", "Batches that failed and were restarted.")
        self.lag_seconds = gauge("loan_lag_seconds", "Age of the oldest waiting application, in any partition.")
        self.lag_records = gauge("loan_lag_records", "Waiting applications, in all partitions.")
        self.probability = SmallGroupHistogram(
            "loan_prediction_probability", "Probability of default of decisions.", TWENTIETHS, registry
        )
        self.batch_size = ArrayHistogram("loan_batch_size", "Records in a batch.", RECORDS, registry)
        self.scoring = ArrayHistogram(
            "loan_scoring_seconds", "From a batch's bytes to its answers' bytes.", SECONDS, registry
        )
        self.latency = ArrayHistogram(
            "loan_decision_latency_seconds",
            "From application to committed decision.",
            SECONDS,
            registry,
        )
        self.offsets = OffsetMetrics(registry)
        self._begin_at_zero()

    def record_batch(self, scored: ScoredBatch) -> None:
        """A batch is committed."""
        for position, tally in self._fields:
            column = scored.applications.values[:, position]
            tally.observe(column[column != UNSEEN])
        self.probability.observe(scored.probability)
        _count_outcomes(self._predictions, scored.outcomes)
        for reason in scored.refusals:
            self._dead_letters.labels(reason).inc()
        self._last.extend((scored.outcomes[-APPROVALS:] == APPROVE).tolist())
        if not is_small(len(self._last)):
            self._approval_rate.set(sum(self._last) / len(self._last))

    def record_shadow(self, outcomes: npt.NDArray[np.int8]) -> None:
        """A challenger's decisions on a batch are committed."""
        _count_outcomes(self._shadow, outcomes)

    def record_champion_event(self, event: str, holder: RegisteredScorecard | None) -> None:
        """The champion's seat changed hands, or a successor was refused."""
        if event in REFUSALS:
            self._refusals.labels("champion", event).inc()
        elif holder is not None:
            card = holder.scorecard
            self._champion.clear()
            self._champion.labels(card.name, holder.version, card.digest, card.family).set(1)
            self._swaps.inc()

    def record_challenger_event(self, event: str, _holder: RegisteredScorecard | None) -> None:
        """Something happened at the challenger's seat."""
        if event in REFUSALS:
            self._refusals.labels("challenger", event).inc()

    def outage_began(self, dependency: str) -> None:
        """A dependency is away."""
        self._outages.labels(dependency).inc()

    def _begin_at_zero(self) -> None:
        # A counter that first appears with its first event hides that event from `increase()`.
        for dependency in ("broker", "registry", "mlflow"):
            self._outages.labels(dependency)
        for outcome in OUTCOMES[1:]:
            self._predictions.labels(outcome.value.lower())
            self._shadow.labels(outcome.value.lower())
        for reason in _reasons():
            self._dead_letters.labels(reason)
        for alias in ("champion", "challenger"):
            for reason in REFUSALS:
                self._refusals.labels(alias, reason)

    def watch_lag(self, records: Callable[[], float], seconds: Callable[[], float]) -> None:
        """Ask for the lag at each scrape."""
        self.lag_records.set_function(records)
        self.lag_seconds.set_function(seconds)


def _reasons() -> Iterable[str]:
    unreadable = (error.reason for error in RecordError.__subclasses__() if hasattr(error, "reason"))
    return (*unreadable, *(fault.reason for fault in Fault if fault is not Fault.NONE))


def _count_outcomes(counter: Counter, outcomes: npt.NDArray[np.int8]) -> None:
    for code, count in enumerate(np.bincount(outcomes, minlength=len(OUTCOMES)).tolist()):
        if count:
            counter.labels(OUTCOMES[code].value.lower()).inc(count)


def _counted_fields(contract: Contract) -> Iterable[Field]:
    return (field for field in contract.observed if field.metric)


def _tally(field: Field, registry: CollectorRegistry) -> SmallGroupHistogram:
    return SmallGroupHistogram(
        field.metric, f"{field.name} of applications, {field.unit or 'as stated'}.", series(field), registry
    )


def series(field: Field) -> Sequence[float]:
    """Bucket edges 1, 2, 5, 10, ... over the upper decades of a field's range."""
    top = int(np.ceil(np.log10(field.high))) if np.isfinite(field.high) and field.high > 0 else DECADES
    edges: list[Any] = [step * 10.0**decade for decade in range(top - DECADES, top) for step in (1, 2, 5)]
    return [float(f"{edge:.6g}") for edge in [*edges, 10.0**top]]
