"""The demo's claims, one by one, checked against the records on the topics.

Pure. Each check has a name that is a sentence, and says what was seen where it does not hold.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from loanctl.reports import stream_audit
from loanctl.reports.stream_audit import TopicContents
from schemas.events.decisions import Outcome
from schemas.events.drift import Verdict
from schemas.events.retraining import RetrainCause, RetrainStatus
from schemas.records import RecordPosition

GAP: Final = 1e-6
"""Base value and contributions are the margin, up to the rounding of their sum."""
DRIFTED_BEFORE_COMMAND: Final = 2
"""Of the last three windows: the design's rule."""
SWAPS: Final = 2
"""Champions that the story needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRun:
    """What the demo did, and what it then saw."""

    observed: TopicContents
    arrivals: Mapping[RecordPosition, int]
    """When a reader had each decision, milliseconds since 1970."""
    expected_refusals: Mapping[str, int]
    """Dead letters by reason that the bad records must become."""
    paced_ids: Sequence[str]
    """Prefixes of the application ids that were played at a rate, not as fast as could be."""
    http_decision_id: str
    """Of the gateway's answer; empty where it gave none."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Check:
    """One claim."""

    claim: str
    holds: bool
    seen: str


def checks(run: DemoRun) -> tuple[Check, ...]:
    """Every claim of the story, in its order."""
    return (*_answers(run), *_explanations(run.observed), *_drift(run.observed), *_succession(run.observed))


def document(run: DemoRun) -> dict[str, Any]:
    """What is left in `build/demo.json`."""
    observed = run.observed
    return {
        "ok": all(check.holds for check in checks(run)),
        "seconds": round(run.seconds, 1),
        "applications": len(observed.applications),
        "decisions": len(observed.decisions),
        "missing": stream_audit.missing_count(observed),
        "duplicates": stream_audit.duplicates(observed),
        "dead_letters": len(observed.dead_letters),
        "refusals_by_reason": stream_audit.refusals_by_reason(observed),
        "champions": stream_audit.champions(observed),
        "drift": stream_audit.drift(observed),
        "retrain": stream_audit.retrain(observed),
        "http_decision_id": run.http_decision_id,
        "latency_ms": stream_audit.latency_ms(observed, run.arrivals, run.paced_ids),
        "decisions_per_s": stream_audit.decisions_per_s(observed),
    }


def as_json(summary: Mapping[str, Any]) -> str:
    """Indented, one key a line."""
    return json.dumps(summary, indent=2) + "\n"


def _answers(run: DemoRun) -> tuple[Check, ...]:
    observed = run.observed
    missing, twice = stream_audit.missing_count(observed), stream_audit.duplicates(observed)
    refusals = stream_audit.refusals_by_reason(observed)
    latency = stream_audit.latency_ms(observed, run.arrivals, run.paced_ids)
    return (
        Check("Applications were played", bool(observed.applications), f"{len(observed.applications):,}"),
        Check("Every application was answered", missing == 0, f"{missing:,} missing"),
        Check("No application was decided twice", twice == 0, f"{twice:,} duplicates"),
        Check("Bad records were set aside, each for its reason", refusals == run.expected_refusals, _text(refusals)),
        Check("A reader watched decisions arrive", bool(latency), _text(latency)),
        _http(run),
    )


def _http(run: DemoRun) -> Check:
    published = {decision.decision_id for decision in run.observed.decisions}
    same = run.http_decision_id in published
    return Check("The answer by HTTP is the decision on the topic", same, run.http_decision_id or "no answer")


def _explanations(observed: TopicContents) -> tuple[Check, ...]:
    scored = [decision for decision in observed.decisions if decision.gap is not None]
    widest = max((decision.gap or 0.0 for decision in scored), default=float("inf"))
    adverse = [decision for decision in scored if decision.outcome != Outcome.APPROVE]
    silent = sum(decision.reasons == 0 for decision in adverse)
    outcomes = {decision.outcome for decision in scored}
    wanted = {Outcome.APPROVE, Outcome.REFER, Outcome.DECLINE}
    return (
        Check("Base value and contributions are the margin", widest < GAP, f"widest gap {widest:.1e}"),
        Check("Each refusal has its reasons", bool(adverse) and silent == 0, f"{silent:,} of {len(adverse):,} not"),
        Check("Some were approved, referred, declined", outcomes == wanted, ", ".join(sorted(outcomes))),
    )


def _drift(observed: TopicContents) -> tuple[Check, ...]:
    verdicts = [report.verdict for report in _by_time(observed)]
    first = verdicts.index(Verdict.DRIFTED) if Verdict.DRIFTED in verdicts else len(verdicts)
    steady = Verdict.STEADY in verdicts[:first] and Verdict.DRIFTED in verdicts
    drifted = verdicts.count(Verdict.DRIFTED)
    causes = [command.cause for command in observed.commands]
    runs = [f"{len(list(same))} {verdict}" for verdict, same in groupby(verdicts)]
    levels = ", ".join(runs) or "no window"
    return (
        Check("Windows were steady before they drifted", steady, levels),
        Check("The shift was found in two windows", drifted >= DRIFTED_BEFORE_COMMAND, f"{drifted} drifted"),
        Check("Drift commanded one retraining", causes == [RetrainCause.DRIFT], ", ".join(causes) or "no command"),
    )


def _succession(observed: TopicContents) -> tuple[Check, ...]:
    commanded = {command.command_id for command in observed.commands}
    promoted = [result for result in observed.results if result.status is RetrainStatus.PROMOTED]
    earned = any(result.command_id in commanded for result in promoted)
    announced = {announcement.version for announcement in observed.announcements}
    decided = [champion["version"] for champion in stream_audit.champions(observed)]
    successors = {result.challenger_version for result in promoted}
    back = stream_audit.stale_decision_count(observed)
    calm = [
        report
        for report in observed.reports
        if report.champion_version in successors and report.verdict is Verdict.STEADY
    ]
    answers = ", ".join(f"{result.status}: {result.why}" for result in observed.results) or "no result"
    return (
        Check("The challenger earned its promotion", earned, answers),
        Check("The new champion was announced", bool(successors & announced), _versions(announced)),
        Check(
            "The new champion decides",
            len(decided) >= SWAPS and decided[-1] in successors,
            " then ".join(decided) or "no decision",
        ),
        Check("To the new champion the applicants are steady", bool(calm), f"{len(calm)} windows"),
        Check("No swap was taken back", back == 0, f"{back:,} decisions by a former champion"),
    )


def _by_time(observed: TopicContents) -> list[Any]:
    return sorted(observed.reports, key=lambda report: report.window_end)


def _versions(versions: set[str]) -> str:
    return ", ".join(sorted(versions)) or "none"


def _text(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in numbers.items()) or "none"
