"""Timelines: everything in the ledger about one application, and about the champions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from ledger.query.queries import RecordedEvent, decisions_of, outcomes_of, recorded_event, reviews_of
from ledger.sql.ledger_tables import champions, dead_letters, drift_reports, performance_reports
from schemas.events.decisions import LoanDecision, LoanOutcome
from schemas.events.retraining import ChampionAnnouncement
from schemas.events.reviews import LoanReview

MOST: Final = 200
"""Rows of one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftWindow:
    window_id: str
    window_start: datetime
    window_end: datetime
    champion_version: str
    n: int
    verdict: str
    largest_psi: float | None
    largest_psi_feature: str
    feature_psi: Mapping[str, float]
    approval_rate: float | None
    command_id: str
    withheld: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record that was set aside: its coordinates and its fault."""

    source_topic: str | None
    source_partition: int | None
    source_offset: int | None
    stage: str | None
    reason: str
    field: str | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationHistory:
    application_id: str
    decisions: Sequence[RecordedEvent[LoanDecision]]
    """The first one counts."""
    reviews: Sequence[RecordedEvent[LoanReview]]
    outcomes: Sequence[RecordedEvent[LoanOutcome]]
    dead_letters: Sequence[DeadLetter]
    windows: Sequence[DriftWindow]
    """Those that contain its event time."""
    scorecards: Sequence[RecordedEvent[ChampionAnnouncement]]
    """Announcements of the scorecards that decided on it."""


@dataclass(frozen=True, slots=True)
class Moment:
    at: datetime
    kind: str
    """applied, window, announced, decided, set_aside, reviewed or concluded."""
    what: Any
    """The part of `ApplicationHistory` that it stands for."""


def application_history(connection: sa.Connection, application_id: str) -> ApplicationHistory | None:
    decided = decisions_of(connection, application_id)
    reviewed = reviews_of(connection, application_id)
    ended = outcomes_of(connection, application_id)
    if not (decided or reviewed or ended):
        return None
    return ApplicationHistory(
        application_id=application_id,
        decisions=decided,
        reviews=reviewed,
        outcomes=ended,
        dead_letters=_dead_letters(connection, [each.event for each in decided]),
        windows=windows_at(connection, decided[0].event.applied_at) if decided else (),
        scorecards=_announcements(connection, {each.event.scorecard_digest for each in decided}),
    )


def time_line(history: ApplicationHistory) -> Sequence[Moment]:
    """Its parts in the order of time. Pure."""
    moments = [Moment(each.event.announced_at, "announced", each) for each in history.scorecards]
    if history.decisions:
        moments.append(Moment(history.decisions[0].event.applied_at, "applied", history.decisions[0]))
    moments += [Moment(each.window_end, "window", each) for each in history.windows]
    moments += [Moment(each.recorded_at, "decided", each) for each in history.decisions]
    moments += [Moment(each.recorded_at, "set_aside", each) for each in history.dead_letters]
    moments += [Moment(each.event.reviewed_at, "reviewed", each) for each in history.reviews]
    moments += [Moment(each.event.observed_at, "concluded", each) for each in history.outcomes]
    return sorted(moments, key=lambda moment: moment.at)


def windows_at(connection: sa.Connection, applied_at: datetime) -> Sequence[DriftWindow]:
    query = (
        sa.select(drift_reports)
        .where(drift_reports.c.window_end > applied_at, drift_reports.c.window_start <= applied_at)
        .order_by(drift_reports.c.window_end)
        .limit(MOST)
    )
    return [_window(row) for row in connection.execute(query).mappings()]


def drift_report(connection: sa.Connection, window_id: str) -> Mapping[str, Any] | None:
    """The whole report of a window, as JSON data."""
    query = sa.select(drift_reports.c.report).where(drift_reports.c.window_id == window_id).limit(1)
    text = connection.execute(query).scalar()
    return json.loads(text) if text else None


def drift_reports_of(connection: sa.Connection, product: str, most: int) -> Sequence[Mapping[str, Any]]:
    """Whole reports of a product's latest windows, the latest first, as JSON data; each window once."""
    of = drift_reports.c
    query = sa.select(of.report).where(of.product == product).order_by(of.window_end.desc()).limit(most)
    found = [json.loads(text) for text in connection.execute(query).scalars()]
    return list({each["window_id"]: each for each in found}.values())


def performance_reports_of(connection: sa.Connection, product: str, most: int) -> Sequence[Mapping[str, Any]]:
    """Whole performance reports of a product, the latest first, as JSON data; each report once."""
    of = performance_reports.c
    query = sa.select(of.report).where(of.product == product).order_by(of.as_of.desc()).limit(most)
    found = [json.loads(text) for text in connection.execute(query).scalars()]
    return list({each["report_id"]: each for each in found}.values())


def _announcements(connection: sa.Connection, digests: set[str]) -> Sequence[RecordedEvent[ChampionAnnouncement]]:
    query = sa.select(champions).where(champions.c.digest.in_(digests)).order_by(champions.c.announced_at).limit(MOST)
    names = ChampionAnnouncement.__slots__
    return [
        recorded_event(row, ChampionAnnouncement(**{name: row[name] for name in names}))
        for row in connection.execute(query).mappings()
    ]


def _dead_letters(connection: sa.Connection, decided: Sequence[LoanDecision]) -> Sequence[DeadLetter]:
    places = {(each.source_topic, each.source_partition, each.source_offset) for each in decided if each.fault}
    if not places:
        return ()
    of = dead_letters.c
    place = sa.tuple_(of.source_topic, of.source_partition, of.source_offset)
    query = sa.select(dead_letters).where(place.in_(sorted(places))).order_by(of.recorded_at).limit(MOST)
    return [
        DeadLetter(**{name: row[name] for name in DeadLetter.__slots__}) for row in connection.execute(query).mappings()
    ]


def _window(row: Any) -> DriftWindow:
    plain = {name: row[name] for name in DriftWindow.__slots__ if name != "feature_psi"}
    return DriftWindow(**plain, feature_psi=json.loads(row["feature_psi"]))
