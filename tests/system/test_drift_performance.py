"""Performance from decisions and outcomes on a real broker."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from drift.performance.outcome_join import Odd
from drift.settings import DriftSettings
from loanctl.commands.drift.drift_performance import of
from loanctl.reports.champion_performance import Reign
from schemas.events.performance import PerformanceReport
from schemas.events.retraining import RetrainCause, RetrainScope, RetrainStatus
from streams.kafka.topics.topic_reader import partition_ranges
from streams.runtime.settings import Connection
from tests.drift_events import a_result
from tests.system.drift_stage import BEGAN, DriftStage
from tests.system.processes import Processes
from tests.system.wait import wait_for

SINCE = ("--since", "2026-03-01", "--until", "2026-03-02")


def test_performance_is_observed_as_outcomes_come_and_estimated_before(
    connection: Connection, processes: Processes, tmp_path: Path
) -> None:
    stage, rng = DriftStage(connection, tmp_path), np.random.default_rng(1)
    names, probability = [f"a-{nth}" for nth in range(400)], rng.beta(1, 3, 400)
    defaulted = rng.random(400) < probability
    settings, stretch = DriftSettings(**connection.model_dump()), Reign(BEGAN, BEGAN + timedelta(days=1))

    stage.decide(names, probability.tolist())
    before = of(settings, [stretch], datetime.now(UTC))
    stage.end(names[:300], defaulted[:300].tolist())
    stage.end(["nobody", "a-0", "a-1"], [True, not defaulted[0], bool(defaulted[1])])
    after = of(settings, [stretch], datetime.now(UTC))
    young = of(settings, [stretch], datetime.now(UTC), age_days=20)
    ran = processes.loanctl("drift", "performance", *SINCE, "--least-auc", "0.99")

    assert before.performances[0].performance.observed is None
    assert before.performances[0].performance.estimated is not None
    assert before.performances[0].performance.estimated.default_rate.value == pytest.approx(probability.mean())
    found = after.performances[0].performance
    assert (found.decided, found.with_outcome, found.share_with_outcome) == (400, 300, 0.75)
    assert found.observed is not None
    assert found.observed.auc is not None
    assert found.observed.auc.low < found.observed.auc.value < found.observed.auc.high < 0.99
    assert found.estimated == before.performances[0].performance.estimated
    assert (after.notes.unknown, after.notes.contradictory) == (Odd(1, ["nobody"]), Odd(1, ["a-0"]))
    assert after.notes.repeated == 1
    assert (young.performances[0].performance.with_outcome, young.notes.too_old) == (0, 302)
    assert ran.status == 3
    assert "outcomes of applications that no decision on the topic is about: nobody" in ran.out


def test_the_agent_tells_of_the_champion_s_loans_and_asks_once_where_it_has_fallen(
    connection: Connection, processes: Processes, tmp_path: Path
) -> None:
    stage, rng = DriftStage(connection, tmp_path), np.random.default_rng(2)
    version, digest = stage.crown()
    names = [f"a-{nth}" for nth in range(400)]
    stage.decide(names, rng.uniform(0.05, 0.95, 400).tolist(), version)
    told = {"cache_dir": tmp_path / "cache"}
    watching = {"performance_every_s": 0.5, "min_auc": 0.9, "minimum_n": 300, "web_port": 0, **told}

    agent = processes.start("drift", **watching)
    before = wait_for(stage.looks, what="a look before any loan has ended")[0]
    stage.end(names[:300], (rng.random(300) < 0.5).tolist())
    wait_for(looks_with_ends(stage, 300), what="300 ends known")
    agent.kill()
    agent = processes.start("drift", **watching)
    stage.end(names[300:350], [True] * 50)
    last = wait_for(looks_with_ends(stage, 350), what="350 ends known")[-1]
    looks, commands = stage.looks(), stage.commands()

    assert before.performance.observed is None
    assert before.performance.estimated is not None
    assert {(look.champion_version, look.champion_digest) for look in looks} == {(version, digest)}
    assert last.performance.observed is not None
    assert last.performance.observed.auc is not None
    assert last.performance.observed.auc.high < 0.9
    assert [command.cause for command in commands] == [RetrainCause.PERFORMANCE]
    assert [look.command_id for look in looks if look.command_id] == [commands[0].command_id]
    assert (last.fallen, last.withheld) == (True, "asked")
    # Nobody looks twice at the same outcomes, restarted or not.
    assert len({look.offsets for look in map(with_outcome_offsets, looks)}) == len(looks)
    recomputed = [processes.loanctl("drift", "recompute", look.report_id, **told) for look in (before, last)]
    assert [(ran.status, "the same bytes" in ran.out) for ran in recomputed] == [(0, True), (0, True)]
    assert commands[0].command_id in processes.loanctl("drift", "history", **told).out
    assert_that_nothing_is_read_again(connection, stage, names, version)
    agent.kill()
    stage.tell(
        connection.topics().retrain_results, {"credit_risk": a_result(commands[0].command_id, RetrainStatus.FAILED)}
    )
    processes.start("drift", **{**watching, "min_auc": 0.0, "max_level_off": 0.25})
    assert_that_a_level_that_is_off_asks_for_a_recalibration(stage)


def assert_that_a_level_that_is_off_asks_for_a_recalibration(stage: DriftStage) -> None:
    """A third champion ranks well, and states odds that are far too low."""
    rng = np.random.default_rng(3)
    version, _ = stage.crown()
    names, stated = [f"b-{nth}" for nth in range(400)], rng.beta(1, 3, 400)
    stage.decide(names, stated.tolist(), version)
    odds = np.e * stated / (1.0 - stated)
    stage.end(names, (rng.random(400) < odds / (1.0 + odds)).tolist())

    def look_with_command() -> PerformanceReport | None:
        looks = (look for look in stage.looks() if look.champion_version == version)
        return next((look for look in looks if look.command_id), None)

    look = wait_for(look_with_command)

    command = stage.commands()[-1]
    assert (command.command_id, command.scope) == (look.command_id, RetrainScope.RECALIBRATION)
    assert (command.champion_version, look.fallen) == (version, False)


def assert_that_nothing_is_read_again(
    connection: Connection, stage: DriftStage, names: list[str], version: str
) -> None:
    """Without the decisions that were read, before and after a promotion: the former champion's loans stay known."""
    decisions = connection.topics().decisions.name
    admin = AdminClient({"bootstrap.servers": connection.bootstrap_servers})
    places = [TopicPartition(each.topic, each.partition, -1) for each in partition_ranges(connection, [decisions])]
    for future in admin.delete_records(places).values():
        future.result()
    stage.end(names[350:380], [True] * 30)
    wait_for(looks_with_ends(stage, 380), what="380 ends known, though no decision is on the topic")

    stage.crown()
    stage.end(names[380:], [False] * 20)
    former = wait_for(look_at(stage, version, 400), what="a look at the former champion's loans")

    assert former.performance.decided == 400
    assert former.command_id == former.withheld == ""
    assert [each.decided for each in former.vintages] == [400]


def look_at(stage: DriftStage, version: str, ends: int) -> Callable[[], PerformanceReport | None]:
    """The look at a champion that knows of so many ends of loans."""
    return lambda: next(
        (look for look in stage.looks() if look.champion_version == version and look.performance.with_outcome == ends),
        None,
    )


def looks_with_ends(stage: DriftStage, ends: int) -> Callable[[], list[PerformanceReport]]:
    """The looks so far, once the last of them knows of so many ends of loans."""

    def looks_or_none() -> list[PerformanceReport]:
        looks = stage.looks()
        return looks if looks and looks[-1].performance.with_outcome == ends else []

    return looks_or_none


def with_outcome_offsets(look: PerformanceReport) -> PerformanceReport:
    return replace(look, offsets=tuple(each for each in look.offsets if "outcomes" in each.topic))
