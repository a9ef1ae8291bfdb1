"""The trainer on a real broker: a command is done once, whatever dies, and answered in words."""

import json
import re
import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loanctl.stack.ports import free_ports
from schemas.events.retraining import RetrainCause, RetrainStatus
from schemas.records import OutgoingRecord
from scorecard import bundle
from scorecard.registry.signatures import new_pair
from streams.kafka.group.batch_reader import ConsumerConfig, Reader
from streams.kafka.producer.transactions import DeliveryError
from streams.runtime.settings import Connection
from tests.system.faulty_process import CRASHED
from tests.system.processes import Processes, pause
from tests.system.test_injected_faults import ends
from tests.system.topic_records import read_topic
from tests.system.training_stage import FirstChampion, TrainingStage, first_champion
from tests.system.wait import wait_for
from training.schedule import Schedule
from training.service.result_delivery import ResultDelivery

PATIENCE_S = 150.0
"""A training takes seconds; a machine that tests much else takes longer."""

STEPS = (
    "champion",
    "promotion:done",
    "result",
    "begin_transaction",
    "produce",
    "send_offsets_to_transaction",
    "commit_transaction",
    "commit_transaction:done",
    "result:done",
)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> FirstChampion:
    folder = tmp_path_factory.mktemp("first")
    return first_champion(folder, Path(shutil.copy(empty_store, folder / "mlflow.db")))


@pytest.fixture
def stage(first: FirstChampion, connection: Connection, processes: Processes, tmp_path: Path) -> TrainingStage:
    return TrainingStage(first, connection, processes, tmp_path, free_ports(1)[0])


def test_a_command_leads_to_a_better_champion_announced_and_answered(stage: TrainingStage) -> None:
    first = stage.crown()
    window = stage.applicants(1_500)
    stage.command("drift-1", window, first["digest"])
    trainer = stage.trainer()

    result = wait_for(stage.results, PATIENCE_S)[0]

    assert result.status is RetrainStatus.PROMOTED, result.why
    assert "better than the champion by cost per applicant" in result.why
    assert result.champion_version == "1"
    assert result.challenger_version == "2"
    assert result.rows > 3_000
    assert result.metrics["auc"] > 0.7
    champion = stage.champion()
    assert (champion.version, champion.digest) == ("2", result.challenger_digest)
    assert [told.version for told in stage.announcements()] == ["2"]
    assert stage.announcements()[-1].command_id == "drift-1"
    assert 'loan_retrain_commands_total{status="PROMOTED"} 1.0' in stage.metrics()
    assert trainer.stop() == 0
    # The window that was accepted is the population that the next windows are compared with.
    scorecard = bundle.read(stage.registry().fetch("2"), stage.connection.contract(), champion.digest)
    assert sum(scorecard.profile.score.counts) == 1_500


def test_a_command_sent_twice_is_done_once_and_one_about_yesterdays_champion_is_not_done(stage: TrainingStage) -> None:
    first = stage.crown()
    stage.applicants(1_500)
    stage.command("drift-1", None, first["digest"])
    stage.command("drift-1", None, first["digest"])
    stage.command("drift-2", None, first["digest"])
    stage.trainer()

    results = wait_for(lambda: found if len(found := stage.results()) == 3 else None, PATIENCE_S)

    assert [result.status for result in results] == [
        RetrainStatus.PROMOTED,
        RetrainStatus.DUPLICATE,
        RetrainStatus.FAILED,
    ]
    assert "out of date: it speaks of version 1, and version 2 decides now" in results[2].why
    assert len(stage.registry().history()) == 2


@pytest.mark.parametrize("killed_in", ["search", "log"])
def test_a_trainer_killed_in_the_middle_does_the_command_once(stage: TrainingStage, killed_in: str) -> None:
    stage.crown()
    stage.applicants(1_500)
    stage.command("person-1")
    victim = stage.trainer(trials=6, folds=5, most_trees=300) if killed_in == "search" else stage.trainer()
    wait_for(lambda: stage.stage() == killed_in, PATIENCE_S)
    victim.kill()
    stage.trainer()

    wait_for(stage.results, PATIENCE_S)
    pause(2.0)

    assert [result.status for result in stage.results()] == [RetrainStatus.PROMOTED]
    made = [one for one in stage.registry().history() if one.tags.get("command_id") == "person-1"]
    assert len(made) == 1
    assert stage.champion().version == made[0].version


def test_a_trainer_that_raises_in_any_step_answers_each_command_once(stage: TrainingStage) -> None:
    first = stage.crown()
    stage.applicants(1_500)
    stage.command("person-1")
    stage.command("drift-1", None, first["digest"])

    trainer = stage.faulty_trainer(STEPS)
    wait_for(lambda: trainer.alive() and len(stage.results()) >= 2, PATIENCE_S)
    pause(2.0)

    assert ends(trainer) == [f"{step} {CRASHED}" for step in STEPS]
    assert [(each.command_id, each.status) for each in stage.results()] == [
        ("person-1", RetrainStatus.PROMOTED),
        ("drift-1", RetrainStatus.FAILED),
    ]
    assert len([one for one in stage.registry().history() if one.tags.get("command_id") == "person-1"]) == 1


def test_too_few_true_outcomes_are_refused_saying_how_many_must_be(stage: TrainingStage) -> None:
    stage.crown()
    stage.applicants(40)
    stage.command("person-1")
    stage.trainer()

    result = wait_for(stage.results, PATIENCE_S)[0]

    assert result.status is RetrainStatus.FAILED
    assert result.why == "40 applications have a true outcome, at least 300 must"


def test_what_is_no_command_is_passed_over(stage: TrainingStage) -> None:
    from schemas.records import OutgoingRecord
    from streams.kafka.producer.event_publisher import EventPublisher

    topic = stage.connection.topics().retrain_commands.name
    with EventPublisher(stage.connection, "/test") as publisher:
        publisher.send([OutgoingRecord(topic, b"x", b"not a command")])
    stage.command("person-1")
    stage.trainer(base_table="")

    result = wait_for(stage.results, PATIENCE_S)[0]

    assert result.status is RetrainStatus.FAILED
    assert 'status="UNREADABLE"} 1.0' in stage.metrics()


def test_a_held_challenger_is_promoted_by_two_people_and_rolled_back_and_the_audit_log_tells_it(
    stage: TrainingStage,
) -> None:
    """The first champion has no signature: from when one is asked for it is no rival, and nobody goes back to it.

    The challenger approves fewer of the young than of those whom the contract names to compare with.
    """
    key, public = new_pair(stage.folder / "keys", "trainer")
    stage.crown()
    stage.applicants(1_500)
    stage.command("person-1")
    compared = contract_with(stage, "person_age", groups=[22, 40], reference=50)
    strict = {"trusted_keys": public, "promotion_approvals": 2}
    stage.trainer(signing_key=key, product=compared, **strict)

    result = wait_for(stage.results, PATIENCE_S)[0]
    assert (result.status, "is not signed" in result.why) == (RetrainStatus.HELD, True), result.why
    adverse = r"adverse impact: 0\.\d+ of person_age under 22 against 40 and over .* under the floor 0\.8"
    assert re.search(adverse, result.why), result.why
    assert stage.champion().version == "1"

    proposed = stage.loanctl("champion", "propose", "--why", "better", principal="ann", **strict)
    assert (proposed.status, stage.champion().version) == (0, "1"), proposed.err
    approved = stage.loanctl("champion", "approve", "--why", "seen", principal="bob", **strict)
    assert (approved.status, stage.champion().version) == (0, "2"), approved.err
    refused = stage.loanctl("champion", "rollback", principal="ann", **strict)
    assert (refused.status, "is not signed" in refused.err) == (2, True)
    rolled = stage.loanctl("champion", "rollback", "--why", "worse", principal="bob")
    assert rolled.status == 0, rolled.err
    assert stage.champion().version == "1"
    assert [told.version for told in stage.announcements()] == ["2", "1"]

    acts = [json.loads(line) for line in stage.loanctl("audit", "log", "--json").out.splitlines()]
    told = [(act["actor"], act["action"], act["before"], act["after"], act["why"]) for act in acts]
    assert told == [
        ("trainer", "HOLD", "", "2", result.why),
        ("ann", "PROPOSE", "1", "2", "better"),
        ("bob", "APPROVE", "1", "2", "seen"),
        ("bob", "PROMOTE", "1", "2", "proposed by ann: better; approved by bob: seen"),
        ("bob", "ROLL_BACK", "2", "1", "worse"),
    ]
    assert {act["subject"] for act in acts} == {"credit_risk-scorecard"}
    of_bob = stage.loanctl("audit", "log", "--actor", "bob").out
    assert ("ROLL_BACK" in of_bob, "PROPOSE" in of_bob) == (True, False)


def contract_with(stage: TrainingStage, name: str, **attributes: object) -> Path:
    """The stage's application schema with other attributes of one field, as a file."""
    schema = stage.connection.contract().schema
    fields = [{**spec, **attributes} if spec["name"] == name else spec for spec in schema["fields"]]
    path = stage.folder / "contract.avsc"
    path.write_text(json.dumps({**schema, "fields": fields}))
    return path


def test_a_schedule_missed_while_away_is_asked_for_once_whichever_of_two_trainers_goes_on(
    stage: TrainingStage,
) -> None:
    long_ago = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
    stage.command("schedule-old", cause=RetrainCause.SCHEDULE, issued_at=long_ago)
    schedule = "0 2 1 * *"
    due = Schedule(schedule).last_until(datetime.now(UTC))
    pair = [stage.trainer(retrain_schedule=schedule, base_table="", web_port=0) for _ in range(2)]

    results = wait_for(lambda: found if len(found := stage.results()) == 2 else None, PATIENCE_S)
    owner, other = sorted(pair, key=lambda one: "schedule.planned" not in one.output())
    assert owner.stop() == 0
    wait_for(lambda: "schedule.planned" in other.output(), PATIENCE_S)

    assert [command.cause for command in stage.commands()] == [RetrainCause.SCHEDULE] * 2
    assert results[1].command_id == f"schedule-credit_risk-{due:%Y-%m-01T02:00Z}"
    assert len(stage.results()) == 2


def test_a_trainer_whose_command_another_one_has_answered_can_deliver_nothing(stage: TrainingStage) -> None:
    """The broker refuses it, whatever the trainer knows of its group."""
    connection = stage.connection
    topics = connection.topics()
    group = f"{topics.retrain_commands.name}.trainer"
    reading = ConsumerConfig(topics=[topics.retrain_commands.name], group=group, most_records=1, in_flight=1)
    answer = OutgoingRecord(topics.retrain_results.name, b"person-1", b"answer", ())
    stage.command("person-1")

    slow, quick = ResultDelivery(connection, f"{group}.slow"), ResultDelivery(connection, f"{group}.quick")
    with closing(Reader(connection, reading)) as before:
        lost = wait_for(before.read, PATIENCE_S)
    with slow.session(), quick.session(), closing(Reader(connection, reading)) as after:
        taken_over = wait_for(after.read, PATIENCE_S)
        quick.deliver(taken_over, [answer])
        with pytest.raises(DeliveryError):
            slow.deliver(lost, [answer])

    assert len(read_topic(connection, topics.retrain_results.name)) == 1


def test_a_person_asks_by_a_command(stage: TrainingStage) -> None:
    asked = stage.loanctl("retrain", "--why", "curious")

    assert asked.status == 0, asked.err
    assert "person-" in asked.out


def test_a_scheduler_asks_once_under_a_key_and_waits_for_the_answer(stage: TrainingStage) -> None:
    ask = ("retrain", "--why", "weekly", "--key", "run 1", "--wait")
    early = stage.loanctl(*ask, "0.1")
    stage.trainer(base_table="")
    late = stage.loanctl(*ask, "120")

    assert (early.status, late.status) == (1, 1), early.err + late.err
    assert "is not answered yet" in early.out
    assert "was asked before: weekly" in late.out
    assert f"FAILED: {stage.results()[0].why}" in late.out
    assert len(stage.commands()) == 1
