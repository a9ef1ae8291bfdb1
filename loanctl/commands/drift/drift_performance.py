"""`loanctl drift performance`: how well the champion ranks and states risk, in each window or over a stretch."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from drift.performance.outcome_join import JoinRules
from drift.retraining import performance_floor
from drift.settings import DriftSettings
from loanctl.console import FINDING
from loanctl.reports.champion_performance import ChampionPerformance, PerformanceSummary, Reign, summarize_performance
from loanctl.reports.lineage import lineages as stories_told
from loanctl.reports.performance_table import TIME, console, show
from schemas.errors import SetupError
from schemas.events.drift import DriftReport
from schemas.timestamps import EPOCH, millis_of

AGE_DAYS: Final[float] = DriftSettings.model_fields["performance_age_days"].default
MOST: Final = 200_000
"""Loans in memory, two hundred megabytes; an AUC of so many is sure to its third decimal."""
LAST: Final = 20


class NoWindowError(SetupError):
    """No window has a performance to show."""


def performance(  # noqa: PLR0913 - each argument is an option of the command
    *,
    last: Annotated[int, typer.Option(min=1, help="Number of latest windows that the drift agent reported.")] = LAST,
    since: Annotated[
        datetime | None, typer.Option(help="Instead of windows: one period from this event time, UTC.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="Its end, exclusive; else now.")] = None,
    age_days: Annotated[float, typer.Option(min=0.0, help="Outcomes count up to this age of a loan.")] = AGE_DAYS,
    as_of: Annotated[datetime | None, typer.Option(help="As it was known then, UTC; else now.")] = None,
    most: Annotated[int, typer.Option(min=1_000, help="Loans in memory; of more, a sample.")] = MOST,
    least_auc: Annotated[
        float, typer.Option(help="Exit status 3 if the whole interval of the AUC observed last is below this.")
    ] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="As one line of JSON.")] = False,
) -> None:
    """Show how well champions rank and state risk: observed from known outcomes, else estimated."""
    settings, known_at = DriftSettings.read(), _utc(as_of) or datetime.now(UTC)
    stretches = _stretches(settings, last, _utc(since), _utc(until))
    found = of(settings, stretches, known_at, age_days=age_days, most=most)
    if as_json:
        sys.stdout.write(json.dumps(found.plain(), default=str) + "\n")
    else:
        show(console(), found)
    if is_below_floor(found.performances, least_auc):
        raise typer.Exit(FINDING)


def of(
    settings: DriftSettings,
    stretches: Sequence[Reign],
    as_of: datetime,
    *,
    age_days: float = AGE_DAYS,
    most: int = MOST,
) -> PerformanceSummary:
    """The performance of some stretches, at least one, as it was known at that time.

    Raises:
        OutageError: broker or registry is away.
    """
    versions = {each.version for each in stretches}
    rules = JoinRules(
        start=millis_of(min(each.start for each in stretches)),
        end=millis_of(max(each.end for each in stretches)),
        age_ms=timedelta(days=age_days) // timedelta(milliseconds=1),
        as_of=millis_of(as_of),
        most=most,
        # Where one champion is asked for, no other's loans push its own out of memory.
        version=versions.pop() if len(versions) == 1 else "",
    )
    return summarize_performance(settings, stretches, rules, as_of)


def windows(reports: Iterable[DriftReport]) -> list[Reign]:
    """Those of the drift agent's reports."""
    return [Reign(each.window_start, each.window_end, each.champion_version) for each in reports]


def is_below_floor(performances: Sequence[ChampionPerformance], least_auc: float) -> bool:
    """Whether the champion whose AUC is the last observed has fallen under this."""
    seen = [each.performance.observed for each in performances]
    known = [observed for observed in seen if observed is not None and observed.auc is not None]
    return performance_floor.is_below_floor(known[-1] if known else None, least_auc)


def _stretches(settings: DriftSettings, last: int, since: datetime | None, until: datetime | None) -> Sequence[Reign]:
    if since or until:
        stretch = Reign(since or EPOCH, until or datetime.now(UTC))
        if stretch.start >= stretch.end:
            problem = f"the period from {stretch.start:{TIME}} to {stretch.end:{TIME}} is empty"
            raise NoWindowError(problem)
        return [stretch]
    reports = [story.report for story in stories_told(settings).windows][-last:]
    if not reports:
        problem = "no report yet: the drift agent tells of a window when it closes; or name a stretch by --since"
        raise NoWindowError(problem)
    return windows(reports)


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time else None
