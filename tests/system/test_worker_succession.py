"""Champions that follow one another under load; nothing is lost, doubled or mixed."""

from collections import Counter, defaultdict
from pathlib import Path

from schemas.events.decisions import LoanDecision
from scorecard.registry.signatures import new_pair
from streams.runtime.settings import Connection
from tests.doubles.mlflow import mlflow_with_champion
from tests.system.processes import Processes
from tests.system.scorecards import Champions
from tests.system.test_worker_crashes import apply_steadily
from tests.system.wait import wait_for
from tests.system.workers import Answers, Applicants, start_worker

NEVER = 3_600


def versions(decisions: list[LoanDecision]) -> Counter[str]:
    return Counter(decision.scorecard_version for decision in decisions)


def test_an_announcement_reaches_every_worker_and_swaps_between_two_batches(
    connection: Connection, champions: Champions, processes: Processes
) -> None:
    first, second = champions.register(1.0), champions.register(2.0)
    champions.promote(first)
    applicants, answers = Applicants(connection), Answers(connection)
    workers = [start_worker(processes, champion_poll_s=NEVER) for _ in range(2)]

    with apply_steadily(applicants):
        wait_for(lambda: versions(answers.decisions())["1"] > 100, 30, "decisions of the first")
        champions.promote(second)
        champions.announce(second)
        for worker in workers:
            wait_for(lambda worker=worker: worker.health()[1]["champion"]["version"] == "2", 30, "the swap")  # type: ignore[misc]
        since = len(applicants.sent)
        wait_for(lambda: len(applicants.sent) > since + 100, 30, "applications for the second")

    wait_for(lambda: len(answers.counts()) >= len(applicants.sent), 60, "all decisions")
    decisions = answers.decisions()
    by_partition: dict[int, list[LoanDecision]] = defaultdict(list)
    for decision in sorted(decisions, key=lambda decision: decision.source_offset):
        by_partition[decision.source_partition].append(decision)

    assert Counter(decision.application_id for decision in decisions) == Counter(applicants.sent)
    assert len({first.digest, second.digest}) == 2
    assert {(d.scorecard_version, d.scorecard_digest) for d in decisions} == {("1", first.digest), ("2", second.digest)}
    for stretch in by_partition.values():
        told = [decision.scorecard_version for decision in stretch]
        assert told == sorted(told), "a partition's decisions change hands once"


def test_a_moved_alias_is_noticed_without_an_announcement_and_a_rollback_too(
    connection: Connection, champions: Champions, processes: Processes
) -> None:
    first, second = champions.register(1.0), champions.register(2.0)
    champions.promote(first)
    worker = start_worker(processes)

    champions.promote(second)
    wait_for(lambda: worker.health()[1]["champion"]["version"] == "2", 30, "the second")
    champions.promote(first)
    wait_for(lambda: worker.health()[1]["champion"]["version"] == "1", 30, "the first again")

    assert worker.metrics()["loan_champion_swaps_total"] == 3


def test_a_damaged_or_unsigned_successor_is_refused_and_the_old_champion_goes_on(
    connection: Connection, champions: Champions, processes: Processes, tmp_path: Path
) -> None:
    key, public = new_pair(tmp_path / "keys", "trainer")
    champions.promote(champions.register(1.0, key=key))
    applicants, answers = Applicants(connection), Answers(connection)
    worker = start_worker(processes, trusted_keys=public)
    damaged, unsigned, signed = (
        champions.register(2.0, key=key),
        champions.register(3.0),
        champions.register(4.0, key=key),
    )
    champions.damage(2.0)

    def refusal_of(version: str) -> str:
        refused = worker.health()[1]["champion"]["refused"]
        return str(refused["why"]) if refused and refused["version"] == version else ""

    champions.promote(damaged)
    wait_for(lambda: refusal_of("2"), 30, "the refusal of the damaged one")
    champions.promote(unsigned)
    why = wait_for(lambda: refusal_of("3"), 30, "the refusal of the unsigned one")
    applicants.apply(range(50))
    applicants.flush()
    wait_for(lambda: len(answers.counts()) == 50, 30, "decisions of the first")

    assert f"is not signed, and only what a key in {public} has signed may decide" in why
    assert worker.is_ready()
    for reason in ("bundle", "signature"):
        assert worker.metrics()[f'loan_champion_refusals_total{{alias="champion",reason="{reason}"}}'] == 1
    assert versions(answers.decisions()) == {"1": 50}
    champions.promote(signed)
    wait_for(lambda: worker.health()[1]["champion"]["version"] == "4", 30, "the swap to a signed one")


def test_the_first_champion_is_waited_for_while_applications_keep(
    connection: Connection, champions: Champions, processes: Processes
) -> None:
    applicants, answers = Applicants(connection), Answers(connection)
    applicants.apply(range(20))
    applicants.flush()
    worker = start_worker(processes, ready=False)
    wait_for(lambda: worker.health()[1].get("stage") == "waiting for a champion", 120, "the wait")

    waiting = worker.health()
    champions.promote(champions.register())
    wait_for(lambda: len(answers.counts()) == 20, 60, "the decisions")

    assert waiting[0] == 503
    assert worker.health("health")[0] == 200


def test_without_mlflow_the_champion_comes_from_the_cache(
    champions: Champions, processes: Processes, tmp_path: Path
) -> None:
    registered = champions.register()
    with mlflow_with_champion(registered, champions.source(registered)) as address:
        start_worker(processes, mlflow_uri=address).process.stop()

    worker = start_worker(processes, mlflow_uri=address)

    facts = worker.health()[1]
    assert facts["champion"]["digest"] == registered.digest
    assert "mlflow" in facts["away"]
    assert worker.metrics()['loan_outages_total{neighbour="mlflow"}'] == 1


def test_a_challenger_answers_the_same_batch_in_the_shadow(
    connection: Connection, champions: Champions, processes: Processes
) -> None:
    champions.promote(champions.register(1.0))
    challenger = champions.challenge(champions.register(2.0))
    applicants, answers = Applicants(connection), Answers(connection)
    worker = start_worker(processes)
    wait_for(lambda: worker.health()[1]["challenger"]["version"] == "2", 30, "the challenger")

    applicants.apply(range(50))
    applicants.flush()
    wait_for(lambda: len(answers.counts()) == 50, 30, "the decisions")
    shadow = answers.shadow()

    assert versions(answers.decisions()) == {"1": 50}
    assert {decision.scorecard_digest for decision in shadow} == {challenger.digest}
    assert Counter(decision.application_id for decision in shadow) == Counter(applicants.sent)
    assert answers.dead_letters() == []
