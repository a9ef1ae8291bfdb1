"""The drift agent on a real broker: windows, a shift, a command; and the same reports after kill -9."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from drift.detection.recompute import differences
from drift.settings import DriftSettings
from loanctl.commands.cluster import schemas, topics
from loanctl.reports import lineage, report_recompute
from loanctl.simulation import loan_tables, synthetic_population
from loanctl.simulation.synthetic_population import PopulationShift
from schemas.events.drift import DriftReport, Verdict
from schemas.records import OutgoingRecord
from streams.runtime.settings import Connection
from tests.system.drift_stage import REFERENCE_ROWS, SPACING, DriftStage
from tests.system.processes import Processes
from tests.system.topic_records import read_topic
from tests.system.wait import wait_for
from tests.system.workers import Worker

SETTINGS = {"window_s": 3600, "idle_s": 2, "window_idle_s": 5, "web_port": 0, "cooldown_s": 0}
"""Windows of 1,200 applicants, three seconds of event time apart."""
TIME, HOUR = "%Y-%m-%dT%H:%M:%S", timedelta(hours=1)
SHIFT = PopulationShift(income_factor=1.6)


@pytest.fixture
def stage(connection: Connection, tmp_path: Path) -> DriftStage:
    return DriftStage(connection, tmp_path)


def test_a_shift_is_reported_confirmed_and_commanded_once(
    stage: DriftStage, processes: Processes, tmp_path: Path
) -> None:
    version, _ = stage.crown()
    agent = processes.start("drift", **SETTINGS, cache_dir=tmp_path / "cache")
    stage.send(stage.records(synthetic_population.applicants(2_400, 7)))
    stage.send(stage.records(synthetic_population.applicants(4_800, 8, SHIFT)))

    reports = wait_for(reports_of_all(stage, 7_200), 60, "every applicant in a report")
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
    watermarks = Worker(agent).health()[1]["watermarks"]
    assert max(filter(None, watermarks.values())) == (stage.clock - SPACING).isoformat(timespec="seconds")
    assert agent.stop() == 0

    page, told = tmp_path / "drift.html", {"cache_dir": tmp_path / "cache"}
    assert processes.loanctl("drift", "recompute", **told).status == 0
    assert commands[0].command_id in processes.loanctl("drift", "history", "--json", **told).out
    assert processes.loanctl("drift", "report", "--html", str(page), **told).status == 0
    assert "person_income" in page.read_text()
    assert "<script" not in page.read_text()


def test_applicants_of_a_topic_are_described_all_or_those_of_a_stretch(
    stage: DriftStage, processes: Processes, tmp_path: Path
) -> None:
    nobody = processes.loanctl("profile")
    stage.send(stage.records(synthetic_population.applicants(300, 7)))
    stage.send(stage.records(synthetic_population.applicants(200, 8, SHIFT)))
    stage.send([OutgoingRecord(stage.connection.topics().applications.name, b"x", b"no application")])

    whole, last = (json.loads(processes.loanctl("profile", *which).out) for which in ((), ("--last", "101")))
    before = processes.loanctl("profile", "--until", "2020-01-01")

    assert nobody.status == before.status == 2
    assert "no application on" in nobody.err
    assert "until 2020-01-01 00:00:00" in before.err
    assert (whole["n"], last["n"]) == (500, 100)
    # The median: which shifted applicants are the last hundred depends on partitions, and the mean on the richest.
    medians = [told["fields"]["person_income"]["quantiles"]["0.5"] for told in (whole, last)]
    assert medians[1] > 1.1 * medians[0]


def test_reports_are_the_same_to_the_byte_though_two_agents_share_the_work_and_are_killed(
    stage: DriftStage, processes: Processes, connect: Callable[[str], Connection], tmp_path: Path
) -> None:
    version, digest = stage.crown()
    calm = DriftStage(elsewhere(connect), tmp_path, stage.clock)
    calm.announce(version, digest)
    rows = [synthetic_population.applicants(600, seed, SHIFT if seed > 8 else PopulationShift()) for seed in range(17)]
    blocks = [stage.records(each) for each in rows]
    counts = stage.connection.topics().drift_counts.name

    # No silence is declared in either run: when that is, depends on our clock.
    settings = {**SETTINGS, "idle_s": 300, "with_decisions": False, "cache_dir": tmp_path / "cache"}
    other = processes.start("drift", **settings, topic_prefix=calm.connection.topic_prefix, name="calm")
    agents = [processes.start("drift", **settings, name=name) for name in ("one", "two")]
    for nth, block in enumerate(blocks):
        known = len(read_topic(stage.connection, counts))
        for each in (stage, calm):
            own = [record._replace(topic=each.connection.topics().applications.name) for record in block]
            each.send([*own, *own[-20:]])
        if nth in (3, 9):
            wait_for(lambda least=known: len(read_topic(stage.connection, counts)) > least, 60, "partial counts")
            agents.pop(0).kill()
            agents.append(processes.start("drift", **settings, name="again"))
    reports = wait_for(reports_of_all(stage, 9_600), 90, "every applicant in a report")
    calm_reports = wait_for(reports_of_all(calm, 9_600), 90, "every applicant in a report, calmly")

    assert [placeless(report) for report in reports] == [placeless(report) for report in calm_reports]
    assert sum(report.n for report in reports) == 9_600
    assert sum(report.duplicates for report in reports) == 16 * 20
    assert len(stage.commands()) == 1
    assert [agent.stop() for agent in (*agents, other)] == [0, 0, 0]
    told = {"cache_dir": tmp_path / "cache"}
    again = [processes.loanctl("drift", "recompute", report.window_id, **told) for report in reports[:2]]
    assert [each.status for each in again] == [0] * len(again), again
    assert all("the same bytes" in each.out for each in again)


def test_a_declared_season_a_held_command_and_a_new_champion_each_change_what_follows(
    stage: DriftStage, processes: Processes, tmp_path: Path
) -> None:
    first, _ = stage.crown()
    told = {"cache_dir": tmp_path / "cache"}
    settings = {**SETTINGS, **told, "with_decisions": False}
    agent = processes.start("drift", **settings)
    last_year = tmp_path / "last-year.csv"
    loan_tables.write_table(synthetic_population.applicants(3_000, 31, SHIFT), last_year)
    season = ("--season-from", f"{stage.clock:{TIME}}", "--season-until", f"{stage.clock + 2 * HOUR:{TIME}}")
    word = (
        "--why",
        "as last year",
        "--hold-until",
        f"{stage.clock + 5 * HOUR:{TIME}}",
        "--season-file",
        str(last_year),
    )
    acknowledged = processes.loanctl("drift", "acknowledge", *word, *season, **settings)
    stage.send(stage.records(synthetic_population.applicants(4_800, 8, SHIFT)))
    before = wait_for(reports_of_all(stage, 4_800), 60, "the first champion's windows")
    second, _ = stage.crown(synthetic_population.applicants(REFERENCE_ROWS, 32, SHIFT))
    wait_for(lambda: f'"{second}"' in agent.output() or f"version={second}" in agent.output(), 30, "another champion")
    stage.send(stage.records(synthetic_population.applicants(2_400, 33, SHIFT)))
    after = wait_for(reports_of_all(stage, 7_200), 60, "the second champion's windows")[len(before) :]
    history = lineage.lineages(stage.connection).windows
    again = report_recompute.again(before[0], DriftSettings(**{**stage.connection.model_dump(), **settings}))

    assert acknowledged.status == 0, acknowledged.err
    assert [report.verdict for report in before if report.n > 1_000] == [
        Verdict.STEADY,
        Verdict.STEADY,
        Verdict.DRIFTED,
        Verdict.DRIFTED,
    ]
    assert [report.withheld for report in before if report.n > 1_000] == ["", "", "unconfirmed", "acknowledged"]
    assert before[0].reference_id == before[1].reference_id != before[-1].reference_id
    assert {report.champion_version for report in before} == {first}
    assert {report.champion_version for report in after} == {second}
    assert {report.verdict for report in after if report.n > 1_000} == {Verdict.STEADY}
    assert stage.commands() == []
    assert [story.report.withheld for story in history].count("acknowledged") == 1
    assert list(differences(before[0], again)) == []


def elsewhere(connect: Callable[[str], Connection]) -> Connection:
    """Other topics on the same broker."""
    connection = connect(f"t{uuid.uuid4().hex[:8]}")
    topics.apply(topics.TopicSettings(**connection.model_dump()))
    schemas.register(connection)
    return connection


def placeless(report: DriftReport) -> DriftReport:
    """Without the names of the topics, which are all that the two runs do not share."""
    return replace(report, offsets=tuple(replace(each, topic=each.topic.partition(".")[2]) for each in report.offsets))


def reports_of_all(stage: DriftStage, applicants: int) -> Callable[[], list[DriftReport] | None]:
    def reports_or_none() -> list[DriftReport] | None:
        reports = stage.reports()
        return reports if sum(report.n for report in reports) >= applicants else None

    return reports_or_none
