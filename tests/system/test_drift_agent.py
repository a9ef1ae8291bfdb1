"""The drift agent on a real broker: windows, a shift, a command; and the same reports after kill -9."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loanctl import population
from loanctl.population import Shift
from schemas.events import DriftReport, Verdict
from streams.connection import Connection
from tests.system.drift_stage import DriftStage
from tests.system.processes import Processes
from tests.system.waiting import wait_for

SETTINGS = {"window_s": 3600, "idle_s": 2, "window_idle_s": 5, "web_port": 0, "cooldown_s": 0}
"""Windows of 1,200 applicants, three seconds of event time apart."""
SHIFT = Shift(income_factor=1.6)


@pytest.fixture
def stage(connection: Connection, tmp_path: Path) -> DriftStage:
    return DriftStage(connection, tmp_path)


def test_a_shift_is_reported_confirmed_and_commanded_once(
    stage: DriftStage, processes: Processes, tmp_path: Path
) -> None:
    version = stage.crown()
    agent = processes.start("drift", **SETTINGS, cache_dir=tmp_path / "cache")
    stage.send(stage.records(population.applicants(2_400, 7)))
    stage.send(stage.records(population.applicants(4_800, 8, SHIFT)))

    reports = wait_for(all_told(stage, 7_200), 60, "every applicant in a report")
    commands = stage.commands()

    assert [report.verdict for report in reports if report.n > 1_000] == [
        Verdict.STEADY,
        Verdict.STEADY,
        Verdict.DRIFTED,
        Verdict.DRIFTED,
        Verdict.DRIFTED,
        Verdict.DRIFTED,
    ]
    assert {report.champion_version for report in reports} == {version}
    assert [command.command_id for command in commands] == [r.command_id for r in reports if r.command_id]
    assert len(commands) == 1
    assert "person_income" in commands[0].why
    assert agent.stop() == 0


def test_reports_are_the_same_to_the_byte_though_the_agent_is_killed_again_and_again(
    stage: DriftStage, processes: Processes, connect: Callable[[str], Connection], tmp_path: Path
) -> None:
    stage.crown()
    rows = [population.applicants(600, seed, SHIFT if seed > 8 else Shift()) for seed in range(16)]
    blocks = [stage.records(each) for each in rows]
    killed = 0

    agent = processes.start("drift", **SETTINGS, cache_dir=tmp_path / "cache")
    for block in blocks:
        stage.send(block)
        stage.send(block[:20])
        time.sleep(0.6)
        if killed < 5:
            agent.kill()
            killed += 1
            agent = processes.start("drift", **SETTINGS, cache_dir=tmp_path / "cache")
    reports = wait_for(all_told(stage, 9_600), 90, "every applicant in a report")

    assert len({report.window_id for report in reports}) == len(reports)
    assert sum(report.n for report in reports) == 9_600
    assert len(stage.commands()) == 1
    assert agent.stop() == 0


def all_told(stage: DriftStage, applicants: int) -> Callable[[], list[DriftReport] | None]:
    def told() -> list[DriftReport] | None:
        reports = stage.reports()
        return reports if sum(report.n + report.late for report in reports) >= applicants else None

    return told
