"""Each window with what it led to: report, command, result and announcement share ids, and meet here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loanctl.observe import everything
from loanctl.sightings import Decoding
from schemas.events import ChampionAnnouncement, DriftReport, RetrainCommand, RetrainResult, RetrainStatus, as_record
from streams.connection import Connection


@dataclass(frozen=True, slots=True)
class Story:
    """One window, and what followed; None where nothing has."""

    report: DriftReport
    command: RetrainCommand | None = None
    result: RetrainResult | None = None
    announcement: ChampionAnnouncement | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON can tell it; the bins left to `report`."""
        shown = {name: value for name, value in as_record(self.report).items() if name not in ("features", "decisions")}
        return {
            **shown,
            "psi": {feature.feature: feature.psi for feature in self.report.features},
            "command": as_record(self.command) if self.command else None,
            "result": as_record(self.result) if self.result else None,
            "announcement": as_record(self.announcement) if self.announcement else None,
        }


def told(connection: Connection) -> list[Story]:
    """The story of every window on the topics, in the order told.

    Raises:
        OutageError: broker or registry is away.
    """
    topics = connection.topics()
    wanted = (topics.drift_reports, topics.retrain_commands, topics.retrain_results, topics.champions)
    records, reading = everything(connection, wanted), Decoding(connection)
    return stories(
        reading.events(DriftReport, records[topics.drift_reports.name]),
        reading.events(RetrainCommand, records[topics.retrain_commands.name]),
        reading.events(RetrainResult, records[topics.retrain_results.name]),
        reading.events(ChampionAnnouncement, records[topics.champions.name]),
    )


def stories(
    reports: Sequence[DriftReport],
    commands: Sequence[RetrainCommand],
    results: Sequence[RetrainResult],
    announcements: Sequence[ChampionAnnouncement],
) -> list[Story]:
    """Reports with what shares their command's id; a DUPLICATE gives way to the answer that it repeats."""
    commanded = {command.command_id: command for command in commands}
    answered: dict[str, RetrainResult] = {}
    for result in results:
        if result.status is not RetrainStatus.DUPLICATE or result.command_id not in answered:
            answered[result.command_id] = result
    announced = {each.command_id: each for each in announcements if each.command_id}
    return [
        Story(report, commanded.get(name), answered.get(name), announced.get(name)) if name else Story(report)
        for report in reports
        for name in [report.command_id]
    ]
