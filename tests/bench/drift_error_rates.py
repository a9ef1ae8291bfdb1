"""How often drift is alarmed where there is none, and found where there is: `python -m tests.bench.drift_error_rates`.

Seeded: the same figures each time. Applicants are made up (`loanctl.simulation.synthetic_population`), eleven features,
a reference of 20,000; the windows are counted, judged and commanded by the agent's own functions.
Beside it the rules of five existing systems, as their code states them. Prints the tables of docs/drift.md.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from drift.binning.binner import ApplicationCells
from drift.binning.reference import Reference
from drift.detection.drift_report import ReportContext, report_of
from drift.detection.verdict import METHOD
from drift.retraining.retrain_policy import PolicyState, decide
from drift.windows.window import TopicCount, Window
from loanctl.reports.file_check import features_only, matrix
from loanctl.simulation import synthetic_population
from loanctl.simulation.loan_tables import Table
from loanctl.simulation.synthetic_population import PopulationShift
from schemas.applications import Matrix
from schemas.contract.contract import Contract, load
from schemas.events.drift import DriftReport, DriftRules, Verdict
from tests.bench.drift_rules import NUMBERS, RULES, Rule

REFERENCE: Final = 20_000
POOL: Final = 200_000
"""Applicants from whom undrifted windows are drawn: many more than any window holds."""
SHIFTED_POOL: Final = 40_000
SEED: Final = 20_260_301
SIZES: Final = (500, 1_000, 5_000)
SOURCE: Final = "applications"
DELAY_RUNS: Final = 50
MOST_WINDOWS: Final = 40
OUTLIER: Final = 6_000_000.0
"""One such income stretches bins of equal width until all others lie in one."""

SHIFTS: Final = {
    "income x 1.2": PopulationShift(income_factor=1.2),
    "income x 1.3": PopulationShift(income_factor=1.3),
    "income x 1.5": PopulationShift(income_factor=1.5),
    "one intent doubled": PopulationShift(intent_mix={"MEDICAL": 2.0}),
    "5 % more missing": PopulationShift(missing=synthetic_population.UNTOLD_JOB_SHARE + 0.05),
    "a new level, 2 %": PopulationShift(new_levels=0.02),
}


@dataclass(frozen=True)
class Bench:
    contract: Contract
    values: Matrix
    reference: Reference
    cells: ApplicationCells
    reporting: ReportContext

    def report(self, cells: npt.NDArray[np.int64], nth: int = 0) -> DriftReport:
        """The report of a window of these applicants."""
        counts = np.bincount(cells.ravel(), minlength=self.cells.shape.cells)
        tallies = {SOURCE: TopicCount(n=len(cells), counts=counts)}
        window = Window(start=nth * 1_000, end=nth * 1_000 + 1_000, tallies=tallies, stretches={})
        return report_of(window, self.reference, self.reporting)


Judge = Callable[[Bench, Matrix], bool]


@dataclass(frozen=True)
class Applicants:
    """A pool, and what each counts as."""

    values: Matrix
    cells: npt.NDArray[np.int64]

    def draw(self, rng: np.random.Generator, count: int) -> npt.NDArray[np.int64]:
        return rng.integers(0, len(self.values), count)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=4_000, help="Undrifted windows of each size.")
    parser.add_argument("--power-windows", type=int, default=200, help="Windows of each shift and size.")
    given = parser.parse_args(arguments)
    bench = a_bench()
    usual = applicants(bench, POOL, SEED + 1, PopulationShift())
    told = [*false_alarms(bench, usual, given.windows), *power(bench, usual, given.power_windows)]
    sys.stdout.write("\n".join([*told, *others(bench, usual, given.power_windows)]) + "\n")


def a_bench() -> Bench:
    """Reference and rules, as the agent's defaults are."""
    contract = load("credit_risk")
    values = matrix(Table("reference", "reference", synthetic_population.applicants(REFERENCE, SEED)), contract)
    reference = Reference.of(0, "1", "bench", features_only(values, contract), contract)
    rules = DriftRules(pane_ms=1_000, lateness_ms=0, ahead_ms=0, minimum_n=500, alpha=0.01, method=METHOD)
    reporting = ReportContext(product="credit_risk", applications_topic=SOURCE, decisions_topic="none", rules=rules)
    return Bench(contract, values, reference, ApplicationCells(contract, reference), reporting)


def applicants(bench: Bench, rows: int, seed: int, shift: PopulationShift) -> Applicants:
    values = matrix(Table("pool", "pool", synthetic_population.applicants(rows, seed, shift)), bench.contract)
    return Applicants(values, bench.cells.cells(values))


def false_alarms(bench: Bench, usual: Applicants, windows: int) -> list[str]:
    """Of undrifted windows."""
    lines = [
        f"Undrifted, per 1,000 windows ({windows} windows of each size, eleven features):",
        "",
        "| n | any PSI over its critical value | WATCH | DRIFTED | retrain commands | data alarms |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for size in SIZES:
        rng = np.random.default_rng([SEED, size])
        reports, commands = run(bench, (usual.cells[usual.draw(rng, size)] for _ in range(windows)))
        over = sum(any(each.psi > each.psi_critical for each in report.features) for report in reports)
        found = [over, count(reports, Verdict.WATCH), count(reports, Verdict.DRIFTED), len(commands)]
        found.append(sum(bool(report.data_quality) for report in reports))
        lines.append(f"| {size:,} | " + " | ".join(f"{1_000 * each / windows:.2f}" for each in found) + " |")
    return lines


def power(bench: Bench, usual: Applicants, windows: int) -> list[str]:
    """Of shifted windows, and the delay from the shift to the command."""
    lines = [
        "",
        f"Shifted, share of windows detected ({windows} of each; delay: mean of {DELAY_RUNS} runs, applications):",
        "",
        "| shift | n | mean PSI | WATCH or more | DRIFTED | data alarm | delay to the command |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for place, (name, shift) in enumerate(SHIFTS.items()):
        moved = applicants(bench, SHIFTED_POOL, SEED + 10 + place, shift)
        for size in SIZES:
            rng = np.random.default_rng([SEED, place, size])
            reports, _ = run(bench, (moved.cells[moved.draw(rng, size)] for _ in range(windows)))
            psi = float(np.mean([report.largest_psi for report in reports]))
            drifted = count(reports, Verdict.DRIFTED) / windows
            watched = count(reports, Verdict.WATCH) / windows + drifted
            alarmed = sum(bool(report.data_quality) for report in reports) / windows
            delay = mean_delay(bench, usual, moved, size, rng)
            lines.append(f"| {name} | {size:,} | {psi:.3f} | {watched:.0%} | {drifted:.0%} | {alarmed:.0%} | {delay} |")
    return lines


def mean_delay(bench: Bench, usual: Applicants, moved: Applicants, size: int, rng: np.random.Generator) -> str:
    """Applications from the shift, which begins anywhere in a window, to the command."""
    delays = [one_delay(bench, usual, moved, size, rng) for _ in range(DELAY_RUNS)]
    found = [delay for delay in delays if delay is not None]
    return (
        f"{np.mean(found):,.0f}" if len(found) == DELAY_RUNS else f"none in {DELAY_RUNS - len(found)} of {DELAY_RUNS}"
    )


def one_delay(bench: Bench, usual: Applicants, moved: Applicants, size: int, rng: np.random.Generator) -> int | None:
    """Of one run; None where no command comes within `MOST_WINDOWS`."""
    before = int(rng.integers(0, size))
    memory = PolicyState()
    for nth in range(MOST_WINDOWS if mostly_drifts(bench, moved, size, rng) else 0):
        left = before if nth == 0 else 0
        cells = np.concatenate([usual.cells[usual.draw(rng, left)], moved.cells[moved.draw(rng, size - left)]])
        memory, report = decide(memory, bench.report(cells, nth))
        if report.command_id:
            return (nth + 1) * size - before
    return None


def mostly_drifts(bench: Bench, moved: Applicants, size: int, rng: np.random.Generator) -> bool:
    """Whether waiting for a command is worth the time: a shift far under .2 never commands."""
    return any(bench.report(moved.cells[moved.draw(rng, size)]).largest_psi > 0.15 for _ in range(3))


def run(bench: Bench, windows: "Sequence[npt.NDArray[np.int64]] | object") -> tuple[list[DriftReport], list[str]]:
    """Windows one after the other under one policy whose commands are answered at once, without cooldown."""
    memory, reports, commands = PolicyState(), [], []
    for nth, cells in enumerate(windows):  # type: ignore[arg-type,var-annotated]
        memory, report = decide(memory, bench.report(cells, nth))
        reports.append(report)
        if report.command_id:
            commands.append(report.command_id)
            memory = replace(memory, in_flight="")
    return reports, commands


def count(reports: Sequence[DriftReport], verdict: Verdict) -> int:
    return sum(report.verdict is verdict for report in reports)


def others(bench: Bench, usual: Applicants, windows: int) -> list[str]:
    """The rules of five existing systems on the same windows, and ours."""
    income = applicants(bench, SHIFTED_POOL, SEED + 30, PopulationShift(income_factor=1.5))
    drawn = [*((usual, size, None) for size in SIZES), (income, 1_000, None), (income, 1_000, OUTLIER)]
    lines = [
        "",
        f"Rules of five existing systems, share of {windows} windows with an alarm:",
        "",
        "| rule | " + " | ".join(f"undrifted, n = {size:,}" for size in SIZES) + " | income x 1.5, n = 1,000 "
        f"| the same, and one income of {OUTLIER:,.0f} |",
        "| --- |" + " --- |" * len(drawn),
    ]
    judges = {**{name: judge_of(rule) for name, rule in RULES.items()}, "ours: WATCH or DRIFTED": by_us}
    for name, judge in judges.items():
        shares = (alarm_share(bench, pool, judge, size, windows, outlier) for pool, size, outlier in drawn)
        lines.append(f"| {name} | " + " | ".join(f"{share:.1%}" for share in shares) + " |")
    return lines


def alarm_share(bench: Bench, pool: Applicants, judge: Judge, size: int, windows: int, outlier: float | None) -> float:
    """Share of windows that a rule alarms on; each with one income of this much where it is told."""
    rng = np.random.default_rng([SEED, size, 7])
    found = []
    for _ in range(windows):
        values = pool.values[pool.draw(rng, size)]
        if outlier is not None:
            values[0, bench.contract.position["person_income"]] = outlier
        found.append(judge(bench, values))
    return float(np.mean(found))


def judge_of(rule: Rule) -> Judge:
    """A rule over the numbers of reference and window."""
    return lambda bench, values: rule(*(each[:, columns_of(bench)] for each in (bench.values, values)))


def by_us(bench: Bench, values: Matrix) -> bool:
    return bench.report(bench.cells.cells(values)).verdict in (Verdict.WATCH, Verdict.DRIFTED)


def columns_of(bench: Bench) -> list[int]:
    """Where the numbers are."""
    return [bench.contract.position[name] for name in NUMBERS]


if __name__ == "__main__":
    main()
