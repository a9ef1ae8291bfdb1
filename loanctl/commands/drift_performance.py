"""`loanctl drift performance`: how well the champion ranks and states risk, in each window or over a stretch."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table as Lines

from drift.detection.drift_report import EPOCH, millis_of
from drift.performance.outcome_join import JoinRules, Notes
from drift.retraining import performance_floor
from drift.settings import DriftSettings
from loanctl.reports.champion_performance import ChampionPerformance, PerformanceSummary, Stretch, telling
from loanctl.reports.lineage import lineages as stories_told
from schemas.errors import SetupError
from schemas.events import DriftReport, Figure, Performance

AGE_DAYS: Final[float] = DriftSettings.model_fields["performance_age_days"].default
MOST: Final = 200_000
"""Loans in memory, two hundred megabytes; an AUC of so many is sure to its third decimal."""
LAST: Final = 20
TIME: Final = "%Y-%m-%d %H:%M"
WIDE: Final = 260
"""Where nobody's terminal sets a width."""
FIGURES: Final = (
    "decided",
    "known",
    "AUC",
    "AUC est.",
    "KS",
    "Brier",
    "default rate",
    "rate est.",
    "slope",
)
COLUMNS: Final = ("until (UTC)", "champion", *FIGURES)


class NoWindowError(SetupError):
    """There is no window whose performance could be told."""


def performance(  # noqa: PLR0913 - each argument is an option of the command
    *,
    last: Annotated[int, typer.Option(min=1, help="The last so many windows that the drift agent reported.")] = LAST,
    since: Annotated[datetime | None, typer.Option(help="Instead: one stretch from this event time, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Its end, exclusive; else now.")] = None,
    age_days: Annotated[float, typer.Option(min=0.0, help="Outcomes count up to this age of a loan.")] = AGE_DAYS,
    as_of: Annotated[datetime | None, typer.Option(help="As it was known then, UTC; else now.")] = None,
    most: Annotated[int, typer.Option(min=1_000, help="Loans in memory; of more, a sample.")] = MOST,
    least_auc: Annotated[
        float, typer.Option(help="Exit status 1 where the AUC observed last is surely under this.")
    ] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="As one line of JSON.")] = False,
) -> None:
    """How well champions rank and state risk: observed where loans have ended, else estimated."""
    settings, known_at = DriftSettings.read(), _utc(as_of) or datetime.now(UTC)
    stretches = _stretches(settings, last, _utc(since), _utc(until))
    found = of(settings, stretches, known_at, age_days=age_days, most=most)
    if as_json:
        sys.stdout.write(json.dumps(found.plain(), default=str) + "\n")
    else:
        show(console(), found)
    if fallen(found.told, least_auc):
        raise typer.Exit(1)


def of(
    settings: DriftSettings,
    stretches: Sequence[Stretch],
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
    return telling(settings, stretches, rules, as_of)


def windows(reports: Iterable[DriftReport]) -> list[Stretch]:
    """Those of the drift agent's reports."""
    return [Stretch(each.window_start, each.window_end, each.champion_version) for each in reports]


def fallen(told: Sequence[ChampionPerformance], least_auc: float) -> bool:
    """Whether the champion whose AUC is the last observed has fallen under this."""
    seen = [each.performance.observed for each in told]
    known = [observed for observed in seen if observed is not None and observed.auc is not None]
    return performance_floor.fallen(known[-1] if known else None, least_auc)


def console() -> Console:
    """As wide as the terminal, and wide enough for every column where there is none."""
    return Console() if sys.stdout.isatty() else Console(width=WIDE)


def show(out: Console, found: PerformanceSummary) -> None:
    """As a table, and what was odd below it."""
    lines = Lines(title="Performance; est.: estimated from calibrated probabilities, not observed")
    for name in COLUMNS:
        lines.add_column(name, justify="left" if name in COLUMNS[:2] else "right")
    for told in found.told:
        lines.add_row(*row(told))
    out.print(lines)
    for line in remarks(found):
        out.print(line, highlight=False, soft_wrap=True)


def row(told: ChampionPerformance) -> tuple[str, ...]:
    """One stretch, figures with the ends of their intervals: few of them lie in the middle."""
    return (f"{told.end:{TIME}}", told.champion_version, *figures(told.performance, final=told.final))


def figures(made: Performance, *, final: bool) -> tuple[str, ...]:
    """By the columns of figures.

    Args:
        made: what is told.
        final: nothing more is to come.
    """
    observed, estimated = made.observed, made.estimated
    return (
        str(made.decided),
        f"{made.share_with_outcome:.0%}{'' if final else ' so far'}",
        _shown(observed.auc if observed else None),
        _shown(estimated.auc if estimated else None),
        _shown(observed.ks if observed else None),
        _shown(observed.brier if observed else None),
        _shown(observed.default_rate if observed else None),
        _shown(estimated.default_rate if estimated else None),
        _shown(observed.slope if observed else None),
    )


def remarks(found: PerformanceSummary) -> Iterator[str]:
    """What is to be known of the figures."""
    yield f"Outcomes as known at {found.as_of:{TIME}} UTC, of loans up to {found.age_days:g} days old."
    if found.kept < 1.0:
        yield f"A sample of {found.kept:.1%} of the loans: there are more than memory may hold."
    yield from _odd(found.notes)


def _odd(notes: Notes) -> Iterator[str]:
    kinds = {
        "of applications that no decision on the topic is about": notes.unknown,
        "that contradict another; the one observed last stands": notes.contradictory,
        "observed before their application was signed, not believed": notes.before,
    }
    for what, odd in kinds.items():
        if odd.count:
            yield f"{odd.count} outcomes {what}: {', '.join(odd.ids)}{', ...' if odd.count > len(odd.ids) else ''}"
    counts = {
        "outcomes told twice": notes.repeated,
        "outcomes observed too late to count": notes.too_old,
        "decisions of applications that had one; the first stands": notes.decided_again,
        "records that cannot be read": notes.unreadable,
    }
    yield from (f"{count} {what}" for what, count in counts.items() if count)


def _stretches(settings: DriftSettings, last: int, since: datetime | None, until: datetime | None) -> Sequence[Stretch]:
    if since or until:
        stretch = Stretch(since or EPOCH, until or datetime.now(UTC))
        if stretch.start >= stretch.end:
            problem = f"no time lies between {stretch.start:{TIME}} and {stretch.end:{TIME}}"
            raise NoWindowError(problem)
        return [stretch]
    reports = [story.report for story in stories_told(settings).windows][-last:]
    if not reports:
        problem = "no report yet: the drift agent tells of a window when it closes; or name a stretch by --since"
        raise NoWindowError(problem)
    return windows(reports)


def _shown(figure: Figure | None) -> str:
    return "-" if figure is None else f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time else None
