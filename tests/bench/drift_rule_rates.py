"""Error rates of each rule that a lender may set, and of populations that fool drift rules.

`python -m tests.bench.drift_rule_rates`: seeded, the same figures each time. Applicants, reference and judging are
those of `tests.bench.drift_error_rates`; each case has undrifted windows, one an hour, and windows with a shift. Prints
a table of docs/drift.md.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from drift.binning.binner import ApplicationCells
from drift.binning.reference import Reference
from drift.detection.drift_report import report_of
from drift.detection.usual_week import reference_for, usual_week
from drift.retraining.retrain_policy import PolicyState, decide
from drift.windows.window import TopicCount, Window
from loanctl.reports.file_check import features_only
from loanctl.simulation.synthetic_population import PopulationShift
from schemas.applications import Matrix
from schemas.events.drift import DriftReport, FieldLimits, UsualWeek, Verdict
from tests.bench.drift_error_rates import POOL, REFERENCE, SEED, SOURCE, Bench, a_bench, applicants

N: Final = 1_000
HOUR_MS: Final = 3_600_000
MONDAY_MS: Final = 4 * 24 * HOUR_MS
"""1970-01-05."""
UNUSED: Final = 100
NIGHTS: Final = frozenset(range(22, 24)) | frozenset(range(6))
NIGHT_FACTOR: Final = 0.7
"""Of incomes at night."""
SHIFT: Final = 1.5
"""Of incomes, where a shift is to be found."""

Integers = npt.NDArray[np.int64]
Draw = Callable[[np.random.Generator, int, bool], Matrix]
"""The applicants of the window of that number, shifted or not."""


@dataclass(frozen=True)
class Case:
    name: str
    bench: Bench
    draw: Draw
    week: UsualWeek | None = None


@dataclass(frozen=True)
class Rates:
    reports: Sequence[DriftReport]
    commands: int

    def cells(self) -> Iterator[str]:
        """Per 1,000 windows: WATCH, DRIFTED, INSUFFICIENT, data alarms, commands."""
        verdicts = [report.verdict for report in self.reports]
        found = [verdicts.count(each) for each in (Verdict.WATCH, Verdict.DRIFTED, Verdict.INSUFFICIENT)]
        found += [sum(bool(report.data_quality) for report in self.reports), self.commands]
        return (f"{1_000 * each / len(self.reports):.1f}" for each in found)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=2_000, help="Undrifted windows of each case.")
    parser.add_argument("--power-windows", type=int, default=100, help="Shifted windows of each case.")
    given = parser.parse_args(arguments)
    head = ("case", "WATCH", "DRIFTED", "INSUFFICIENT", "data alarms", "commands", "the same, shifted: WATCH or more")
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " --- |" * (len(head) - 1)]
    for case in cases(a_bench()):
        usual = rates(case, given.windows, shifted=False)
        moved = rates(case, given.power_windows, shifted=True)
        seen = sum(report.verdict in (Verdict.WATCH, Verdict.DRIFTED) for report in moved.reports)
        lines.append("| " + " | ".join([case.name, *usual.cells(), f"{seen / given.power_windows:.0%}"]) + " |")
    sys.stdout.write(f"Per 1,000 undrifted windows ({given.windows} of each case, n = {N:,}):\n\n")
    sys.stdout.write("\n".join(lines) + "\n")


def rates(case: Case, windows: int, *, shifted: bool) -> Rates:
    """Windows of an hour one after the other; every command is answered at once."""
    rng, bench = np.random.default_rng([SEED, shifted]), case.bench
    memory, reports, commands = PolicyState(), list[DriftReport](), 0
    for nth in range(windows):
        cells = bench.cells.cells(case.draw(rng, nth, shifted))
        counts = np.bincount(cells.ravel(), minlength=bench.cells.shape.cells)
        start = MONDAY_MS + nth * HOUR_MS
        tallies = {SOURCE: TopicCount(n=len(cells), counts=counts)}
        window = Window(start=start, end=start + HOUR_MS, tallies=tallies, stretches={})
        compared = reference_for(window, bench.reference, case.week, bench.reporting.rules.minimum_n)
        memory, report = decide(memory, report_of(window, compared, bench.reporting))
        reports.append(report)
        commands += bool(report.command_id)
        memory = replace(memory, in_flight="")
    return Rates(reports, commands)


def cases(bench: Bench) -> Iterator[Case]:
    usual, moved = (pool(bench, factor) for factor in (1.0, SHIFT))
    even = plain(usual, moved)
    yield Case("the defaults", bench, even)
    for needed, of in ((1, 1), (3, 5)):
        yield Case(f"{needed} DRIFTED of {of}", with_rules(bench, drifted_needed=needed, drifted_of=of), even)
    limits = (FieldLimits(feature="person_income", watch_from=0.05, drifted_from=0.1),)
    yield Case("income has limits of .05 and .1", with_rules(bench, field_limits=limits), even)
    yield from of_development(bench, usual)
    nights = by_hour(usual, pool(bench, NIGHT_FACTOR), moved)
    yield Case("nights of incomes x .7, neither declared nor quiet", bench, nights)
    yield Case("the same, quiet hours 22-6", with_rules(bench, quiet_hours="22-6"), nights)
    yield Case("the same, with a usual week", bench, nights, a_week(bench, nights))
    yield Case(f"{UNUSED} declared levels that nobody has", with_unused_levels(bench), even)
    yield spike(bench, usual)
    yield Case("lulls: 50 to 2,000 applicants a window", bench, lulls(even))
    yield Case("two regions, incomes x .8 and x 1.25, 45 to 55 % each", *regions(bench, moved))


def with_rules(bench: Bench, **rules: Any) -> Bench:
    return replace(bench, reporting=replace(bench.reporting, rules=replace(bench.reporting.rules, **rules)))


def measured_against(bench: Bench, values: Matrix, development: tuple[tuple[int, ...], ...] = ()) -> Bench:
    """With another population as the reference."""
    profile = replace(features_only(values, bench.contract), development=development)
    reference = Reference.of(0, "1", "bench", profile, bench.contract)
    return replace(bench, values=values, reference=reference, cells=ApplicationCells(bench.contract, reference))


def pool(bench: Bench, income_factor: float) -> Matrix:
    rows = POOL if income_factor == 1.0 else POOL // 4
    return applicants(
        bench, rows, SEED + round(100 * income_factor), PopulationShift(income_factor=income_factor)
    ).values


def sample_of(rng: np.random.Generator, values: Matrix, n: int) -> Matrix:
    """So many of a pool, at random."""
    return values[rng.integers(0, len(values), n)]


def plain(usual: Matrix, moved: Matrix) -> Draw:
    """A thousand an hour."""
    return lambda rng, _nth, shifted: sample_of(rng, moved if shifted else usual, N)


def by_hour(day: Matrix, night: Matrix, moved: Matrix) -> Draw:
    """Other applicants at night than by day; a shift moves both."""
    return lambda rng, nth, shifted: sample_of(rng, moved if shifted else night if nth % 24 in NIGHTS else day, N)


def lulls(even: Draw) -> Draw:
    """As many as a day has, from few at night to many at noon."""

    def draw(rng: np.random.Generator, nth: int, shifted: bool) -> Matrix:
        mean = 50 + 1_950 * np.sin(np.pi * (nth % 24) / 24) ** 2
        n = int(rng.poisson(mean))
        return np.concatenate([even(rng, nth, shifted) for _ in range(1 + n // N)])[:n]

    return draw


def of_development(bench: Bench, usual: Matrix) -> Iterator[Case]:
    """A reference that was accepted after incomes had grown, beside the development sample."""
    grown = pool(bench, 1.25)
    profile = measured_against(bench, grown[:REFERENCE]).reference.profile
    development = tuple(
        tuple(each.count(usual[:REFERENCE, bench.contract.position[each.name]], np.zeros(REFERENCE, np.bool_)).tolist())
        for each in profile.features
    )
    accepted = with_rules(measured_against(bench, grown[:REFERENCE], development), development_from=0.2)
    name = "accepted at incomes x 1.25, a development sample"
    yield Case(f"{name}; shifted: x 1.5", accepted, plain(grown, pool(bench, 1.5)))


def a_week(bench: Bench, nights: Draw) -> UsualWeek:
    """Four weeks of such hours, declared."""
    rng = np.random.default_rng([SEED, 9])
    parts = [nights(rng, nth, False) for nth in range(4 * 168)]
    times = np.repeat(MONDAY_MS + HOUR_MS * np.arange(len(parts)), N)
    return usual_week(bench.cells.cells(np.concatenate(parts)), times, bench.reference, "UTC")


def with_unused_levels(bench: Bench) -> Bench:
    """With a category that declares many levels more."""
    features = tuple(
        replace(
            each,
            levels=(*each.levels, *(f"UNUSED_{nth}" for nth in range(UNUSED))),
            counts=(*each.counts[:-3], *(0,) * UNUSED, *each.counts[-3:]),
        )
        if each.levels
        else each
        for each in bench.reference.profile.features
    )
    reference = replace(bench.reference, profile=replace(bench.reference.profile, features=features))
    return replace(bench, reference=reference, cells=ApplicationCells(bench.contract, reference))


def spike(bench: Bench, usual: Matrix) -> Case:
    """A number that is 0 for nineteen of twenty applicants; shifted, for seventeen."""
    column = bench.contract.position["person_emp_length"]

    def with_flags(rng: np.random.Generator, values: Matrix, share: float) -> Matrix:
        rows = values.copy()
        rows[:, column] = rng.random(len(rows)) >= share
        return rows

    reference = measured_against(bench, with_flags(np.random.default_rng(SEED), usual[:REFERENCE], 0.95))
    return Case(
        "a number that is 0 for 95 %; shifted: for 85 %",
        reference,
        lambda rng, _nth, shifted: with_flags(rng, sample_of(rng, usual, N), 0.85 if shifted else 0.95),
    )


def regions(bench: Bench, moved: Matrix) -> tuple[Bench, Draw]:
    """Two regions whose shares vary from window to window."""
    poor, rich = pool(bench, 0.8), pool(bench, 1.25)

    def draw(rng: np.random.Generator, _nth: int, shifted: bool) -> Matrix:
        of_poor = round(N * rng.uniform(0.45, 0.55))
        mixed = np.concatenate([sample_of(rng, poor, of_poor), sample_of(rng, rich, N - of_poor)])
        return sample_of(rng, moved, N) if shifted else mixed

    half = REFERENCE // 2
    return measured_against(bench, np.concatenate([poor[:half], rich[:half]])), draw


if __name__ == "__main__":
    main()
