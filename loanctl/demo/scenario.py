"""The demo's acts in their order: each waits for what must follow from it, and the next one begins only then.

Where what must follow does not follow, the story ends there, and the checks say what was not seen.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from confluent_kafka.schema_registry import Schema
from rich.text import Text

from loanctl.console import Console
from loanctl.demo import bad_records, demo_output, first_champion, http_decision
from loanctl.demo.bad_records import Bad
from loanctl.demo.checks import DemoRun
from loanctl.demo.demo_processes import DemoProcess, demo_processes, visitors_gateway
from loanctl.demo.demo_stream import APPLICANTS_A_WINDOW, SPACING, WINDOW, DemoStream, TrafficPhase
from loanctl.reports import event_log
from loanctl.reports.topic_watcher import Watcher
from loanctl.simulation import playback, synthetic_population
from loanctl.simulation.loan_tables import Table
from loanctl.simulation.playback import Script
from loanctl.simulation.synthetic_population import PopulationShift
from loanctl.stack.ports import HOST
from schemas.errors import OutageError
from schemas.events.decisions import Outcome
from schemas.events.retraining import RetrainStatus
from streams.kafka.producer.event_publisher import EventPublisher
from streams.runtime.settings import Connection

SOURCE: Final = "/loanctl/demo"

FIRST_ROWS: Final = 8_000
BUDGET: Final = {"trials": "4", "folds": "3", "max_trees": "300"}
"""One try of each family, so that the story is short; `loanctl train` tries more."""
INFLATION: Final = PopulationShift(income_factor=1.6, changed_risk=1.0)
"""Incomes rise, and the same income is worth less: what was learnt is wrong."""

RATE: Final = 1_000.0
"""Applications a second: a window in three seconds."""
QUIET_RATE: Final = 100.0
"""While the trainer works: it wants the processors, too."""
QUIET_APPLICANTS: Final = 200
MOST_WINDOWS: Final = 6
"""Of the shift: two that drift would do."""
HASTE_WINDOWS: Final = 6

DRIFT_PATIENCE_S: Final = 20.0
RESULT_PATIENCE_S: Final = 300.0
SWAP_PATIENCE_S: Final = 30.0
ANSWER_PATIENCE_S: Final = 30.0


class DemoScenario:
    def __init__(self, console: Console, connection: Connection, folder: Path, seed: int, began: float) -> None:
        self._console = console
        self._connection = connection
        self._folder = folder
        self._seed = seed
        self._began = began
        self._base = folder / "applicants.csv"
        self._refusals: Counter[str] = Counter()
        self._http_decision_id = ""

    def tell(self, end: Callable[[DemoRun, str], None]) -> None:
        """Tell the story.

        Args:
            end: called with the topics' records at its end, however far it came, and the desk's address; the
                processes run until it returns.
        """
        self._first_champion()
        topics = self._connection.topics()
        watched = (topics.decisions, topics.drift_reports, topics.retrain_commands, topics.retrain_results)
        with (
            demo_processes(self._folder / "log", self._settings()) as members,
            Watcher(self._connection, watched) as watcher,
            EventPublisher(self._connection, SOURCE) as publisher,
        ):
            self._ready(members)
            stream = DemoStream(
                console=self._console,
                writing=playback.playback_codec(self._connection),
                publisher=publisher,
                watcher=watcher,
                decoding=event_log.RecordDecoder(self._connection),
                clock=_last_week(),
                seed=self._seed,
            )
            gateway = f"http://{HOST}:{members['gateway'].port}"
            self._phases(stream, gateway)
            end(self._final_run(stream), f"{gateway}/desk")

    @contextmanager
    def visitors(self) -> Iterator[DemoProcess]:
        """A gateway in its demo mode, ready, on what the scenario has left; while `tell` runs.

        Raises:
            NotReadyError: it did not become ready.
        """
        with visitors_gateway(self._folder / "log", self._settings()) as member:
            member.await_ready()
            yield member

    def _phases(self, stream: DemoStream, gateway: str) -> None:
        self._usual(stream)
        self._by_http(stream, gateway)
        successor = self._succession(stream) if self._shifted(stream) else ""
        if successor:
            self._haste(stream, successor)
        stream.watcher.wait_for(lambda: stream.decision_count() >= stream.owed, ANSWER_PATIENCE_S)
        stream.show_windows()

    def _first_champion(self) -> None:
        self._heading(f"{FIRST_ROWS:,} made-up applicants, and the first champion")
        for line in first_champion.train(FIRST_ROWS, self._seed, self._base, self._settings()):
            self._say(line)

    def _settings(self) -> dict[str, str]:
        """Of training and the processes, beside where to find the others."""
        budget = {f"LOAN_{name.upper()}": value for name, value in BUDGET.items()}
        return {
            "LOAN_WINDOW_S": str(WINDOW.total_seconds()),
            "LOAN_BASE_TABLE": str(self._base.resolve()),
            "LOAN_SEED": str(self._seed),
            # A demo that runs on a Monday at two has one command, too.
            "LOAN_RETRAIN_SCHEDULE": "",
            "LOAN_LEDGER_URL": f"sqlite:///{(self._folder / 'ledger.db').resolve()}",
            # What others use on this machine is not for a demo.
            "LOAN_GATEWAY_HOST": HOST,
            "LOAN_GATEWAY_API_KEYS": "",
            "LOAN_GATEWAY_DEMO": "false",
            "LOAN_OIDC_ISSUER": "",
            # Of the 450 loans that a demo judges by, the slope's interval alone is wider than the usual margin of .2.
            "LOAN_GATE_MARGINS": "slope=2",
            **budget,
        }

    def _ready(self, members: Mapping[str, DemoProcess]) -> None:
        self._heading("Worker, drift agent, trainer, ledger and gateway start")
        for name, member in members.items():
            member.await_ready()
            self._say(Text.assemble(("✓", "green"), f" {name}, http://127.0.0.1:{member.port}/metrics"))

    def _usual(self, stream: DemoStream) -> None:
        window_s = APPLICANTS_A_WINDOW / RATE
        self._heading(f"Applications come, {RATE:.0f} a second; an hour of theirs takes us {window_s:.0f} s")
        # Their loans still run, so that champion and challenger meet on applicants of the change alone.
        stream.perform(TrafficPhase(name="usual", applicants=2 * APPLICANTS_A_WINDOW, rate=RATE, ended=False))
        self._misbehave(stream)
        stream.perform(TrafficPhase(name="more", applicants=APPLICANTS_A_WINDOW, rate=RATE, ended=False))
        for outcomes in ((Outcome.APPROVE,), (Outcome.DECLINE, Outcome.REFER)):
            decision = stream.last_decision(*outcomes)
            if decision:
                demo_output.decision(self._console, decision)

    def _by_http(self, stream: DemoStream, gateway: str) -> None:
        self._heading("A system without Kafka asks by HTTP; people have the desk")
        sent = http_decision.application(stream.clock)
        self._say(http_decision.curl(gateway, sent))
        stream.owed += 1
        try:
            answer = http_decision.answer(gateway, sent)
        except OutageError as fault:
            self._say(str(fault))
            return
        self._http_decision_id, name = answer["decision_id"], answer["application_id"]
        stream.watcher.wait_for(lambda: stream.decision_on(name) is not None, ANSWER_PATIENCE_S)
        for decision in filter(None, [stream.decision_on(name)]):
            demo_output.decision(self._console, decision)
        self._say(Text.assemble(("the desk", "bold cyan"), f" {gateway}/desk"))

    def _misbehave(self, stream: DemoStream) -> None:
        """Upstream sends one bad record of each kind between the good ones."""
        bad = self._bad_records(stream)
        stream.publisher.send(bad_records.outgoing_records(bad, stream.topics.applications.name))
        stream.owed += sum(item.decided for item in bad)
        self._refusals.update(item.reason for item in bad if item.reason)
        self._say(f"upstream sends {len(bad)} bad records: {', '.join(item.kind for item in bad)}")

    def _bad_records(self, stream: DemoStream) -> tuple[Bad, ...]:
        contract = self._connection.contract()
        stranger = Schema(json.dumps(bad_records.stranger_schema(contract.schema)), "AVRO")
        subject = f"{stream.topics.applications.name}-stranger"
        stranger_id = self._connection.registry().register_schema(subject, stranger)
        table = Table("bad", "bad", synthetic_population.applicants(1, self._seed))
        good = next(playback.records(table, Script(start=stream.clock, spacing=SPACING), contract))
        return bad_records.bad_records(good, stream.writing, stranger_id)

    def _shifted(self, stream: DemoStream) -> bool:
        """Whether the shift was found and a retraining commanded."""
        self._heading(f"The applicants change: incomes x {INFLATION.income_factor}, and worth less")
        for number in range(1, MOST_WINDOWS + 1):
            stream.perform(
                TrafficPhase(name=f"shifted{number}", applicants=APPLICANTS_A_WINDOW, rate=RATE, shift=INFLATION)
            )
            if stream.commands():
                break
        found = stream.watcher.wait_for(lambda: bool(stream.commands()), DRIFT_PATIENCE_S)
        stream.show_windows()
        for command in stream.commands():
            self._say(Text.assemble(("retrain command", "bold cyan"), f" {command.command_id}: {command.why}"))
        return found

    def _succession(self, stream: DemoStream) -> str:
        """The version that was promoted and decides, empty where there is none; applications keep coming meanwhile."""
        self._heading("The trainer works on old rows and new; applications keep coming")
        deadline = time.monotonic() + RESULT_PATIENCE_S
        while not stream.results() and time.monotonic() < deadline:
            self._meanwhile(stream)
        promoted = [result for result in stream.results() if result.status is RetrainStatus.PROMOTED]
        for result in stream.results():
            demo_output.promotion(self._console, result)
        deadline = time.monotonic() + SWAP_PATIENCE_S
        while promoted and time.monotonic() < deadline:
            if stream.decided_by(promoted[0].challenger_version):
                self._say(f"version {promoted[0].challenger_version} decides: the swap was between two batches")
                return promoted[0].challenger_version
            self._meanwhile(stream)
        return ""

    def _meanwhile(self, stream: DemoStream) -> None:
        name = f"meanwhile{stream.acts}"
        stream.perform(TrafficPhase(name=name, applicants=QUIET_APPLICANTS, rate=QUIET_RATE, shift=INFLATION))

    def _haste(self, stream: DemoStream, version: str) -> None:
        applicants = HASTE_WINDOWS * APPLICANTS_A_WINDOW
        self._heading(f"The new champion decides {applicants:,} more, as fast as it can")
        stream.perform(TrafficPhase(name="haste", applicants=applicants, rate=None, shift=INFLATION))
        stream.watcher.wait_for(lambda: stream.decision_count() >= stream.owed, ANSWER_PATIENCE_S)
        decision = stream.last_decision(Outcome.DECLINE, Outcome.REFER)
        if decision:
            demo_output.decision(self._console, decision)
        # The window that the promotion was about is the new reference.
        stream.watcher.wait_for(lambda: stream.steady_since(version), DRIFT_PATIENCE_S)
        stream.show_windows()

    def _final_run(self, stream: DemoStream) -> DemoRun:
        return DemoRun(
            observed=event_log.read_topics(self._connection),
            arrivals=stream.arrivals(),
            expected_refusals=dict(self._refusals),
            paced_ids=tuple(stream.paced),
            http_decision_id=self._http_decision_id,
            seconds=time.monotonic() - self._began,
        )

    def _heading(self, what: str) -> None:
        demo_output.heading(self._console, what)

    def _say(self, line: str | Text) -> None:
        demo_output.print_line(self._console, line)


def _last_week() -> datetime:
    """Midnight a week ago: nobody may sign in the future, and a demo plays more than an hour of event time."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=7)
