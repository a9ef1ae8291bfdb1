"""What a backlog costs the owner of the windows: `python -m tests.bench.backlog`.

Thirty days of a lender of ten applications a second on twelve partitions, as the partial counts that counters tell of
them (panes of a minute, windows of an hour), through Avro and the agent's own monitor. Partitions come in a random
order, each as far ahead of the others as counters let it come; with `--unaligned` one is told to its end before the
next is begun, which is the worst order that there is. The state is saved every fifty messages, and every five hundred
another owner takes over from it and reads again what was not saved.

Prints what it took; exit status 1 where a window is missing, early, late or of another number of applications.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from os import SEEK_END
from tempfile import TemporaryFile
from typing import Any, Final

import numpy as np
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from drift.binning.binned_records import NO_TIME
from drift.monitor import Monitor
from drift.settings import DriftSettings
from schemas.codec.event_codec import avro_schema
from schemas.events.drift import DriftCounts, DriftReport, PaneCounts
from schemas.registry_client import EventSerde
from tests.bench.drift_error_rates import Bench, a_bench
from tests.bench.measurement import peak_mb

PARTITIONS: Final = 12
PER_PANE: Final = 50
"""Ten a second on twelve partitions, in a minute."""
PANE_MS: Final = 60_000
DAY: Final = 86_400_000 // PANE_MS
"""Panes of a day: as far as `DriftSettings.aligned_ms` lets a partition come ahead."""
A_MESSAGE: Final = 200
SAVE_EVERY: Final = 50
SUCCEED_EVERY: Final = 500
START: Final = 1_767_225_600_000


class Log:
    """Messages on disk, so that what is measured is the owner's memory and not theirs."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - lives as long as the log
        self.places: list[tuple[int, int]] = []

    def append(self, value: bytes) -> None:
        self.places.append((self._file.seek(0, SEEK_END), len(value)))
        self._file.write(value)

    def read(self, offset: int) -> bytes:
        place, length = self.places[offset]
        self._file.seek(place)
        return self._file.read(length)


@dataclass
class Owner:
    """The owner of the windows, without Kafka."""

    bench: Bench
    settings: DriftSettings
    serde: EventSerde[DriftCounts]
    log: Log = field(default_factory=Log)
    reports: list[DriftReport] = field(default_factory=list)
    largest_state: int = 0
    again: int = 0

    def __post_init__(self) -> None:
        self.monitor = Monitor(self.settings.rules())

    def take(self, value: bytes) -> None:
        """One message; saved and succeeded now and then."""
        offset = len(self.log.places)
        self.log.append(value)
        found = self.monitor.add_counts(self.serde.decode(value), self.bench.reference, datetime.now(UTC), offset)
        self.reports += found.reports
        if offset % SAVE_EVERY == 0:
            state = json.dumps(self.monitor.to_dict())
            self.largest_state = max(self.largest_state, len(state))
            if offset % SUCCEED_EVERY == 0:
                self._succeed(json.loads(state))

    def _succeed(self, state: dict[str, Any]) -> None:
        resume_at = self.monitor.resume_at
        self.monitor = Monitor.from_dict(self.settings.rules(), state)
        for offset in range(len(self.log.places) if resume_at is None else resume_at, len(self.log.places)):
            self.monitor.replay(self.serde.decode(self.log.read(offset)), offset)
            self.again += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--unaligned", action="store_true")
    given = parser.parse_args()
    settings = DriftSettings(_env_file=None, with_decisions=False, window_s=3_600)
    owner = Owner(a_bench(), settings, a_serde(settings))
    began, cpu = time.monotonic(), time.process_time()
    for message in messages(owner.bench, given.days, 0 if given.unaligned else DAY):
        owner.take(owner.serde.encode(message))
    took, cpu = time.monotonic() - began, time.process_time() - cpu
    starts = [report.window_start for report in owner.reports]
    right = [report.n for report in owner.reports] == [PARTITIONS * PER_PANE * 60] * (given.days * 24)
    result = {
        "days": given.days,
        "applications": sum(report.n for report in owner.reports),
        "windows": len(owner.reports),
        "in_order": starts == sorted(starts),
        "late": sum(report.late for report in owner.reports),
        "messages": len(owner.log.places),
        "read_again": owner.again,
        "largest_state_bytes": owner.largest_state,
        "peak_memory_mb": peak_mb(),
        "log_mb": round(sum(length for _, length in owner.log.places) / 1e6),
        "seconds": round(took, 1),
        "processor_seconds": round(cpu, 1),
    }
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    return 0 if right and result["in_order"] and not result["late"] else 1


def a_serde(settings: DriftSettings) -> EventSerde[DriftCounts]:
    registry = SchemaRegistryClient.new_client({"url": "mock://"})
    topic = settings.topics().drift_counts.name
    subject = f"{topic}-value"
    registry.register_schema(subject, Schema(json.dumps(avro_schema(DriftCounts)), "AVRO"))
    # The one in memory would ask a server for the subjects of a schema.
    vars(registry)["get_subjects_by_schema_id"] = lambda _schema_id: [subject]
    return EventSerde(registry, DriftCounts, topic)


def messages(bench: Bench, days: int, ahead: int) -> Iterator[DriftCounts]:
    """What counters tell, in a random order; `ahead` panes at most before the last partition, 0 for any."""
    rng = np.random.default_rng(1)
    template = pane_counts(bench)
    told, panes = [0] * PARTITIONS, days * DAY
    while min(told) < panes:
        limit = panes if ahead == 0 else min(panes, min(told) + ahead)
        behind = [number for number in range(PARTITIONS) if told[number] < limit]
        partition = behind[0] if ahead == 0 else int(rng.choice(behind))
        first, last = told[partition], min(limit, told[partition] + A_MESSAGE)
        told[partition] = last
        yield DriftCounts(
            product="credit_risk",
            source="loan.applications.v1",
            partition=partition,
            partitions=PARTITIONS,
            generation=bench.reference.generation,
            champion_version=bench.reference.champion_version,
            champion_digest=bench.reference.champion_digest,
            reference_id=bench.reference.reference_id,
            horizon=START + last * PANE_MS,
            idle=False,
            panes=[a_pane(number, template) for number in range(first, last)],
        )


def pane_counts(bench: Bench) -> list[int]:
    cells = bench.cells.cells(bench.values[:PER_PANE])
    return np.bincount(cells.ravel(), minlength=bench.cells.shape.cells).tolist()


def a_pane(number: int, counts: list[int]) -> PaneCounts:
    """The pane of that number since the start."""
    return PaneCounts(
        start=START + number * PANE_MS,
        n=PER_PANE,
        late=0,
        duplicates=0,
        ahead=0,
        unreadable=0,
        counts=counts,
        sums=[],
        first=number * PER_PANE,
        last=number * PER_PANE + PER_PANE - 1,
        watermark=START + number * PANE_MS - 1 if number else NO_TIME,
        floor=NO_TIME,
        jumped=False,
    )


if __name__ == "__main__":
    sys.exit(main())
