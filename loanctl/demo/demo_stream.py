"""The demo's stream: applicants enter, their event time goes on, and everybody watches.

A phase is a table played at a rate from where the one before stopped, so that windows of event time
follow one another without gaps. What phases there are and in which order: `loanctl.demo.scenario`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from loanctl.console import Console
from loanctl.demo import demo_output
from loanctl.reports.decision_wait import known_decisions
from loanctl.reports.event_log import RecordDecoder
from loanctl.reports.topic_watcher import Watcher
from loanctl.simulation import playback, synthetic_population
from loanctl.simulation.loan_tables import Table
from loanctl.simulation.playback import PlaybackCodec, Script
from loanctl.simulation.synthetic_population import PopulationShift
from schemas.codec.event_codec import Event
from schemas.events.decisions import LoanDecision, Outcome
from schemas.events.drift import DriftReport, Verdict
from schemas.events.retraining import RetrainCommand, RetrainResult
from schemas.records import RecordPosition
from schemas.topics import Topic, Topics
from streams.kafka.producer.event_publisher import EventPublisher

WINDOW: Final = timedelta(hours=1)
"""Of event time; the drift agent's, too."""
DECISION_PATIENCE_S: Final = 60.0
"""For the decisions on a phase: with those that have come by then, the story goes on."""
LOOKED_THROUGH: Final = 300
"""Decisions among which one is sought to be shown."""
APPLICANTS_A_WINDOW: Final = 3_000
"""Over the thousand that a verdict should have, so that one window without drift is steady.

Outcomes of those approved in two windows judge a challenger by some 450 loans that both scorecards would approve.
"""
SPACING: Final = WINDOW / APPLICANTS_A_WINDOW


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficPhase:
    """Some applicants, and how they come."""

    name: str
    """Begins their application ids."""
    applicants: int
    rate: float | None
    """A second; None for as fast as can be."""
    shift: PopulationShift = synthetic_population.UNSHIFTED
    ended: bool = True
    """True if their loans have ended: outcomes of those approved are played once all are decided."""


@dataclass(slots=True, kw_only=True)
class DemoStream:
    """Where the demo plays. Its clock is event time, and moves with every phase."""

    console: Console
    writing: PlaybackCodec
    publisher: EventPublisher
    watcher: Watcher
    decoding: RecordDecoder
    clock: datetime
    seed: int
    paced: list[str] = field(default_factory=list)
    """What begins the application ids of acts that were played at a rate."""
    owed: int = 0
    """Decisions that what was played asks for."""
    acts: int = 0
    """That were performed."""
    shown: int = 0
    """Windows that have been shown."""

    @property
    def topics(self) -> Topics:
        return self.writing.topics

    def perform(self, phase: TrafficPhase) -> None:
        """Play a phase, and show the windows that close meanwhile."""
        self.acts += 1
        applicants = synthetic_population.applicants(phase.applicants, self.seed + self.acts, phase.shift)
        table = Table(phase.name, phase.name, applicants)
        script = Script(start=self.clock, spacing=SPACING)
        parts = [playback.applications(table, script, self.writing)]
        if phase.rate is not None:
            self.paced.append(f"{phase.name}-")
        with self._bar() as bar:
            task = bar.add_task(phase.name, total=phase.applicants)
            playback.play(parts, self.publisher, phase.rate, lambda sent: self._advance(bar, task, sent))
        self.owed += phase.applicants
        self.clock += phase.applicants * SPACING
        if phase.ended:
            self.watcher.wait_for(lambda: self.decision_count() >= self.owed, DECISION_PATIENCE_S)
            outcomes = playback.outcomes(table, script, self.writing, self._approved_ids(phase.name))
            self.publisher.send(record for record in outcomes if record is not None)
        self.show_windows()

    def show_windows(self) -> None:
        """Show the windows that have closed since this was last asked."""
        if len(self.watcher.records(self.topics.drift_reports)) > self.shown:
            reports = self.reports()
            for report in reports[self.shown :]:
                demo_output.window(self.console, report)
            self.shown = len(reports)

    def reports(self) -> list[DriftReport]:
        """Of the closed windows, in the order of their reports."""
        return self._events(DriftReport, self.topics.drift_reports)

    def commands(self) -> list[RetrainCommand]:
        return self._events(RetrainCommand, self.topics.retrain_commands)

    def results(self) -> list[RetrainResult]:
        return self._events(RetrainResult, self.topics.retrain_results)

    def last_decision(self, *outcomes: Outcome) -> LoanDecision | None:
        """The latest scored decision with one of these outcomes; None where there is none among the last ones."""
        recent = self.watcher.records(self.topics.decisions)[-LOOKED_THROUGH:]
        decisions = self.decoding.events(LoanDecision, recent)
        scored = (each for each in reversed(decisions) if each.margin is not None)
        return next((each for each in scored if each.outcome in outcomes), None)

    def decision_on(self, application_id: str) -> LoanDecision | None:
        """On an application of late; None where there is none (yet)."""
        recent = self.watcher.records(self.topics.decisions)[-LOOKED_THROUGH:]
        wanted = [record for record in recent if record.key == application_id.encode()]
        return next(iter(self.decoding.events(LoanDecision, wanted)), None)

    def decision_count(self) -> int:
        return len(self.watcher.records(self.topics.decisions))

    def decided_by(self, version: str) -> bool:
        """Whether one of the latest decisions is by this version."""
        recent = self.watcher.records(self.topics.decisions)[-LOOKED_THROUGH:]
        return any(seen.scorecard_version == version for seen in self.decoding.decisions(recent))

    def steady_since(self, version: str) -> bool:
        """Whether a window of this champion's was steady."""
        return any(report.champion_version == version and report.verdict is Verdict.STEADY for report in self.reports())

    def arrivals(self) -> dict[RecordPosition, int]:
        """When each decision arrived, by its place on the decisions topic."""
        return self.watcher.arrivals(self.topics.decisions)

    def _approved_ids(self, name: str) -> frozenset[str]:
        """Ids of a phase's applications that were approved."""
        prefix = f"{name}-".encode()
        records = [each for each in self.watcher.records(self.topics.decisions) if (each.key or b"").startswith(prefix)]
        return known_decisions(self.decoding.events(LoanDecision, records), ()).approved

    def _events(self, event: type[Event], topic: Topic) -> list[Event]:
        return self.decoding.events(event, self.watcher.records(topic))

    def _advance(self, bar: Progress, task: TaskID, sent: int) -> None:
        bar.update(task, completed=sent)
        self.show_windows()

    def _bar(self) -> Progress:
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn())
        return Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal)
