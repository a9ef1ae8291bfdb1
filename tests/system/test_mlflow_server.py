"""Succession over a real MLflow server: by hand, while it is away, back again, and with what must not decide."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from loanctl.stack import processes as starting
from loanctl.stack.ports import free_ports
from loanctl.stack.process_guard import ProcessGuard
from loanctl.stack.services.mlflow_server import MlflowServer
from loanctl.stack.services.stack_service import await_ready
from schemas.events.decisions import LoanDecision
from scorecard import bundle
from scorecard.registry.download import BUNDLE
from scorecard.registry.mlflow_client import ask
from scorecard.registry.model_registry import ModelRegistry
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime.settings import Connection
from tests.builders import CONTRACT, a_stump_forest, feature_space, scorecard_parts, some_values
from tests.doubles.line import Line, line_to
from tests.system.processes import Processes
from tests.system.test_worker_crashes import apply_steadily
from tests.system.wait import wait_for
from tests.system.workers import Answers, Applicants, Worker, start_worker


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where a real MLflow server listens."""
    folder = tmp_path_factory.mktemp("mlflow")
    service = MlflowServer(folder, folder, free_ports(1))
    service.prepare()
    with ProcessGuard() as guard:
        running = starting.start(service.command())
        guard.watch(running)
        await_ready(service, running)
        yield service.ports[0]
        running.kill()


@pytest.fixture
def line(server: int) -> Iterator[Line]:
    """The test's own line to it."""
    with line_to(server) as one:
        yield one


@pytest.fixture
def mlflow_uri(line: Line) -> str:
    """In place of the usual file."""
    return line.url


class Shop:
    """Registers scorecards through the server's artifact store, and moves aliases as a person does in MLflow."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self.uri, self.folder = connection.mlflow_uri, folder
        self.name = f"{connection.topic_prefix}-scorecard"
        self.registry = ModelRegistry(self.uri, self.name, folder / "maker-cache")

    def register(self, decline_at: float, digest: str = "") -> RegisteredVersion:
        """A version whose risky applicants have this margin; its digest as given, where it is to be wrong."""
        space = feature_space()
        forest = a_stump_forest(space.columns.index("loan_percent_income"), 0.25, -2.0, decline_at, len(space.columns))
        place = self.folder / f"{decline_at}" / BUNDLE
        true = bundle.write(scorecard_parts(forest=forest), CONTRACT, some_values(), place)
        run = ask(self.uri, lambda client: client.create_run("0"))
        assert run is not None
        ask(self.uri, lambda client: client.log_artifacts(run.info.run_id, str(place), f"model/artifacts/{BUNDLE}"))
        tags = {"digest": digest or true, "family": "xgboost"}
        return self.registry.register(f"{run.info.artifact_uri}/model", run.info.run_id, tags)

    def point(self, registered: RegisteredVersion) -> None:
        """The champion's alias, by hand: no tags, no announcement."""
        ask(self.uri, lambda client: client.set_registered_model_alias(self.name, "champion", str(registered.version)))


@pytest.fixture
def shop(connection: Connection, tmp_path: Path) -> Shop:
    return Shop(connection, tmp_path / "models")


def champion_version(worker: Worker) -> str | None:
    return str(worker.health()[1]["champion"]["version"])


def versions(decisions: list[LoanDecision]) -> Counter[str]:
    return Counter(decision.scorecard_version for decision in decisions)


def test_champions_follow_one_another_by_hand_under_load_and_a_wrong_digest_is_refused(
    connection: Connection, shop: Shop, processes: Processes
) -> None:
    first, second = shop.register(1.0), shop.register(2.0)
    forged = shop.register(3.0, digest="0" * 64)
    shop.point(first)
    applicants, answers = Applicants(connection), Answers(connection)
    worker = start_worker(processes, model_name=shop.name)

    with apply_steadily(applicants):
        wait_for(lambda: versions(answers.decisions())["1"] > 100, 30, "decisions of the first")
        shop.point(second)
        wait_for(lambda: champion_version(worker) == "2", 30, "the second")
        shop.point(forged)
        refused = wait_for(lambda: worker.health()[1]["champion"]["refused"], 30, "the refusal")
        shop.point(first)
        wait_for(lambda: champion_version(worker) == "1", 30, "the first again")
    wait_for(lambda: len(answers.counts()) >= len(applicants.sent), 60, "all decisions")
    decisions = answers.decisions()

    assert Counter(decision.application_id for decision in decisions) == Counter(applicants.sent)
    assert {(d.scorecard_version, d.scorecard_digest) for d in decisions} == {("1", first.digest), ("2", second.digest)}
    assert refused["version"] == "3"
    assert worker.metrics()['loan_champion_refusals_total{alias="champion",reason="bundle"}'] == 1
    assert answers.dead_letters() == []


def test_a_server_that_is_away_stops_nobody_and_tells_of_a_new_champion_when_it_is_back(
    connection: Connection, shop: Shop, processes: Processes, line: Line
) -> None:
    first, second = shop.register(1.0), shop.register(2.0)
    shop.point(first)
    applicants, answers = Applicants(connection), Answers(connection)
    start_worker(processes, model_name=shop.name).process.stop()

    line.cut()
    worker = start_worker(processes, model_name=shop.name)
    applicants.apply(range(20))
    applicants.flush()
    wait_for(lambda: len(answers.counts()) == 20, 30, "decisions from the cache")
    away = worker.health()[1]["away"]
    line.mend()
    shop.point(second)
    wait_for(lambda: champion_version(worker) == "2", 30, "the second, found when the server was back")
    line.cut()
    wait_for(lambda: "mlflow" in worker.health()[1]["away"], 30, "the second outage")
    applicants.apply(range(20, 40))
    applicants.flush()
    wait_for(lambda: len(answers.counts()) == 40, 30, "decisions while it is away")

    assert "mlflow" in away
    assert worker.is_ready()
    assert versions(answers.decisions()) == {"1": 20, "2": 20}
