"""The decision: bytes of applications in, bytes of decisions and dead letters out.

This is the core of the worker, and pure: the same application bytes at the same coordinates, with
the same scorecard and policy, give the same decision bytes; no clock is read. Every application
that can be read is answered. One that cannot be scored is referred to a person, its fault named,
with a copy on the dead-letter topic; one that cannot be read goes there alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.applications import Applications, Fault, Faults, Matrix, faults
from schemas.codec.application_decoder import ApplicationReader, DecodedBatch
from schemas.contract.contract import Contract
from schemas.records import OutgoingRecord, RecordBatch
from scorecard.decisions.dead_letter_office import DeadLetterOffice
from scorecard.decisions.decision_records import DecisionColumns, DecisionWriter
from scorecard.policy import APPROVE, REFER, Policy, outcomes
from scorecard.reasons import MOST, GivenReasons
from scorecard.scorecard import Scorecard


@dataclass(frozen=True, slots=True)
class RegisteredScorecard:
    """The scorecard that decides, under its registered version."""

    scorecard: Scorecard
    version: str


@dataclass(frozen=True, slots=True)
class DecisionCodec:
    """How applications are read and answers written: fixed for the life of a worker."""

    contract: Contract
    reader: ApplicationReader
    writer: DecisionWriter
    dead_letters: DeadLetterOffice


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """The result of a batch, with the data for its metrics."""

    decisions: Sequence[OutgoingRecord]
    dead_letters: Sequence[OutgoingRecord]
    applications: Applications
    """The readable ones: one decision each, in this order."""
    places: npt.NDArray[np.int64]
    """Of the readable ones in the batch."""
    outcomes: npt.NDArray[np.int8]
    probability: npt.NDArray[np.float64]
    """NaN where not scored."""
    refusals: Sequence[str]
    """The reason of each dead letter."""


def score_batch(
    batch: RecordBatch,
    writers: Mapping[int, Mapping[str, Any] | None],
    champion: RegisteredScorecard,
    policy: Policy,
    wire: DecisionCodec,
) -> ScoredBatch:
    """Every record of a batch, answered.

    Args:
        batch: records of the applications topic.
        writers: parsed writer schemas by the ids that the batch names, None where the registry has none
            (`schemas.codec.wire_format.schema_ids`).
        champion: decides the whole batch.
        policy: the cut-offs, the scorecard's own or the operator's.
    """
    features = champion.scorecard.features
    read = wire.reader.read_batch(batch, writers)
    known = replace(read.applications, values=features.recognize(read.applications.values))
    decoded = replace(read, applications=known)
    found = faults(wire.contract, known.values, with_pricing=features.with_pricing)
    decided = decide(decoded, found, champion, policy)
    unscorable = np.flatnonzero(found.codes != Fault.NONE)
    return ScoredBatch(
        decisions=wire.writer.write(decided, batch, champion.scorecard, champion.version, policy),
        dead_letters=wire.dead_letters.letters(batch, decoded, found, unscorable),
        applications=read.applications,
        places=decoded.places,
        outcomes=decided.outcomes,
        probability=decided.probability,
        refusals=[item.error.reason for item in decoded.unreadable]
        + [Fault(found.codes[row]).reason for row in unscorable],
    )


def warm(champion: RegisteredScorecard, policy: Policy, wire: DecisionCodec) -> None:
    """Compiles, or loads from the cache, every kernel of `score_batch`, so that the first applicant need not wait."""
    wire.reader.warm()
    champion.scorecard.explainer.warm()
    # A tombstone gives no decision, and so writes all of none.
    nothing = RecordBatch(
        topic="", keys=[None], values=[None], partitions=[0], offsets=[0], timestamps=[0], headers=[()]
    )
    score_batch(nothing, {}, champion, policy, wire)


def decide(decoded: DecodedBatch, found: Faults, champion: RegisteredScorecard, policy: Policy) -> DecisionColumns:
    """Scores, outcomes and reasons of readable applications; REFER and nothing else where one is at fault."""
    scorecard = champion.scorecard
    total = len(decoded.applications)
    scorable = np.flatnonzero(found.codes == Fault.NONE)
    scores = scorecard.score(decoded.applications.values[scorable])
    verdicts = outcomes(policy, scores.probability)
    given = reason_places(scorecard, decoded.applications.values[scorable], scores.contributions, verdicts)
    features = len(scorecard.features.names)
    return DecisionColumns(
        applications=decoded.applications,
        places=decoded.places,
        schema_ids=decoded.schema_ids,
        faults=found,
        outcomes=_scatter(verdicts, scorable, np.full(total, REFER, dtype=np.int8)),
        probability=_scatter(scores.probability, scorable, np.full(total, np.nan)),
        margin=_scatter(scores.margin, scorable, np.full(total, np.nan)),
        contributions=_scatter(scores.contributions, scorable, np.zeros((total, features))),
        reasons=_scatter(given.places, scorable, np.full((total, MOST), -1)),
        reason_of=_scatter(given.reason_of, scorable, np.full((total, features), -1)),
    )


def reason_places(
    scorecard: Scorecard, values: Matrix, contributions: npt.NDArray[np.float64], verdicts: npt.NDArray[np.int8]
) -> GivenReasons:
    """The reasons of each applicant; none (-1) where approved.

    Args:
        values: shape (n, observed).
        contributions: shape (n, features).
        verdicts: shape (n,).
    """
    given = GivenReasons.none(len(verdicts), contributions.shape[1])
    owed = verdicts != APPROVE
    given.places[owed], given.reason_of[owed] = scorecard.reasons.principal_reasons(
        values[owed][:, scorecard.features.positions], contributions[owed]
    )
    return given


def _scatter(part: npt.NDArray[Any], rows: npt.NDArray[np.int64], whole: npt.NDArray[Any]) -> npt.NDArray[Any]:
    whole[rows] = part
    return whole
