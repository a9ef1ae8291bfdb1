"""Performance of champions (`drift.performance.loan_figures`), from the decisions and outcomes on the topics."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from drift.performance.loan_figures import performance
from drift.performance.outcome_join import JoinRules, Notes, OutcomeJoin
from drift.performance.performance_report import SEED
from schemas.events.performance import Performance
from schemas.timestamps import millis_of
from streams.runtime.settings import Connection


@dataclass(frozen=True, slots=True)
class Reign:
    """Of event time, end exclusive, and the champion that decided then; all that did where it is empty."""

    start: datetime
    end: datetime
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionPerformance:
    """One champion over one stretch."""

    start: datetime
    end: datetime
    champion_version: str
    final: bool
    """Every loan has reached the age up to which outcomes count: the figures are final."""
    performance: Performance
    rows: tuple[int, int] | None = None
    """The first and the last row, from 1, in place of times that a file does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceSummary:
    as_of: datetime
    age_days: float
    kept: float
    """Share of the loans that memory had room for."""
    notes: Notes
    performances: tuple[ChampionPerformance, ...]

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def summarize_performance(
    connection: Connection, stretches: Sequence[Reign], rules: JoinRules, as_of: datetime
) -> PerformanceSummary:
    """The performance of each stretch, all within the rules'.

    Raises:
        OutageError: broker or registry is away.
    """
    # Files are shown by these events too, without Kafka's and the kernels' libraries.
    from drift.agent.loan_reader import decisions_and_outcomes, read_loans

    joining = read_loans(connection, decisions_and_outcomes(connection), rules)
    return PerformanceSummary(
        as_of=as_of,
        age_days=rules.age_ms / 86_400_000,
        kept=joining.share,
        notes=joining.notes,
        performances=tuple(_performances(joining, stretches, rules)),
    )


def _performances(joining: OutcomeJoin, stretches: Iterable[Reign], rules: JoinRules) -> Iterator[ChampionPerformance]:
    for stretch in stretches:
        start, end = millis_of(stretch.start), millis_of(stretch.end)
        for version in [stretch.version] if stretch.version else joining.versions(start, end):
            yield ChampionPerformance(
                start=stretch.start,
                end=stretch.end,
                champion_version=version,
                final=rules.as_of >= end + rules.age_ms,
                performance=performance(joining.loans(start, end, version), SEED),
            )
