"""Each finding with what it led to: report, command, result and announcement share ids, and meet here.

A finding is a window of the drift agent's, or a performance check of the champion's loans.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from loanctl.reports.event_log import RecordDecoder
from schemas.codec.event_codec import as_record
from schemas.events.drift import DriftReport
from schemas.events.performance import PerformanceReport
from schemas.events.retraining import ChampionAnnouncement, RetrainCommand, RetrainResult, RetrainStatus
from streams.kafka.topics.topic_scan import read_whole
from streams.runtime.settings import Connection

Report = TypeVar("Report", DriftReport, PerformanceReport)

HEAVY = frozenset({"features", "decisions"})
"""Fields of a report that are left to `loanctl drift report`."""


@dataclass(frozen=True, slots=True)
class Lineage(Generic[Report]):
    """One finding, and what followed; None where nothing has."""

    report: Report
    command: RetrainCommand | None = None
    result: RetrainResult | None = None
    announcement: ChampionAnnouncement | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON can tell it; the bins left to `report`."""
        return {
            **{name: value for name, value in as_record(self.report).items() if name not in HEAVY},
            **_largest(self.report),
            "command": as_record(self.command) if self.command else None,
            "result": as_record(self.result) if self.result else None,
            "announcement": as_record(self.announcement) if self.announcement else None,
        }


@dataclass(frozen=True, slots=True)
class Stories:
    """All findings, in the order of their kinds."""

    windows: Sequence[Lineage[DriftReport]]
    looks: Sequence[Lineage[PerformanceReport]]


def lineages(connection: Connection) -> Stories:
    """The story of every finding on the topics.

    Raises:
        OutageError: broker or registry is away.
    """
    topics = connection.topics()
    led_to = (topics.retrain_commands, topics.retrain_results, topics.champions)
    reports = (topics.drift_reports, topics.performance_reports)
    found = read_whole(connection, [topic.name for topic in (*reports, *led_to)])
    records = {name: topic.by_time() for name, topic in found.items()}
    reading = RecordDecoder(connection)
    followed = (
        reading.events(RetrainCommand, records[topics.retrain_commands.name]),
        reading.events(RetrainResult, records[topics.retrain_results.name]),
        reading.events(ChampionAnnouncement, records[topics.champions.name]),
    )
    return Stories(
        windows=stories(reading.events(DriftReport, records[topics.drift_reports.name]), *followed),
        looks=stories(reading.events(PerformanceReport, records[topics.performance_reports.name]), *followed),
    )


def stories(
    reports: Sequence[Report],
    commands: Sequence[RetrainCommand],
    results: Sequence[RetrainResult],
    announcements: Sequence[ChampionAnnouncement],
) -> list[Lineage[Report]]:
    """Reports with what shares their command's id; a DUPLICATE gives way to the answer that it repeats."""
    commanded = {command.command_id: command for command in commands}
    answered: dict[str, RetrainResult] = {}
    for result in results:
        if result.status is not RetrainStatus.DUPLICATE or result.command_id not in answered:
            answered[result.command_id] = result
    announced = {each.command_id: each for each in announcements if each.command_id}
    return [
        Lineage(report, commanded.get(name), answered.get(name), announced.get(name)) if name else Lineage(report)
        for report in reports
        for name in [report.command_id]
    ]


def _largest(report: DriftReport | PerformanceReport) -> dict[str, Any]:
    if isinstance(report, PerformanceReport):
        return {}
    return {"psi": {feature.feature: feature.psi for feature in report.features}}
