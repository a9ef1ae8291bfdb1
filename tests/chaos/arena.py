"""All that a seed breaks: brokers, registry, MLflow behind proxies, workers of both modes, drift agent, ledger."""

import random
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from loanctl.commands.cluster import schemas, topics
from loanctl.stack.ports import HOST
from loanctl.stack.process_guard import ProcessGuard
from schemas.events.drift import DriftReport
from schemas.timestamps import millis_of
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime import settings as connections
from streams.runtime.settings import Connection
from tests.builders import APPLIED_AT
from tests.chaos.cluster import Cluster, cluster_of
from tests.chaos.invariant import leak_findings, leak_lines, report_findings
from tests.chaos.lane import Lane
from tests.chaos.load import SPACING, UNCOUNTED, Kind, Load
from tests.chaos.proxy import Proxy, proxy_of
from tests.chaos.supervised_process import SupervisedProcess
from tests.doubles.mlflow import ChampionBoard, mlflow_of
from tests.system.ledger_stage import rows
from tests.system.processes import Processes
from tests.system.scorecards import Champions
from tests.system.topic_records import read_events
from tests.system.wait import wait_for
from tests.system.workers import Worker

MODES: Final = ("exactly_once", "at_least_once")
WORKERS: Final = 2
WINDOW: Final = timedelta(minutes=5)
READY_S: Final = 240.0
SETTLED_S: Final = 300.0
"""Until all is answered: a session, a transaction's time-out, and a machine that does much else."""


@dataclass
class Arena:
    """One seed's."""

    cluster: Cluster
    lanes: list[Lane]
    champions: Champions
    board: ChampionBoard
    mlflow_proxied: Proxy
    folder: Path
    agents: dict[str, SupervisedProcess] = field(default_factory=dict)
    """Drift agent and ledger, of the mode that is exactly once."""
    found: Counter[str] = field(default_factory=Counter)
    """Violations that faults themselves have seen, in the mode that is exactly once."""
    leaking_lines: Sequence[str] = ()
    """Of the last look at logs and metrics, each behind its place."""
    killed_at: float = 0.0
    """When the fault under way killed a worker, seconds since 1970; 0 where what follows is not measured."""
    _version: int = 1

    @property
    def workers(self) -> list[SupervisedProcess]:
        """Of both modes."""
        return [worker for lane in self.lanes for worker in lane.workers]

    @property
    def ledger_url(self) -> str:
        return f"sqlite:///{self.folder / 'ledger.db'}"

    def successors(self, count: int) -> list[tuple[RegisteredVersion, str]]:
        """So many new versions, registered; none of them decides yet."""
        found = []
        for _ in range(count):
            self._version += 1
            registered = self.champions.register(float(self._version))
            found.append((registered, self.champions.source(registered)))
        return found

    def all_ready(self) -> None:
        """Wait until every process says that it works."""
        for each in (*self.workers, *self.agents.values()):
            wait_for(each.ready, READY_S, each.name)

    def answered(self, marks: Sequence[int]) -> bool:
        """Whether the first so many applications of each mode are."""
        return all(lane.unanswered_count(mark) == 0 for lane, mark in zip(self.lanes, marks, strict=True))

    def settle(self) -> None:
        """Wait until every topic, every commit and the ledger are at the end of what was played."""
        marks = [len(lane.load.sent) for lane in self.lanes]
        wait_for(lambda: self.answered(marks), SETTLED_S, "an answer to each application")
        for lane in self.lanes:
            wait_for(
                lambda lane=lane: lane.committed_offsets() == lane.ends(), SETTLED_S, f"commits of {lane.delivery}"
            )  # type: ignore[misc]
        if "ledger" in self.agents:
            wait_for(self.ledger_caught_up, SETTLED_S, "the ledger")

    def ledger_caught_up(self) -> bool:
        """Whether it has every decision once."""
        [(count,)] = rows(self.ledger_url, "SELECT count(*) FROM decisions")
        return int(count) >= len(self.lanes[0].decisions.read_on())

    def ledger_findings(self) -> Counter[str]:
        """Decisions that it has too often, or not."""
        if "ledger" not in self.agents:
            return Counter()
        [(count,)] = rows(self.ledger_url, "SELECT count(*) FROM decisions")
        return +Counter(ledger_rows_apart=abs(int(count) - len(self.lanes[0].decisions.read_on())))

    def window_findings(self) -> Counter[str]:
        """Of the drift agent's reports, once those of all closed windows have come."""
        if "drift" not in self.agents:
            return Counter()
        owed = self.window_counts()
        wait_for(lambda: owed.keys() <= {window for window, _ in self.windows()}, SETTLED_S, "the windows' reports")
        return report_findings(self.windows(), owed)

    def windows(self) -> list[tuple[str, int]]:
        """Begin and applications of each report."""
        connection = self.lanes[0].connection
        reports = read_events(connection, DriftReport, connection.topics().drift_reports)
        return [(str(millis_of(each.window_start)), each.n + each.duplicates + each.late) for each in reports]

    def window_counts(self) -> Mapping[str, int]:
        """Readable applications by window, of all windows but the last two: they wait for applications signed later."""
        step = WINDOW // timedelta(milliseconds=1)
        signed = [
            millis_of(APPLIED_AT + one.number * SPACING)
            for one in self.lanes[0].load.sent
            if one.kind is not Kind.POISON and one.number != UNCOUNTED
        ]
        found = Counter(str(moment - moment % step) for moment in signed)
        return {window: found[window] for window in sorted(found, key=int)[:-2]}

    def leaks(self) -> Counter[str]:
        """In logs and metrics of all processes."""
        logs = {each.name: each.process.output().encode() for each in (*self.workers, *self.agents.values())}
        pages = {f"{each.name} metrics": _metrics(each) for each in (*self.workers, *self.agents.values())}
        places = {**logs, **pages}
        self.leaking_lines = leak_lines(places)
        return leak_findings(places)


def _metrics(each: SupervisedProcess) -> bytes:
    try:
        return Worker(each.process).metrics_page().encode()
    except OSError:
        # Between two lives.
        return b""


@contextmanager
def arena_of(folder: Path, brokers: int, rate: float, seed: int, store: Path, *, agents: bool) -> Iterator[Arena]:
    """Everything started and ready, for the length of a block."""
    with ExitStack() as stack:
        guard = stack.enter_context(ProcessGuard())
        cluster = stack.enter_context(cluster_of(brokers, folder / "cluster"))
        connected = {
            "registry_url": cluster.registry.url,
            "bootstrap_servers": cluster.inner_servers,
            "mlflow_uri": f"sqlite:///{store}",
        }
        first = Connection(**connected, _env_file=None)
        champions = Champions(first, folder / "models")
        registered = champions.register()
        board = ChampionBoard(registered, champions.source(registered))
        address = stack.enter_context(mlflow_of(board))
        mlflow_proxied = stack.enter_context(proxy_of(int(urlsplit(address).port or 0)))
        lanes = []
        for mode in MODES:
            connection = first.model_copy(update={"topic_prefix": f"{mode[:2]}{uuid.uuid4().hex[:6]}"})
            topics.apply(topics.TopicSettings(**{**connection.model_dump(), "replication_factor": brokers}))
            schemas.register(connection)
            processes = Processes(folder / mode, _environment(connection, cluster, mlflow_proxied), guard)
            processes.folder.mkdir()
            stack.callback(_kill, processes)
            lanes.append(Lane(mode, connection, processes, Load(connection, rate, random.Random(seed))))
        arena = Arena(cluster, lanes, champions, board, mlflow_proxied, folder)
        for lane in lanes:
            for number in range(WORKERS):
                lane.start_worker(number)
        if agents:
            _start_agents(arena)
        arena.all_ready()
        yield arena


def _kill(processes: Processes) -> None:
    for each in processes.started:
        each.kill()


def _start_agents(arena: Arena) -> None:
    processes, cache = arena.lanes[0].processes, arena.folder / "agents-cache"
    drift = {"window_s": int(WINDOW.total_seconds()), "with_decisions": False, "cache_dir": cache}
    arena.agents["drift"] = SupervisedProcess(processes, "drift", "drift", {**drift, "drift_instance_id": "drift-0"})
    ledger = {"ledger_url": arena.ledger_url, "cache_dir": cache, "ledger_instance_id": "ledger-0"}
    arena.agents["ledger"] = SupervisedProcess(processes, "ledger", "ledger", ledger)


def _environment(connection: Connection, cluster: Cluster, mlflow: Proxy) -> dict[str, str]:
    """Of processes under test: every neighbour behind its proxy, nothing of the developer's own settings."""
    url = urlsplit(connection.registry_url)
    outer = connection.model_copy(
        update={
            "bootstrap_servers": cluster.bootstrap_servers,
            "registry_url": url._replace(netloc=f"{HOST}:{cluster.registry_proxied.port}").geturl(),
            "mlflow_uri": f"http://{HOST}:{mlflow.port}",
        }
    )
    ours = {f"LOAN_{name.upper()}" for name in connections.ENDPOINTS}
    told = {
        name: value
        for name, value in connections.environment(outer).items()
        if not name.startswith("LOAN_") or name in ours
    }
    return {**told, "OMP_NUM_THREADS": "1"}
