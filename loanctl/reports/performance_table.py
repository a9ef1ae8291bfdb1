"""Performance of champions as a table in the terminal."""

import sys
from collections.abc import Iterator
from math import isfinite
from typing import Final

from rich.table import Table as Lines

from drift.performance.outcome_join import Notes
from loanctl.console import Console
from loanctl.reports.champion_performance import ChampionPerformance, PerformanceSummary
from schemas.events.performance import Figure, Performance, Vintage

TIME: Final = "%Y-%m-%d %H:%M"
WIDE: Final = 260
"""Where nobody's terminal sets a width."""
FIGURES: Final = (
    "decided",
    "known",
    "AUC",
    "AUC exp.",
    "AUC est.",
    "KS",
    "Brier",
    "default rate",
    "rate exp.",
    "rate est.",
    "slope",
)
COLUMNS: Final = ("until (UTC)", "champion", *FIGURES)
OF_VINTAGES: Final = ("month", "decided", "known", "defaults", "default rate", "mature")


def console() -> Console:
    """As wide as the terminal, and wide enough for every column where there is none."""
    return Console() if sys.stdout.isatty() else Console(width=WIDE)


def show(out: Console, found: PerformanceSummary) -> None:
    """As a table, and what was odd below it."""
    lines = Lines(title="Performance; exp.: expected of the loans observed, by their probabilities; est.: of all")
    for name in COLUMNS:
        lines.add_column(name, justify="left" if name in COLUMNS[:2] else "right")
    for each in found.performances:
        lines.add_row(*row(each))
    out.print(lines)
    for line in remarks(found):
        out.print(line, highlight=False, soft_wrap=True)


def row(shown: ChampionPerformance) -> tuple[str, ...]:
    """One stretch, figures with the ends of their intervals: few of them lie in the middle."""
    until = "rows {:,} to {:,}".format(*shown.rows) if shown.rows else f"{shown.end:{TIME}}"
    return (until, shown.champion_version, *figures(shown.performance, final=shown.final))


def figures(made: Performance, *, final: bool) -> tuple[str, ...]:
    """By the columns of figures.

    Args:
        final: nothing more is to come.
    """
    observed, expected, estimated = made.observed, made.expected, made.estimated
    return (
        str(made.decided),
        f"{made.share_with_outcome:.0%}{'' if final else ' so far'}",
        _figure_text(observed.auc if observed else None),
        _figure_text(expected.auc if expected else None),
        _figure_text(estimated.auc if estimated else None),
        _figure_text(observed.ks if observed else None),
        _figure_text(observed.brier if observed else None),
        _figure_text(observed.default_rate if observed else None),
        _figure_text(expected.default_rate if expected else None),
        _figure_text(estimated.default_rate if estimated else None),
        _figure_text(observed.slope if observed else None),
    )


def vintage_row(vintage: Vintage) -> tuple[str, ...]:
    """One month of applications; no figure for fewer than ten people."""
    return (
        vintage.month,
        str(vintage.decided),
        str(vintage.with_outcome),
        "-" if vintage.defaults is None else str(vintage.defaults),
        _figure_text(vintage.default_rate),
        "yes" if vintage.mature else "not yet",
    )


def remarks(found: PerformanceSummary) -> Iterator[str]:
    """What is to be known of the figures."""
    of_loans = f", of loans up to {found.age_days:g} days old" if isfinite(found.age_days) else ""
    yield f"Outcomes as known at {found.as_of:{TIME}} UTC{of_loans}."
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
        "repeated outcomes": notes.repeated,
        "outcomes observed too late to count": notes.too_old,
        "decisions of applications that had one; the first stands": notes.decided_again,
        "records that cannot be read": notes.unreadable,
    }
    yield from (f"{count} {what}" for what, count in counts.items() if count)


def _figure_text(figure: Figure | None) -> str:
    return "-" if figure is None else f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
