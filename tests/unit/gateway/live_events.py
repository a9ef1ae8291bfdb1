"""Events as the page Live hears of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.live.activity import Activity
from gateway.live.live_figures import Live
from tests.doubles.gateway import FakeLag

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_report(hour: int, verdict: str = "STEADY", **psi: float) -> dict[str, Any]:
    named = psi or {"person_income": 0.01}
    largest = max(named, key=lambda name: named[name])
    return {
        "window_id": f"w-{hour}",
        "window_start": NOON + timedelta(hours=hour - 1),
        "window_end": NOON + timedelta(hours=hour),
        "n": 1_000,
        "verdict": verdict,
        "largest_psi": named[largest],
        "largest_psi_feature": largest,
        "champion_version": "1",
        "late": 0,
        "command_id": "",
        "withheld": "",
        "decisions": None,
        "features": [{"feature": name, "psi": value} for name, value in named.items()],
        "rules": {"watch_from": 0.1, "drifted_from": 0.2},
    }


def an_announcement(version: str, hour: int = 0, why: str = "better") -> dict[str, Any]:
    return {
        "version": version,
        "family": "xgboost",
        "previous_version": "",
        "why": why,
        "announced_at": NOON + timedelta(hours=hour),
    }


def a_command(name: str, why: str = "two windows drifted") -> dict[str, Any]:
    return {"command_id": name, "cause": "DRIFT", "why": why, "issued_at": NOON}


def a_result(name: str, why: str = "better on the same rows") -> dict[str, Any]:
    return {
        "command_id": name,
        "status": "PROMOTED",
        "why": why,
        "challenger_version": "2",
        "finished_at": NOON + timedelta(minutes=5),
    }


def a_decision(outcome: str = "APPROVE", version: str = "1", offset: int = 0, partition: int = 0) -> dict[str, Any]:
    """What is looked at of a sampled decision."""
    return {
        "outcome": outcome,
        "scorecard_version": version,
        "source_partition": partition,
        "source_offset": offset,
    }


def a_busy_hour() -> Live:
    """Decisions, a shift, a command with its result, two champions, dead letters, and a queue."""
    now = [1_000.0]
    live = Live(Activity(lambda: now[0]), FakeLag(waiting=37, oldest_s=2.5))
    for second in range(120):
        now[0] += 1.0
        live.activity.read(80 + 15 * (second % 5))
    for nth, outcome in enumerate(["APPROVE"] * 70 + ["REFER"] * 20 + ["DECLINE"] * 10):
        live.activity.add_sample(a_decision(outcome, version="2", offset=nth), 0)
        live.activity.took(5.0 + nth / 4)
    live.activity.set_aside("undecodable")
    for hour in range(24):
        drifted = hour > 18
        live.events.reports.add(
            a_report(
                hour,
                "DRIFTED" if drifted else "STEADY",
                person_income=0.3 + hour / 200 if drifted else 0.01 + (hour % 4) / 50,
                loan_amnt=0.12 if drifted else 0.02,
                loan_percent_income=0.24 if drifted else 0.06,
                person_emp_length=0.005,
            )
        )
    live.events.commands.add(a_command("c-1"))
    live.events.results.add(a_result("c-1"))
    live.events.champions.add(an_announcement("1"))
    live.events.champions.add(an_announcement("2", 20))
    return live
