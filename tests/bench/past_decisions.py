"""What ten million past decisions cost a performance check: `python -m tests.bench.past_decisions [--decisions N]`.

Decisions as they lie on the topic (bytes of this project's schema), a tenth of them with an outcome, are folded into
the sample of an agent's performance checks in blocks of 5,000, without Kafka: reading itself is measured by the parts
`agent` and `counting`. The first check folds them all; its sample is saved and restored, as for a new owner; the next
check folds an hour's more. Prints one line of JSON; exit status 1 where a decision is neither kept nor known.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from drift.agent.loan_reader import scored_loans
from drift.performance.kept_sample import KeptSample
from drift.performance.loan_sample import LoanSample
from drift.performance.outcome_join import EndedLoan
from drift.performance.performance_report import ReportSubject, sample_report
from drift.settings import DriftSettings
from schemas.codec.wire_format import schema_ids
from schemas.records import RecordBatch
from tests.bench import models
from tests.bench.drift_counts import BULK, DECISIONS, decided_batch
from tests.bench.measurement import peak_mb
from tests.builders import a_batch, a_champion

BLOCK: Final = 5_000
AN_HOUR: Final = 36_000
"""Of a lender of ten a second."""
WITH_OUTCOME: Final = 10
DAY_MS: Final = 86_400_000


class PastDecisions:
    """Blocks of decisions, each application of its own; made of one block's bytes by putting other ids into them."""

    def __init__(self) -> None:
        champion = a_champion(forest=models.forest_of(models.an_xgboost(4, 200)))
        self.version = champion.version
        self._block = decided_batch(champion, a_batch(*models.application_values(BLOCK)))
        self._writers = dict.fromkeys(schema_ids(self._block.values), DECISIONS)
        columns = BULK.read(self._block.values, self._writers)
        names = [name.encode() for name in columns.texts["application_id"]]
        parts = [
            value.split(bytes([2 * len(name)]) + name, 1) for value, name in zip(self._values(), names, strict=True)
        ]
        self._parts = [(before, after) for before, after in parts]
        self.first_signed = min(columns.wholes["applied_at"].tolist())

    def batch(self, first: int) -> RecordBatch:
        """The block of the applications from this number on."""
        size = bytes([2 * len(name_of(0))])
        values = [
            before + size + name_of(first + place).encode() + after for place, (before, after) in enumerate(self._parts)
        ]
        return replace(self._block, values=values, offsets=range(first, first + BLOCK))

    def fold(self, sample: LoanSample, batch: RecordBatch) -> None:
        """As `drift.agent.loan_reader.fold_loans` does."""
        for decision in scored_loans(batch, BULK.read(batch.values, self._writers)):
            sample.add_decision(decision)

    def outcomes(self, first: int) -> Iterator[EndedLoan]:
        """Of one of ten of a block."""
        for number in range(first, first + BLOCK, WITH_OUTCOME):
            observed = self.first_signed + 90 * DAY_MS
            yield EndedLoan(name_of(number), number % 7 == 0, observed, (observed, 0, number))

    def _values(self) -> list[bytes]:
        return [value or b"" for value in self._block.values]


def name_of(number: int) -> str:
    return f"application-{number:09d}"


def time_of(act: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of processor time, and the result."""
    began = time.process_time()
    found = act()
    return time.process_time() - began, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=10_000_000)
    given = parser.parse_args()
    settings = DriftSettings(_env_file=None)
    rules, past = settings.performance_rules(0.0), PastDecisions()
    sample, spent, began = LoanSample(rules.most, rules.age_ms), 0.0, time.monotonic()
    sample.watch(past.version)
    before_mb, half_mb = peak_mb(), 0
    for first in range(0, given.decisions, BLOCK):
        batch = past.batch(first)
        spent += time_of(lambda: past.fold(sample, batch))[0]  # noqa: B023 - called at once
        if first == given.decisions // 2 // BLOCK * BLOCK:
            half_mb = peak_mb()
    for first in range(0, given.decisions, BLOCK):
        spent += time_of(lambda: [sample.add_outcome(each) for each in past.outcomes(first)])[0]  # noqa: B023 - at once
    kept = KeptSample(sample=sample, read=(), digests={past.version: "d"})
    saving, text = time_of(kept.to_text)
    restoring, again = time_of(lambda: KeptSample.from_text(text, rules.age_ms))
    hour = [past.batch(given.decisions + first) for first in range(0, AN_HOUR, BLOCK)]
    folding, _ = time_of(lambda: [past.fold(again.sample, batch) for batch in hour])
    subject = ReportSubject(
        product="credit_risk",
        champion_version=past.version,
        champion_digest="d",
        as_of=past.first_signed + 365 * DAY_MS,
    )
    reporting, report = time_of(lambda: sample_report(again.sample, subject, rules, ()))
    result = {
        "decisions": given.decisions,
        "first_check_processor_s": round(spent, 1),
        "us_a_decision": round(1e6 * spent / given.decisions, 2),
        "share_kept": report.kept,
        "loans": report.performance.decided,
        "unknown_outcomes": report.notes.unknown,
        "saved_mb": round(len(text) / 1e6, 2),
        "save_s": round(saving, 2),
        "restore_s": round(restoring, 2),
        "next_check": {"decisions": len(hour) * BLOCK, "fold_s": round(folding, 2), "report_s": round(reporting, 2)},
        "memory_mb": {"before": before_mb, "after_half": half_mb, "peak": peak_mb()},
        "seconds": round(time.monotonic() - began, 1),
    }
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    return 1 if report.notes.unknown else 0


if __name__ == "__main__":
    sys.exit(main())
