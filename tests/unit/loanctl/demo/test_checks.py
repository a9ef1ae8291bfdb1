"""The demo's claims: a run that shows the story holds them all, and each claim fails for what it is about."""

from dataclasses import replace

import pytest

from loanctl.demo import checks
from loanctl.demo.checks import DemoRun
from loanctl.reports.stream_audit import SeenApplication, SeenDecision, SeenLetter, TopicContents
from schemas.events.drift import Verdict
from tests import drift_events
from tests.drift_events import ANNOUNCEMENT, COMMAND, RESULT

OUTCOMES = ("APPROVE", "REFER", "DECLINE")


def an_application(offset):
    return SeenApplication(place=(0, offset), timestamp=0, application_id=f"usual-{offset}")


def a_decision(offset, version="1"):
    outcome = OUTCOMES[offset % 3]
    return SeenDecision(
        place=(0, offset),
        timestamp=offset,
        decision_id=f"d{offset}",
        application_id=f"usual-{offset}",
        source=(0, offset),
        outcome=outcome,
        scorecard_version=version,
        gap=1e-12,
        reasons=0 if outcome == "APPROVE" else 2,
    )


def a_report(hour, verdict, version="1"):
    return replace(drift_events.a_report(verdict, hour), champion_version=version)


STORY = DemoRun(
    observed=TopicContents(
        applications=[*(an_application(offset) for offset in range(6)), SeenApplication(
            place=(0, 6), timestamp=0, application_id=None
        )],
        decisions=[a_decision(offset, "1" if offset < 3 else "2") for offset in range(6)],
        dead_letters=[SeenLetter(source=(0, 6), reason="undecodable")],
        reports=[
            a_report(0, Verdict.STEADY),
            a_report(1, Verdict.DRIFTED),
            a_report(2, Verdict.DRIFTED),
            a_report(3, Verdict.STEADY, "2"),
        ],
        commands=[COMMAND],
        results=[RESULT],
        announcements=[replace(ANNOUNCEMENT, previous_version="1")],
    ),
    arrivals={(0, offset): 20 for offset in range(6)},
    expected_refusals={"undecodable": 1},
    paced_ids=("usual-",),
    http_decision_id="d3",
    seconds=100.0,
)  # fmt: skip


DECISIONS = STORY.observed.decisions


def failures(run):
    return [check.claim for check in checks.checks(run) if not check.holds]


def without(**parts):
    return replace(STORY, observed=replace(STORY.observed, **parts))


def test_a_story_that_was_seen_holds_every_claim():
    assert failures(STORY) == []
    assert checks.document(STORY)["ok"] is True


def with_decisions(**changes):
    return without(decisions=[replace(decision, **changes) for decision in DECISIONS])


@pytest.mark.parametrize(
    ("run", "claim"),
    [
        (without(decisions=DECISIONS[:-1]), "Every application was answered"),
        (
            without(decisions=[*DECISIONS, replace(DECISIONS[5], place=(0, 9))]),
            "No application was decided twice",
        ),
        (replace(STORY, expected_refusals={"undecodable": 2}), "Bad records were set aside, each for its reason"),
        (replace(STORY, http_decision_id="another"), "The answer by HTTP is the decision on the topic"),
        (replace(STORY, arrivals={}), "A reader watched decisions arrive"),
        (
            with_decisions(gap=0.1),
            "Base value and contributions are the margin",
        ),
        (
            with_decisions(reasons=0),
            "Each refusal has its reasons",
        ),
        (
            with_decisions(outcome="DECLINE", reasons=1),
            "Some were approved, referred, declined",
        ),
        (without(reports=STORY.observed.reports[1:]), "Windows were steady before they drifted"),
        (without(reports=STORY.observed.reports[:2]), "The shift was found in two windows"),
        (without(commands=[COMMAND, replace(COMMAND, command_id="d")]), "Drift commanded one retraining"),
        (without(results=[replace(RESULT, command_id="another")]), "The challenger earned its promotion"),
        (without(announcements=[]), "The new champion was announced"),
        (
            with_decisions(scorecard_version="1"),
            "The new champion decides",
        ),
        (without(reports=STORY.observed.reports[:-1]), "To the new champion the applicants are steady"),
        (
            without(decisions=[*DECISIONS[:5], replace(DECISIONS[5], scorecard_version="1")]),
            "No swap was taken back",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_claim_fails_for_what_it_is_about(run, claim):
    assert claim in failures(run)
    assert checks.document(run)["ok"] is False


def test_nothing_on_the_topics_is_no_story():
    nothing = TopicContents(
        applications=(), decisions=(), dead_letters=(), reports=(), commands=(), results=(), announcements=()
    )

    assert len(failures(replace(STORY, observed=nothing, arrivals={}))) > 10


def test_the_document_is_json_with_a_key_a_line():
    text = checks.as_json(checks.document(STORY))

    assert text.startswith('{\n  "ok": true,\n  "seconds": 100.0,\n  "applications": 7,\n  "decisions": 6,\n')
