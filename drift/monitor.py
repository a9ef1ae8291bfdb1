"""Monitoring: partial counts, the trainer's results and people's acknowledgements in; reports and commands out.

A fold over one log: the same messages in the same order give the same reports, byte for byte, and it
can be saved after any message and resumed. A message of another champion, announced later,
drops the open window, which was counted in the bins of the former one; the new champion's first
window begins with the panes that were still open then. A message of a former champion only shows
how far its partition is. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Self

from drift.binning.reference import Reference
from drift.detection import seasons, usual_week
from drift.detection.drift_report import ReportContext, report_of
from drift.detection.seasons import Seasons
from drift.retraining import performance_floor
from drift.retraining.retrain_policy import PolicyState, Withheld, command_of, decide, judged_performance
from drift.windows.window import Window
from drift.windows.window_assembler import WindowAssembler, WindowRules
from schemas.codec.event_codec import as_record, from_record
from schemas.events.drift import DriftAcknowledgement, DriftCounts, DriftReport, UsualWeek
from schemas.events.performance import PerformanceReport, PerformanceRules
from schemas.events.retraining import RetrainCommand, RetrainResult, RetrainStatus
from schemas.timestamps import millis_of

Declarations = tuple[Seasons, UsualWeek | None]
NOTHING_DECLARED: Final[Declarations] = ((), None)
NO_GENERATION: Final = -2
"""Before any message; -1 is a champion that was never announced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorRules:
    windows: WindowRules
    reporting: ReportContext
    window_rows: int = 0
    """Applications expected of a window; 0 for as many as the usual week has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The result of one message."""

    reports: tuple[DriftReport, ...] = ()
    commands: tuple[RetrainCommand, ...] = ()
    performances: tuple[PerformanceReport, ...] = ()
    dropped: int = 0
    """Records counted in the bins of a former champion and reported nowhere."""

    def __bool__(self) -> bool:
        """True if there is something to publish."""
        return bool(self.reports or self.performances)

    def plus(self, more: "Findings") -> "Findings":
        """Both, these first."""
        return Findings(
            reports=(*self.reports, *more.reports),
            commands=(*self.commands, *more.commands),
            performances=(*self.performances, *more.performances),
            dropped=self.dropped + more.dropped,
        )


class Monitor:
    def __init__(self, rules: MonitorRules) -> None:
        self._rules = rules
        self._windows = WindowAssembler(rules.windows)
        self._memory = PolicyState()
        self._generation = NO_GENERATION
        self._champion = ("", "", "")
        self._seasons: Seasons = ()
        self._week: UsualWeek | None = None
        self._look: PerformanceReport | None = None
        self._watched = ""

    @property
    def memory(self) -> PolicyState:
        return self._memory

    @property
    def generation(self) -> int:
        """Of the champion whose counts are taken."""
        return self._generation

    @property
    def champion(self) -> tuple[str, str, str]:
        """Version, digest and reference of the champion whose counts are taken; empty before there were any."""
        return self._champion

    @property
    def pane_count(self) -> int:
        """Windows by time, or panes of windows by count, in memory."""
        return self._windows.pane_count

    @property
    def resume_at(self) -> int | None:
        """The first message of the log that must be read again after what is saved was restored; None for none."""
        return self._windows.resume_at

    @property
    def look(self) -> PerformanceReport | None:
        """The last performance check."""
        return self._look

    def outcome_ends(self, champion_digest: str, rules: PerformanceRules) -> Sequence[int]:
        """Ends of the outcomes at the last check, if a check of the same ones would give the same; else empty."""
        look = self._look
        if look is None or (look.champion_digest, look.rules) != (champion_digest, rules):
            return ()
        if rules.mature_ms:
            # Loans mature, and their outcomes count, without an outcome more.
            return ()
        if look.withheld not in ("", Withheld.ASKED):
            # What holds it back may pass without an outcome more.
            return ()
        decisions = self._rules.reporting.decisions_topic
        return tuple(each.end for each in look.offsets if each.topic != decisions)

    def is_former(self, counts: DriftCounts, watched_digest: str = "") -> bool:
        """Whether a message was counted for a champion that another one has succeeded.

        Args:
            watched_digest: of the champion announced last; whatever the generations, it is no former one.
        """
        digest = counts.champion_digest
        first = self._generation == NO_GENERATION
        return not first and digest not in (self._champion[1], watched_digest) and counts.generation <= self._generation

    def skip(self, counts: DriftCounts, now: datetime) -> Findings:
        """Take a message of a former champion's counts: only how far its partition is is of use."""
        self._windows.hear(counts, millis_of(now))
        return Findings(dropped=sum(pane.n for pane in counts.panes))

    def add_counts(self, counts: DriftCounts, reference: Reference, now: datetime, offset: int = 0) -> Findings:
        """Take one message of partial counts.

        Args:
            counts: the next message of the log, of no former champion.
            reference: of the champion that the message counts for.
            now: stamped on commands; used for how long the stream is idle.
            offset: of the message in the log.
        """
        dropped = self._succeed(counts)
        self._windows.hear(counts, millis_of(now))
        self._windows.add(counts, offset)
        return self._findings(self._windows.pop_windows(), reference, now, dropped)

    def watch(self, reference: Reference) -> bool:
        """Take the champion announced last, of which perhaps nothing was counted yet; True if that changed the policy.

        A promotion ends what the policy knows of the former champion: a command in flight for it, or a latch, would
        stay for as long as no application comes.
        """
        if reference.champion_digest == self._watched:
            return False
        self._watched = reference.champion_digest
        before = self._memory
        if self._champion[1] not in ("", self._watched) and reference.generation >= self._generation:
            self._memory = before.after_champion()
        return self._memory != before

    def replay(self, counts: DriftCounts, offset: int) -> None:
        """Take what was not saved of a message read before; in order from `resume_at`, and before any later one."""
        if counts.champion_digest == self._champion[1]:
            self._windows.add_again(counts, offset)

    def silent(self, reference: Reference, now: datetime) -> Findings:
        """Close the windows that are over by the wall clock, if all partitions are idle."""
        return self._findings(self._windows.silent(millis_of(now)), reference, now, 0)

    def add_performance(self, report: PerformanceReport, now: datetime) -> Findings:
        """Take the result of a performance check; one of a former champion is published and commands nothing.

        Args:
            report: as yet without a command.
            now: stamped on commands, and on nothing else.
        """
        if self._champion[1] not in ("", report.champion_digest):
            return Findings(performances=(report,))
        self._memory, judged_report = judged_performance(
            self._memory, report, self._windows.close_horizon, self._rules.reporting.rules
        )
        self._look = judged_report
        commands = (performance_floor.command_of(judged_report, now),) if judged_report.command_id else ()
        return Findings(commands=commands, performances=(judged_report,))

    def add_result(self, result: RetrainResult) -> None:
        if result.status is RetrainStatus.FAILED and result.command_id == self._memory.fallen:
            # Whoever asks may ask again: the next look is made though no outcome has come.
            self._look = None
        self._memory = self._memory.after_result(result)

    def acknowledge(self, acknowledgement: DriftAcknowledgement) -> None:
        self._memory = self._memory.after_acknowledgement(acknowledgement)
        if acknowledgement.season is not None:
            self._seasons = seasons.declare(self._seasons, acknowledgement.season)
        if acknowledgement.usual_week is not None:
            self._week = acknowledgement.usual_week

    @property
    def declarations(self) -> Declarations:
        """Seasons and the usual week."""
        return self._seasons, self._week

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` makes this of again."""
        return {**self.state_to_dict(), **self.declarations_to_dict()}

    def declarations_to_dict(self) -> dict[str, Any]:
        """The large part of it, which changes with a declaration alone."""
        return {"seasons": seasons.dump(self._seasons), "week": usual_week.dump(self._week)}

    def state_to_dict(self) -> dict[str, Any]:
        """The part that every window changes."""
        return {
            "windows": self._windows.to_dict(),
            "memory": self._memory.to_dict(),
            "generation": self._generation,
            "champion": list(self._champion),
            "look": {**as_record(self._look), "as_of": self._look.as_of.isoformat()} if self._look else None,
        }

    @classmethod
    def from_dict(cls, rules: MonitorRules, saved: Mapping[str, Any]) -> Self:
        """As it was saved.

        Raises:
            KeyError, TypeError: it was saved by another version.
        """
        monitor = cls(rules)
        monitor._windows = WindowAssembler.from_dict(rules.windows, saved["windows"])
        monitor._memory = PolicyState.from_dict(saved["memory"])
        monitor._generation = saved["generation"]
        version, digest, reference_id = saved["champion"]
        monitor._champion = (version, digest, reference_id)
        monitor._seasons = seasons.load(saved.get("seasons", ()))
        monitor._week = usual_week.load(saved.get("week"))
        look = saved.get("look")
        monitor._look = from_record(PerformanceReport, look) if look else None
        return monitor

    def _succeed(self, counts: DriftCounts) -> int:
        """Adopt the message's champion; returns the number of records that this drops."""
        first, same = self._generation == NO_GENERATION, counts.champion_digest == self._champion[1]
        self._generation = max(self._generation, counts.generation)
        self._champion = (counts.champion_version, counts.champion_digest, counts.reference_id)
        if first or same:
            return 0
        self._memory = self._memory.after_champion()
        return self._windows.forget()

    def _findings(self, windows: Iterable[Window], reference: Reference, now: datetime, dropped: int) -> Findings:
        reports = []
        for window in windows:
            report = report_of(window, self._with_expected_rows(window, reference), self._rules.reporting)
            self._memory, report = decide(self._memory, report)
            reports.append(report)
        commands = tuple(command_of(report, now) for report in reports if report.command_id)
        return Findings(reports=tuple(reports), commands=commands, dropped=dropped)

    def _with_expected_rows(self, window: Window, reference: Reference) -> Reference:
        found, rows = self._reference_for(window, reference), self._rules.window_rows
        return replace(found, expected_rows=float(rows)) if rows else found

    def _reference_for(self, window: Window, reference: Reference) -> Reference:
        seasonal = seasons.reference_for(window, reference, self._seasons)
        if seasonal is not reference:
            return seasonal
        return usual_week.reference_for(window, reference, self._week, self._rules.reporting.rules.minimum_n)
