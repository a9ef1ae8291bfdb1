"""Decisions on the rows of a table: an Arrow batch of applications in, an Arrow batch of decisions out.

Pure. Scores, contributions, outcomes and reasons are those of `scorecard.decisions.scoring.decide`, the worker's, to
the last bit, in batches of any size and in any order. A row has no coordinates on a topic, so its decision has no id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.applications import Applications, Fault, Matrix, faults
from schemas.codec.application_decoder import DecodedBatch
from schemas.contract.contract import Contract
from schemas.tables import arrow_columns
from schemas.tables.times import NO_TIME
from scorecard.decisions.decision_records import DecisionColumns
from scorecard.decisions.scoring import RegisteredScorecard, decide
from scorecard.policy import OUTCOMES, Policy

MICROSECONDS: Final = 1000
"""Of a millisecond: engines of tables count in microseconds."""
FAULTS: Final = pa.array([None, *(fault.reason for fault in list(Fault)[1:])], pa.string())
OUTCOME_NAMES: Final = pa.array([outcome.value for outcome in OUTCOMES], pa.string())


def decision_schema(features: Sequence[str]) -> pa.Schema:
    """The columns of a table of decisions, contributions as a struct by feature."""
    contributions = pa.struct([pa.field(name, pa.float64()) for name in features])
    return pa.schema(
        [
            ("application_id", pa.string()),
            ("applied_at", pa.timestamp("us", "UTC")),
            ("outcome", pa.string()),
            ("probability", pa.float64()),
            ("margin", pa.float64()),
            ("base_value", pa.float64()),
            ("contributions", contributions),
            ("reasons", pa.list_(pa.string())),
            ("fault", pa.string()),
            ("scorecard_version", pa.string()),
            ("scorecard_digest", pa.string()),
            ("policy_version", pa.string()),
        ]
    )


@dataclass(frozen=True, slots=True)
class TableScorer:
    contract: Contract
    champion: RegisteredScorecard
    policy: Policy
    source: str
    """What errors call the table."""

    @property
    def schema(self) -> pa.Schema:
        return decision_schema(self.champion.scorecard.features.names)

    def decisions(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The decision on each row, in order.

        Raises:
            TableError: a row cannot be written as an application.
        """
        names = arrow_columns.ids(self.contract, batch, self.source)
        times = arrow_columns.times(self.contract, batch, self.source)
        found = self.decide(arrow_columns.values(self.contract, batch, self.source))
        return pa.RecordBatch.from_arrays([names, _times(times), *self._columns(found)], schema=self.schema)

    def decide(self, values: Matrix) -> DecisionColumns:
        """The worker's decisions on these values, shape (n, observed fields); without names and times."""
        features, count = self.champion.scorecard.features, len(values)
        # Names and times go past the scoring, as Arrow has them.
        rows = Applications([""] * count, np.zeros(count, dtype=np.int64), features.recognize(values))
        decoded = DecodedBatch(rows, np.arange(count), np.zeros(count, dtype=np.int64), ())
        wrong = faults(self.contract, rows.values, with_pricing=features.with_pricing)
        return decide(decoded, wrong, self.champion, self.policy)

    def _columns(self, found: DecisionColumns) -> list[Any]:
        scorecard, count = self.champion.scorecard, len(found.applications)
        scored = found.faults.codes == Fault.NONE
        absent = None if scored.all() else ~scored
        base = np.full(count, scorecard.base_value)
        constants = (self.champion.version, scorecard.digest, self.policy.version)
        return [
            OUTCOME_NAMES.take(pa.array(found.outcomes)),
            *(pa.array(numbers, mask=absent) for numbers in (found.probability, found.margin, base)),
            _contributions(found.contributions, scorecard.features.names, absent),
            _reasons(found.reasons, [text.code for text in scorecard.reasons.texts]),
            FAULTS.take(pa.array(found.faults.codes)),
            *(pa.repeat(pa.scalar(text, pa.string()), count) for text in constants),
        ]


def _times(applied_at: npt.NDArray[np.int64]) -> Any:
    unknown = applied_at == NO_TIME
    micros = np.where(unknown, 0, applied_at) * MICROSECONDS
    return pa.array(micros, pa.int64(), mask=unknown).cast(pa.timestamp("us", "UTC"))


def _contributions(
    contributions: npt.NDArray[np.float64], names: Sequence[str], absent: npt.NDArray[np.bool_] | None
) -> Any:
    by_feature = np.ascontiguousarray(contributions.T)
    mask = None if absent is None else pa.array(absent)
    return pa.StructArray.from_arrays([pa.array(one) for one in by_feature], list(names), mask=mask)


def _reasons(places: npt.NDArray[np.int64], codes: Sequence[str]) -> Any:
    given = places >= 0
    offsets = np.concatenate([[0], np.cumsum(given.sum(axis=1))]).astype(np.int32)
    words = pa.array(list(codes), pa.string()).take(pa.array(places[given]))
    return pa.ListArray.from_arrays(pa.array(offsets), words)
