"""Performance of champions, from the decisions and outcomes on the topics. What it is: `drift.performance`.

Decisions are read to their end, then outcomes: an outcome that comes meanwhile has its decision.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from drift.decoding import Projection, millis
from drift.joining import Decided, Ended, Joining, JoinRules, Notes
from drift.performance import Performance, performance
from drift.reports import millis_of
from loanctl.observe import Record, projected
from schemas.events import LoanDecision, LoanOutcome, Outcome
from streams.connection import Connection

SEED: Final = 1
OF_DECISIONS: Final = ("application_id", "applied_at", "outcome", "probability", "scorecard_version")
OF_OUTCOMES: Final = ("application_id", "defaulted", "observed_at")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Of event time, end exclusive, and the champion that decided then; all that did where it is empty."""

    start: datetime
    end: datetime
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One champion over one stretch."""

    start: datetime
    end: datetime
    champion_version: str
    final: bool
    """Every loan has reached the age up to which outcomes count: what is told will not change."""
    performance: Performance


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """All that was asked for."""

    as_of: datetime
    age_days: float
    kept: float
    """Share of the loans that memory had room for."""
    notes: Notes
    told: tuple[Told, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON can tell it."""
        return asdict(self)


def telling(connection: Connection, stretches: Sequence[Stretch], rules: JoinRules, as_of: datetime) -> Telling:
    """The performance of each stretch, all within the rules'.

    Raises:
        OutageError: broker or registry is away.
    """
    joining = _joined(connection, rules)
    return Telling(
        as_of=as_of,
        age_days=rules.age_ms / 86_400_000,
        kept=joining.share,
        notes=joining.notes,
        told=tuple(_told(joining, stretches, rules)),
    )


def _told(joining: Joining, stretches: Iterable[Stretch], rules: JoinRules) -> Iterator[Told]:
    for stretch in stretches:
        start, end = millis_of(stretch.start), millis_of(stretch.end)
        for version in [stretch.version] if stretch.version else joining.versions(start, end):
            yield Told(
                start=stretch.start,
                end=stretch.end,
                champion_version=version,
                final=rules.as_of >= end + rules.age_ms,
                performance=performance(joining.loans(start, end, version), SEED),
            )


def _joined(connection: Connection, rules: JoinRules) -> Joining:
    joining, topics = Joining(rules), connection.topics()
    for record, plain in projected(connection, topics.decisions, Projection(LoanDecision, OF_DECISIONS)):
        if plain is None:
            joining.notes.unreadable += 1
        else:
            joining.decided(_decided(record, plain))
    for record, plain in projected(connection, topics.outcomes, Projection(LoanOutcome, OF_OUTCOMES)):
        if plain is None:
            joining.notes.unreadable += 1
        else:
            joining.ended(_ended(record, plain))
    return joining


def _decided(record: Record, plain: Mapping[str, Any]) -> Decided:
    return Decided(
        application_id=plain["application_id"],
        applied_at=millis(plain["applied_at"]),
        probability=plain["probability"],
        approved=plain["outcome"] == Outcome.APPROVE.value,
        version=plain["scorecard_version"],
        place=record.place,
    )


def _ended(record: Record, plain: Mapping[str, Any]) -> Ended:
    return Ended(
        application_id=plain["application_id"],
        defaulted=plain["defaulted"],
        observed_at=millis(plain["observed_at"]),
        place=record.place,
    )
