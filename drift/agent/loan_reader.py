"""Loans from the topics: decisions joined with their outcomes by `drift.performance.outcome_join`.

A shell. The end of the outcomes is taken before the end of the decisions, so that no outcome's decision is missed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from drift.performance.loan_sample import LoanSample
from drift.performance.outcome_join import EndedLoan, JoinRules, OutcomeJoin, ScoredLoan
from schemas.codec.projection import Projection, millis
from schemas.events.decisions import LoanDecision, LoanOutcome, Outcome
from streams.kafka.topics.topic_reader import PartitionRange, Record, partition_ranges
from streams.kafka.topics.topic_scan import read_fields
from streams.runtime.settings import Connection

OF_DECISIONS: Final = ("application_id", "applied_at", "outcome", "probability", "scorecard_version")
OF_OUTCOMES: Final = ("application_id", "defaulted", "observed_at")


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
        connection: broker and registry.
        wanted: the stretches.
        rules: what is joined.
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
    of_decisions, of_outcomes = Projection(LoanDecision, OF_DECISIONS), Projection(LoanOutcome, OF_OUTCOMES)
    decisions = [extent for extent in wanted if extent.topic == topics.decisions.name]
    outcomes = [extent for extent in wanted if extent.topic == topics.outcomes.name]
    for record, plain in _read(joining, read_fields(connection, decisions, of_decisions, between=between)):
        joining.add_decision(_scored_loan(record, plain))
    for record, plain in _read(joining, read_fields(connection, outcomes, of_outcomes, between=between)):
        joining.add_outcome(_ended_loan(record, plain))


def _read(
    joining: OutcomeJoin | LoanSample, found: Iterable[tuple[Record, Mapping[str, Any] | None]]
) -> Iterator[tuple[Record, Mapping[str, Any]]]:
    """What could be read; the rest is told to the joining."""
    for record, plain in found:
        if plain is None:
            joining.unreadable()
        else:
            yield record, plain


def _scored_loan(record: Record, plain: Mapping[str, Any]) -> ScoredLoan:
    return ScoredLoan(
        application_id=plain["application_id"],
        applied_at=millis(plain["applied_at"]),
        probability=plain["probability"],
        approved=plain["outcome"] == Outcome.APPROVE.value,
        version=plain["scorecard_version"],
        place=record.place,
    )


def _ended_loan(record: Record, plain: Mapping[str, Any]) -> EndedLoan:
    return EndedLoan(
        application_id=plain["application_id"],
        defaulted=plain["defaulted"],
        observed_at=millis(plain["observed_at"]),
        place=record.place,
    )
