"""Decisions of the last minutes: rate, outcomes, latencies. Pure; the clock is given.

Every decision is counted; outcome, scorecard and latency are those of a sample, since decoding all would cost more than
deciding. Called from several threads.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

SECONDS: Final = 180
"""Kept of the count."""
RATE_OVER_S: Final = 10
SAMPLES: Final = 1_000
"""Latest decisions of the sample, for shares and quantiles."""
SAMPLES_PER_S: Final = 50
SAMPLES_AT_ONCE: Final = 10
MOST_REASONS: Final = 40
"""Named apart: a header may hold anything."""
OTHER: Final = "other"
MIDDLE: Final = 0.5
NEARLY_ALL: Final = 0.99


@dataclass(frozen=True, slots=True)
class ActivitySample:
    """A decision that was decoded."""

    outcome: str
    scorecard_version: str
    partition: int
    offset: int
    """Of its application."""
    produced_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    per_second: float
    """Decisions a second, over the last ten."""
    counts: Sequence[int]
    """Decisions of each of the last `SECONDS` seconds, the oldest first; the running second is left out."""
    outcomes: Mapping[str, int]
    """Of the sample."""
    latency_ms: tuple[float, float] | None
    """Median and 99th percentile from an application's record to its decision's, over the sample; None before any."""
    latencies: int
    scorecard_version: str
    """Of the latest decision; empty before any."""
    dead_letters: Mapping[str, int]
    """By reason, since the gateway began."""


class Activity:
    def __init__(self, clock: Callable[[], float]) -> None:
        """Has seen nothing yet."""
        self._clock = clock
        self._counts: dict[int, int] = {}
        self._samples: deque[ActivitySample] = deque(maxlen=SAMPLES)
        self._fresh: dict[int, ActivitySample] = {}
        self._latencies: deque[float] = deque(maxlen=SAMPLES)
        self._dead_letters: Counter[str] = Counter()
        self._budget = (0, 0)
        """Second, and how many decisions may still be decoded in it."""
        self._lock = threading.Lock()

    def read(self, count: int) -> int:
        """So many decisions were read; returns how many of them to decode for `add_sample`."""
        with self._lock:
            second = int(self._clock())
            self._counts[second] = self._counts.get(second, 0) + count
            for old in [each for each in self._counts if each < second - SECONDS]:
                del self._counts[old]
            at, left = self._budget
            left = SAMPLES_PER_S if at != second else left
            # Not all at once: a second has many batches.
            asked = min(left, count, SAMPLES_AT_ONCE)
            self._budget = (second, left - asked)
            return asked

    def add_sample(self, decision: Mapping[str, Any], produced_ms: int) -> None:
        """One of those decisions, as Avro gives it."""
        sample = ActivitySample(
            decision["outcome"],
            decision["scorecard_version"],
            decision["source_partition"],
            decision["source_offset"],
            produced_ms,
        )
        with self._lock:
            self._samples.append(sample)
            self._fresh[sample.partition] = sample

    def latest(self) -> list[ActivitySample]:
        """The latest sample of each partition since the last call."""
        with self._lock:
            fresh, self._fresh = list(self._fresh.values()), {}
            return fresh

    def took(self, milliseconds: float) -> None:
        """From an application's record to its decision's."""
        with self._lock:
            self._latencies.append(milliseconds)

    def set_aside(self, reason: str) -> None:
        """One more dead letter."""
        with self._lock:
            known = reason in self._dead_letters or len(self._dead_letters) < MOST_REASONS
            self._dead_letters[reason if known else OTHER] += 1

    def figures(self) -> Figures:
        with self._lock:
            second = int(self._clock())
            counts = [self._counts.get(each, 0) for each in range(second - SECONDS, second)]
            ordered = sorted(self._latencies)
            return Figures(
                per_second=sum(counts[-RATE_OVER_S:]) / RATE_OVER_S,
                counts=counts,
                outcomes=Counter(sample.outcome for sample in self._samples),
                latency_ms=(_quantile(ordered, MIDDLE), _quantile(ordered, NEARLY_ALL)) if ordered else None,
                latencies=len(ordered),
                scorecard_version=self._samples[-1].scorecard_version if self._samples else "",
                dead_letters=dict(self._dead_letters),
            )


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
