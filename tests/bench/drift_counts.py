"""Drift's counting of applications and decisions, bytes to counts, against `score_batch` on the same records.

And its reading of decisions for performance checks, in bulk against one by one.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import fastavro

from drift.agent.loan_reader import OF_DECISIONS, scored_loans
from drift.binning.binner import ApplicationCells, DecisionCells
from drift.binning.reference import Reference
from drift.performance.loan_sample import LoanSample
from drift.performance.outcome_join import ScoredLoan
from drift.windows.pane_placement import PaneRules
from drift.windows.panes import PanePosition, PartitionPanes
from schemas.codec.bulk_projection import BulkProjection
from schemas.codec.event_codec import avro_schema
from schemas.codec.projection import Projection, millis
from schemas.codec.wire_format import schema_ids
from schemas.events.decisions import LoanDecision, Outcome
from schemas.records import RecordBatch
from scorecard.decisions.scoring import RegisteredScorecard, score_batch, warm
from tests.bench import models
from tests.bench.measurement import Line, Way, comparison
from tests.builders import CONTRACT, WRITERS, a_batch, a_champion, a_wire

SIZES: Final = (500, 5_000)
"""The worker's batch in the other parts, and what the agent takes at once."""
ROUNDS: Final = 9
RULES: Final = PaneRules(pane_ms=60_000, lateness_ms=60_000, ahead_ms=86_400_000)
"""The agent's own, by default."""
MOST_LOANS: Final = 50_000
AGE_MS: Final = 365 * 86_400_000
DECISIONS: Final[Any] = fastavro.parse_schema(dict(avro_schema(LoanDecision)))
BULK: Final = BulkProjection(LoanDecision, OF_DECISIONS)
ONE_BY_ONE: Final = Projection(LoanDecision, OF_DECISIONS)


def lines() -> Iterator[Line]:
    """For both sizes of champion: the counting is the same."""
    for depth, trees in ((6, 300), (4, 200)):
        champion = a_champion(forest=models.forest_of(models.an_xgboost(depth, trees)))
        for size in SIZES:
            batch = a_batch(*models.application_values(size))
            yield comparison(
                f"drift counting, batch {size}, against score_batch, XGBoost depth {depth} x {trees}",
                Way("ours", _application_fold(champion, batch), size),
                Way("score_batch", _scoring(champion, batch), size),
                ROUNDS,
            )
            decided = decided_batch(champion, batch)
            yield comparison(
                f"drift counting with decisions, batch {size}, against score_batch, XGBoost depth {depth} x {trees}",
                Way("ours", _counting_both(champion, batch, decided), size),
                Way("score_batch", _scoring(champion, batch), size),
                ROUNDS,
            )
    yield comparison(
        f"reading decisions for a performance check, batch {size}",
        Way("in bulk", lambda: _fold(champion, _loans_in_bulk(decided)), size),
        Way("one by one", lambda: _fold(champion, _loans_one_by_one(decided)), size),
        ROUNDS,
    )


def _application_fold(champion: RegisteredScorecard, batch: Any) -> Any:
    """Decoded, binned, put into panes, ids remembered; each time from an empty partition."""
    reference = Reference.of(0, champion.version, "d", champion.scorecard.profile, CONTRACT)
    cells = ApplicationCells(CONTRACT, reference)

    def fold() -> object:
        panes = PartitionPanes(RULES, cells.shape, PanePosition())
        panes.observe(cells.observe(batch, WRITERS))
        return panes.pop_panes()

    return fold


def _scoring(champion: RegisteredScorecard, batch: Any) -> Any:
    wire, policy = a_wire(), champion.scorecard.policy
    warm(champion, policy, wire)
    return lambda: score_batch(batch, WRITERS, champion, policy, wire)


def decided_batch(champion: RegisteredScorecard, batch: RecordBatch) -> RecordBatch:
    wire, policy = a_wire(), champion.scorecard.policy
    made = score_batch(batch, WRITERS, champion, policy, wire).decisions
    return replace(batch, topic="decisions", values=[record.value for record in made])


def _counting_both(champion: RegisteredScorecard, batch: RecordBatch, decided: RecordBatch) -> Any:
    reference = Reference.of(0, champion.version, "d", champion.scorecard.profile, CONTRACT)
    cells, alone = DecisionCells(reference), _application_fold(champion, batch)
    writers = dict.fromkeys(schema_ids(decided.values), DECISIONS)

    def fold() -> object:
        panes = PartitionPanes(RULES, cells.shape, PanePosition())
        panes.observe(cells.observe(decided, writers))
        return alone(), panes.pop_panes()

    return fold


def _loans_in_bulk(decided: RecordBatch) -> Iterator[ScoredLoan]:
    writers = dict.fromkeys(schema_ids(decided.values), DECISIONS)
    return scored_loans(decided, BULK.read(decided.values, writers))


def _loans_one_by_one(decided: RecordBatch) -> Iterator[ScoredLoan]:
    writers = dict.fromkeys(schema_ids(decided.values), DECISIONS)
    for place, value in enumerate(decided.values):
        plain = ONE_BY_ONE.read(value, writers) or {}
        yield ScoredLoan(
            application_id=plain["application_id"],
            applied_at=millis(plain["applied_at"]),
            probability=plain["probability"],
            approved=plain["outcome"] == Outcome.APPROVE.value,
            version=plain["scorecard_version"],
            place=(decided.timestamps[place], decided.partitions[place], decided.offsets[place]),
        )


def _fold(champion: RegisteredScorecard, loans: Iterator[ScoredLoan]) -> LoanSample:
    sample = LoanSample(MOST_LOANS, AGE_MS)
    sample.watch(champion.version)
    for loan in loans:
        sample.add_decision(loan)
    return sample
