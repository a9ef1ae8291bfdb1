"""Loans from the topics: decisions joined with their outcomes by `drift.performance.outcome_join`.

A shell. The end of the outcomes is taken before the end of the decisions, so that no outcome's decision is missed.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from drift.performance.loan_sample import LoanSample
from drift.performance.outcome_join import EndedLoan, JoinRules, OutcomeJoin, ScoredLoan
from schemas.codec.bulk_projection import BulkProjection, EventColumns
from schemas.events.decisions import LoanDecision, LoanOutcome, Outcome
from schemas.records import RecordBatch
from streams.kafka.topics.topic_reader import PartitionRange, partition_ranges
from streams.kafka.topics.topic_scan import read_columns
from streams.runtime.settings import Connection

OF_DECISIONS: Final = ("application_id", "applied_at", "outcome", "probability", "scorecard_version")
OF_OUTCOMES: Final = ("application_id", "defaulted", "observed_at")
APPROVE: Final = list(Outcome).index(Outcome.APPROVE)
"""Its place in the schema."""

Event = TypeVar("Event")


def decisions_and_outcomes(connection: Connection) -> list[PartitionRange]:
    """Where all of them lie now.

    Raises:
        OutageError: the broker is away.
        NoTopicError: a topic does not exist.
    """
    topics = connection.topics()
    outcomes = partition_ranges(connection, [topics.outcomes.name])
    return [*partition_ranges(connection, [topics.decisions.name]), *outcomes]


def read_loans(
    connection: Connection,
    wanted: Sequence[PartitionRange],
    rules: JoinRules,
    between: Callable[[], object] = lambda: None,
) -> OutcomeJoin:
    """The loans of some stretches of both topics.

    Args:
        between: called after every some thousand records.

    Raises:
        OutageError: broker or registry is away.
    """
    joining = OutcomeJoin(rules)
    fold_loans(connection, wanted, joining, between)
    return joining


def fold_loans(
    connection: Connection,
    wanted: Sequence[PartitionRange],
    joining: OutcomeJoin | LoanSample,
    between: Callable[[], object] = lambda: None,
) -> None:
    """Add the decisions of some stretches, then their outcomes.

    Raises:
        OutageError: broker or registry is away.
    """
    topics = connection.topics()
    decisions = [extent for extent in wanted if extent.topic == topics.decisions.name]
    outcomes = [extent for extent in wanted if extent.topic == topics.outcomes.name]
    for batch, columns in read_columns(connection, decisions, BulkProjection(LoanDecision, OF_DECISIONS), between):
        for decision in _readable(joining, columns, scored_loans(batch, columns)):
            joining.add_decision(decision)
    for batch, columns in read_columns(connection, outcomes, BulkProjection(LoanOutcome, OF_OUTCOMES), between):
        for outcome in _readable(joining, columns, ended_loans(batch, columns)):
            joining.add_outcome(outcome)


def scored_loans(batch: RecordBatch, columns: EventColumns) -> Iterator[ScoredLoan]:
    """The decision of each record; without meaning where it is not readable."""
    approved = columns.wholes["outcome"] == APPROVE
    return map(
        ScoredLoan,
        columns.texts["application_id"],
        columns.wholes["applied_at"].tolist(),
        [None if math.isnan(each) else each for each in columns.reals["probability"].tolist()],
        approved.tolist(),
        columns.texts["scorecard_version"],
        zip(batch.timestamps, batch.partitions, batch.offsets, strict=True),
    )


def ended_loans(batch: RecordBatch, columns: EventColumns) -> Iterator[EndedLoan]:
    """The outcome of each record; without meaning where it is not readable."""
    return map(
        EndedLoan,
        columns.texts["application_id"],
        (columns.wholes["defaulted"] == 1).tolist(),
        columns.wholes["observed_at"].tolist(),
        zip(batch.timestamps, batch.partitions, batch.offsets, strict=True),
    )


def _readable(joining: OutcomeJoin | LoanSample, columns: EventColumns, found: Iterator[Event]) -> Iterator[Event]:
    """What could be read; the join counts the rest."""
    for readable, event in zip(columns.readable.tolist(), found, strict=True):
        if readable:
            yield event
        else:
            joining.unreadable()
