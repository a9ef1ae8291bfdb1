"""Real applicants, played shuffled: no command while nothing changes, and one when incomes rise by half."""

from pathlib import Path

import numpy as np
import pytest

from drift.binning.binned_records import Observations
from drift.binning.binner import ApplicationCells
from drift.binning.reference import Reference
from loanctl.reports.file_check import features_only, matrix
from loanctl.simulation import loan_tables
from schemas.applications import Matrix
from tests.builders import CONTRACT
from tests.unit.drift.stream import START, Counter, monitor_rules, run_monitor

UNDRIFTED = 200_000
DRIFTED = 20_000
SPACING_MS = 10


@pytest.fixture(scope="module")
def values(shared_folder: Path) -> Matrix:
    return matrix(
        loan_tables.read(shared_folder / "data" / "credit_risk" / "credit_risk_dataset.csv", CONTRACT), CONTRACT
    )


@pytest.mark.slow
def test_200_000_undrifted_applicants_command_nothing_and_half_more_income_commands_once(values: Matrix) -> None:
    rng = np.random.default_rng(42)
    profiled = values[rng.permutation(len(values))[: len(values) * 8 // 10]]
    reference = Reference.of(0, "1", "d", features_only(profiled, CONTRACT), CONTRACT)
    rounds = -(-(UNDRIFTED + DRIFTED) // len(values))
    order = np.concatenate([rng.permutation(len(values)) for _ in range(rounds)])[: UNDRIFTED + DRIFTED]
    stream = values[order]
    stream[UNDRIFTED:, CONTRACT.position["person_income"]] *= 1.5

    counter = Counter(0, log_of(stream, reference), 1, reference)
    reports, commands = run_monitor(counts_of(counter), monitor_rules(window_count=1_000), [reference])

    shifted_at = START + UNDRIFTED * SPACING_MS
    undrifted = [report for report in reports if report.window_end.timestamp() * 1_000 <= shifted_at]

    assert sum(report.n for report in reports) == UNDRIFTED + DRIFTED
    assert len(undrifted) >= 195
    assert {report.verdict.value for report in undrifted} == {"STEADY"}
    assert len(commands) == 1
    [commanding] = [report for report in reports if report.command_id]
    moved = {each.feature for each in commanding.features if each.psi >= commanding.rules.drifted_from}
    assert moved == {"person_income", "loan_percent_income"}
    assert "PSI of loan_percent_income" in commands[0].why  # the ratio follows, and moves farther than the income


def log_of(stream: Matrix, reference: Reference) -> Observations:
    times = START + np.arange(len(stream)) * SPACING_MS
    return Observations(
        offsets=np.arange(len(stream)),
        times=times,
        produced=times,
        ids=[str(row) for row in range(len(stream))],
        cells=ApplicationCells(CONTRACT, reference).cells(stream),
        sums=np.zeros((len(stream), 0), dtype=np.int64),
        readable=np.ones(len(stream), dtype=np.bool_),
    )


def counts_of(counter: Counter):
    while not counter.done:
        counter.read(5_000)
        yield counter.tell()
    yield counter.silent()
