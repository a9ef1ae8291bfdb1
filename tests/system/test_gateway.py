"""The gateway on the real broker, before a real worker: the same decision by HTTP and by Kafka, whatever is away."""

import urllib.request
from concurrent.futures import ThreadPoolExecutor

from loanctl.stack.local_stack import LocalStack
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime.settings import Connection
from tests.doubles.line import HOST, line_to
from tests.doubles.mlflow import mlflow_with_champion
from tests.system.containers import ContainerStack
from tests.system.gateways import start_gateway
from tests.system.processes import Processes
from tests.system.scorecards import Champions
from tests.system.topic_records import read_topic
from tests.system.wait import wait_for
from tests.system.workers import Answers, Applicants, start_worker
from tests.unit.gateway.calls import a_body

UNUSED_PORT = 9
"""Nobody is called there: the line to it stays cut."""


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def test_http_and_kafka_users_get_the_same_decision(
    connection: Connection, processes: Processes, champion: RegisteredVersion
) -> None:
    start_worker(processes)
    gateway = start_gateway(processes)
    applicants, answers = Applicants(connection), Answers(connection)

    said = gateway.predict(application_id="by-http", loan_amnt=15_000, applied_at="2026-03-01T12:00:00Z").json
    applicants.apply([3], application_id="by-kafka")
    applicants.flush()
    wait_for(lambda: len(answers.counts()) == 2, 30, "both decisions")
    by_id = {decision.application_id: decision for decision in answers.decisions()}

    published = by_id["by-http"]
    assert said["decision_id"] == published.decision_id
    assert said["probability_of_default"] == published.probability == by_id["by-kafka"].probability
    assert said["outcome"] == published.outcome == by_id["by-kafka"].outcome == "DECLINE"
    assert {each["feature"]: each["contribution"] for each in said["contributions"]} == {
        each.feature: each.contribution for each in by_id["by-kafka"].contributions
    }
    demo = start_gateway(processes, gateway_demo=True)
    made_up = demo.predict(application_id="by-a-visitor", loan_amnt=15_000).json
    assert (made_up["outcome"], demo.get("/decisions/by-a-visitor").status) == ("DECLINE", 404)
    assert made_up["contributions"] == said["contributions"]
    watched = urllib.request.urlopen(f"{gateway.url}/desk/live/events", timeout=30)  # noqa: S310 - our own
    assert watched.readline() == b"retry: 3000\n"
    wait_for(lambda: "2 sampled" in gateway.get("/desk/live").text, 30, "the time of both decisions")
    assert "scorecard version 1" in gateway.get("/desk/live").text
    # A browser that watches keeps nobody from stopping.
    assert gateway.process.stop() == 0
    assert b"event: windows" in watched.read()
    assert demo.process.stop() == 0
    # What a visitor applied with is on no topic.
    assert len(read_topic(connection, connection.topics().applications.name)) == 2


def test_a_worker_that_is_killed_delays_an_accepted_application_and_loses_none(
    connection: Connection, processes: Processes, champion: RegisteredVersion
) -> None:
    worker = start_worker(processes, instance_id="w")
    gateway = start_gateway(processes, gateway_timeout_s=2)
    worker.process.kill()

    late = gateway.predict(application_id="a-1")
    start_worker(processes, instance_id="w")
    wait_for(lambda: Answers(connection).counts() == {"a-1": 1}, 60, "the decision")
    again = wait_for(lambda: gateway.predict(application_id="a-1").status == 200, 30, "the answer")

    assert (late.status, late.json["application_id"]) == (504, "a-1")
    assert again
    assert Answers(connection).counts() == {"a-1": 1}


def test_a_broker_that_is_away_is_told_at_once_and_what_was_accepted_is_decided(
    stack: LocalStack | ContainerStack, connection: Connection, processes: Processes, champion: RegisteredVersion
) -> None:
    start_worker(processes)
    gateway = start_gateway(processes, gateway_timeout_s=4)
    before = gateway.predict(application_id="a-1")
    Answers(connection).await_commits()
    stack.kill("kafka")

    try:
        during = gateway.predict(application_id="a-2")
        wait_for(lambda: gateway.get("/ready").status == 503, 30, "not being ready")
        health = gateway.get("/health")
    finally:
        stack.start("kafka")
    wait_for(gateway.is_ready, 60, "being ready")
    after = wait_for(lambda: (found := gateway.predict(application_id="a-2")).status == 200 and found, 60, "a-2")

    assert before.status == 200
    assert (during.status, during.json["application_id"]) == (503, "a-2")
    assert health.status == 200
    assert health.json["missing"] == ["broker"]
    assert after.json["application_id"] == "a-2"
    assert len({decision.decision_id for decision in Answers(connection).decisions()}) == 2


def test_without_mlflow_and_registry_applications_are_decided_and_questions_wait_for_a_first_champion(
    stack: LocalStack | ContainerStack, connection: Connection, champions: Champions, processes: Processes
) -> None:
    registered = champions.promote(champions.register())
    start_worker(processes)
    with mlflow_with_champion(registered, champions.source(registered)) as mlflow, line_to(port_of(mlflow)) as line:
        line.cut()
        gateway = start_gateway(processes, ready=False, mlflow_uri=line.url)
        wait_for(lambda: gateway.url, 60, "its port")
        before = wait_for(lambda: (found := gateway.predict(application_id="a-1")).status == 200 and found, 60, "a-1")
        unanswered, unready = gateway.post("/what-if", a_body()), gateway.get("/ready")
        line.mend()
        wait_for(gateway.is_ready, 60, "the champion")
        answered = gateway.post("/what-if", a_body())
        line.cut()
        wait_for(lambda: "mlflow" in gateway.get("/health").json["away"], 30, "the outage to be told")
        stack.stop("registry")
        try:
            during = [gateway.predict(application_id=f"b-{n}").status for n in range(3)]
            kept, ready = gateway.post("/what-if", a_body()), gateway.get("/ready")
        finally:
            stack.start("registry")

    assert before.json["application_id"] == "a-1"
    assert (unanswered.status, unanswered.json["type"]) == (503, "urn:loan:problem:unavailable")
    assert (unready.status, unready.json["missing"], list(unready.json["away"])) == (503, ["champion"], ["mlflow"])
    assert answered.status == 200
    assert during == [200, 200, 200]
    assert kept.json == answered.json
    assert ready.status == 200
    assert Answers(connection).counts() == {"a-1": 1, "b-0": 1, "b-1": 1, "b-2": 1}


def test_a_gateway_waits_for_its_neighbours_and_says_so(
    stack: LocalStack | ContainerStack, connection: Connection, champions: Champions, processes: Processes
) -> None:
    stack.stop("registry")
    with line_to(port_of(connection.bootstrap_servers)) as broker, line_to(UNUSED_PORT) as database:
        broker.cut()
        database.cut()
        own = {
            "bootstrap_servers": f"{HOST}:{broker.port}",
            "ledger_url": f"postgresql://{HOST}:{database.port}/ledger",
        }
        try:
            gateway = start_gateway(processes, ready=False, **own)
            wait_for(lambda: "registry" in gateway.health("health")[1].get("away", {}), 60, "the registry's outage")
            refused = gateway.predict()
        finally:
            stack.start("registry")
        wait_for(lambda: "broker" in gateway.health("health")[1]["away"], 60, "the broker's outage")
        broker.mend()
        wait_for(lambda: gateway.health("health")[1]["missing"] == ["champion"], 60, "waiting for a champion")
        champions.promote(champions.register())
        wait_for(gateway.is_ready, 60, "the champion")
        start_worker(processes)
        decided = wait_for(
            lambda: (found := gateway.predict()).status == 200 and found, 60, "an application without id"
        )
        of_ledger = [gateway.predict(application_id="a-1"), gateway.get("/decisions/a-0"), gateway.get("/desk/review")]

    assert refused.status == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert decided.json["outcome"] == "APPROVE"
    # Whether the ledger has a decision of this name cannot be said; nothing is published twice instead.
    assert [each.status for each in of_ledger] == [503, 503, 503]
    assert [each.headers["content-type"].partition(";")[0] for each in of_ledger] == [
        "application/problem+json",
        "application/problem+json",
        "text/html",
    ]


def test_missing_topics_stop_the_gateway_with_one_line(processes: Processes) -> None:
    gateway = start_gateway(processes, ready=False, topic_prefix="nowhere")

    status = gateway.process.wait(60)
    line = gateway.process.output().splitlines()[-1]

    assert status == 2
    assert line.startswith("gateway: ")
    assert "loanctl schemas register" in line


def test_two_gateways_beside_each_other_answer_their_own_callers(
    connection: Connection, processes: Processes, champion: RegisteredVersion
) -> None:
    start_worker(processes)
    gateways = [start_gateway(processes), start_gateway(processes)]

    with ThreadPoolExecutor(16) as pool:
        jobs = [pool.submit(gateways[n % 2].predict, application_id=f"a-{n}") for n in range(60)]
        said = [job.result() for job in jobs]

    assert {each.status for each in said} == {200}
    assert [each.json["application_id"] for each in said] == [f"a-{n}" for n in range(60)]
    assert set(Answers(connection).counts().values()) == {1}
