"""What the topics say of a run: nothing missing, nothing twice, who decided from where on, how fast.

Pure: records read from the topics in, figures out. Reading them is `streams.kafka.topics.topic_scan`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from schemas.events.drift import DriftReport
from schemas.events.retraining import ChampionAnnouncement, RetrainCommand, RetrainResult
from schemas.records import RecordPosition

SECOND_MS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenApplication:
    """One record of the applications topic."""

    place: RecordPosition
    timestamp: int
    """Milliseconds since 1970: when it was produced."""
    application_id: str | None
    """None where it cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenDecision:
    """One record of the decisions topic, as far as the figures need it."""

    place: RecordPosition
    timestamp: int
    decision_id: str
    application_id: str
    source: RecordPosition
    outcome: str
    scorecard_version: str
    gap: float | None
    """|base value + contributions - margin|; None where the application was not scored."""
    reasons: int
    """How many it gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenLetter:
    """One record of the dead-letter topic."""

    source: RecordPosition
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicContents:
    """All records of a product's topics, each topic in the order of its records' timestamps."""

    applications: Sequence[SeenApplication]
    decisions: Sequence[SeenDecision]
    dead_letters: Sequence[SeenLetter]
    reports: Sequence[DriftReport]
    commands: Sequence[RetrainCommand]
    results: Sequence[RetrainResult]
    announcements: Sequence[ChampionAnnouncement]


def missing_count(observed: TopicContents) -> int:
    """Applications without an answer: readable ones without a decision, others without a dead letter."""
    decided = {decision.source for decision in observed.decisions}
    set_aside = {letter.source for letter in observed.dead_letters}
    return sum(
        seen.place not in (set_aside if seen.application_id is None else decided) for seen in observed.applications
    )


def duplicates(observed: TopicContents) -> int:
    """Decisions beyond the first of each application, by application id."""
    return len(observed.decisions) - len({decision.application_id for decision in observed.decisions})


def refusals_by_reason(observed: TopicContents) -> dict[str, int]:
    """Dead letters by the reason in their header, the most frequent first."""
    return dict(Counter(letter.reason for letter in observed.dead_letters).most_common())


def champions(observed: TopicContents) -> list[dict[str, Any]]:
    """Versions in the order of their first decision, with the first offset that each decided of every partition."""
    found: dict[str, dict[int, int]] = {}
    for decision in observed.decisions:
        partition, offset = decision.source
        firsts = found.setdefault(decision.scorecard_version, {})
        firsts[partition] = min(offset, firsts.get(partition, offset))
    decided = Counter(decision.scorecard_version for decision in observed.decisions)
    return [
        {
            "version": version,
            "decisions": decided[version],
            "first_offset": {str(partition): firsts[partition] for partition in sorted(firsts)},
        }
        for version, firsts in found.items()
    ]


def stale_decision_count(observed: TopicContents) -> int:
    """Decisions by a version that another had followed already in the same partition; none if swaps are clean."""
    count = 0
    latest: dict[int, str] = {}
    gone: dict[int, set[str]] = {}
    for decision in sorted(observed.decisions, key=lambda decision: decision.source):
        partition, version = decision.source[0], decision.scorecard_version
        if latest.get(partition, version) != version:
            gone.setdefault(partition, set()).add(latest[partition])
        latest[partition] = version
        count += version in gone.get(partition, ())
    return count


def latency_ms(
    observed: TopicContents, arrivals: Mapping[RecordPosition, int], ids: Iterable[str] = ("",)
) -> dict[str, float]:
    """From the application's timestamp to a reader's hands, p50 and p99 in milliseconds; empty where none is known.

    Args:
        arrivals: when a `read_committed` reader had each decision, by the decision's place.
        ids: prefixes of the application ids that count.
    """
    produced = {seen.place: seen.timestamp for seen in observed.applications}
    prefixes = tuple(ids)
    took = [
        arrivals[decision.place] - produced[decision.source]
        for decision in observed.decisions
        if decision.place in arrivals and decision.application_id.startswith(prefixes)
    ]
    if not took:
        return {}
    p50, p99 = np.percentile(took, [50, 99])
    return {"p50": round(float(p50), 1), "p99": round(float(p99), 1)}


def decisions_per_s(observed: TopicContents) -> float:
    """Decisions in the busiest second, by their records' timestamps."""
    seconds = Counter(decision.timestamp // SECOND_MS for decision in observed.decisions)
    return float(max(seconds.values(), default=0))


def drift(observed: TopicContents) -> list[dict[str, Any]]:
    """What each closed window said, by its end."""
    return [
        {
            "window_start": report.window_start.isoformat(),
            "window_end": report.window_end.isoformat(),
            "n": report.n,
            "largest_psi": round(report.largest_psi, 4),
            "feature": report.largest_psi_feature,
            "verdict": report.verdict.value,
            "champion": report.champion_version,
        }
        for report in sorted(observed.reports, key=lambda report: (report.window_end, report.champion_version))
    ]


def retrain(observed: TopicContents) -> dict[str, list[dict[str, Any]]]:
    return {
        "commands": [
            {
                "command_id": command.command_id,
                "cause": command.cause.value,
                "why": command.why,
                "champion": command.champion_version,
            }
            for command in observed.commands
        ],
        "results": [
            {
                "command_id": result.command_id,
                "status": result.status.value,
                "why": result.why,
                "challenger": result.challenger_version,
                "rows": result.rows,
            }
            for result in observed.results
        ],
    }
