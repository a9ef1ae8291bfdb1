"""The approval rate expected of a window, by the cut-offs in force and by both samples' variance."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift.binning.approval_expectation import ApprovalExpectation, expected_approvals
from drift.binning.reference import Reference
from drift.detection.drift_report import report_of
from drift.detection.verdict import METHOD, THIRD_METHOD
from drift.windows.window import TopicCount, Window
from schemas.events.drift import DecisionDrift
from scorecard.policy import Policy, outcomes
from scorecard.profile import Population, Profile, profile_of
from tests.builders import CONTRACT, some_values
from tests.unit.drift.stream import NAMES, START, monitor_rules

RULES = monitor_rules().reporting
OWN = Policy(0.2, 0.5)
PEOPLE = 4_000
VALUES = some_values(PEOPLE)
NUMBERS = 1 + len(NAMES)


def profile(scores: np.ndarray) -> Profile:
    population = Population(
        values=VALUES[: len(scores)],
        probability=scores,
        contributions=np.zeros((len(scores), len(NAMES))),
        reasons=np.full((len(scores), 4), -1),
        outcomes=outcomes(OWN, scores),
    )
    return profile_of(CONTRACT, NAMES, ("INCOME", "AMOUNT"), population)


def decision_drift(
    reference: Reference, scores: np.ndarray, cutoffs: np.ndarray, method: int = METHOD
) -> DecisionDrift:
    """A window of applicants with these scores, each decided by its cut-off."""
    layout = reference.decisions
    counts = np.zeros(layout.size, dtype=np.int64)
    counts[layout.starts[-1] :] = [0, int((scores < cutoffs).sum()), int((scores >= cutoffs).sum()), 0]
    sums = np.concatenate([np.zeros(NUMBERS, dtype=np.int64), reference.approvals.sums(cutoffs).sum(axis=0)])
    tallies = {RULES.decisions_topic: TopicCount(n=len(scores), counts=counts, sums=sums)}
    window = Window(start=START, end=START + 1, tallies=tallies, stretches={})
    found = report_of(window, reference, replace(RULES, rules=replace(RULES.rules, method=method))).decisions
    assert found is not None
    return found


def outside(cutoffs: tuple[float, ...], method: int = METHOD, *, known: bool = True) -> int:
    """Of 100 windows of the reference's own population, those said to be outside."""
    rng, found = np.random.default_rng(3), 0
    for _ in range(100):
        made_on = profile(rng.beta(2.0, 6.0, PEOPLE))
        told = made_on if known else replace(made_on, score_quantiles=())
        reference = Reference(0, "1", "d", told, OWN.approve_below)
        window = rng.beta(2.0, 6.0, 1_500)
        found += decision_drift(reference, window, np.resize(cutoffs, len(window)), method).approval_outside
    return found


@pytest.mark.slow
@pytest.mark.parametrize("cutoffs", [(0.2,), (0.35,), (0.05,), (0.2, 0.35)])
def test_unmoved_windows_are_within_their_limits_whatever_the_operators_cutoffs(cutoffs: tuple[float, ...]) -> None:
    assert outside(cutoffs) <= 2  # 2.7 in 1,000 expected
    assert outside(cutoffs, known=False) <= 2, "an older profile"


def test_the_scorecards_own_cutoffs_were_once_expected_of_all():
    assert outside((0.35,), THIRD_METHOD) == 100


def test_a_rate_that_moved_under_the_operators_cutoffs_is_outside():
    rng = np.random.default_rng(4)
    reference = Reference(0, "1", "d", profile(rng.beta(2.0, 6.0, PEOPLE)), OWN.approve_below)

    moved = decision_drift(reference, rng.beta(2.4, 6.0, 1_500), np.full(1_500, 0.35))

    assert moved.approval_outside


@settings(deadline=None)
@given(st.integers(2, 2_000), st.integers(0, 9), st.integers(0, 120), st.booleans())
def test_the_share_that_a_cutoff_approves_is_between_its_limits(n: int, seed: int, cut: int, known: bool) -> None:
    # Of many ties, and cut-offs that are scores of somebody's.
    scores = np.random.default_rng(seed).integers(0, 100, n) / 100.0
    made_on = profile(scores)
    expectation = ApprovalExpectation(made_on if known else replace(made_on, score_quantiles=()), OWN.approve_below)

    low, high = expectation.shares(cut / 100.0)

    assert low <= float((scores < cut / 100.0).mean()) <= high
    if known:
        assert high - low <= 1.0 / 200 + 1.0 / n


def test_a_reference_without_decisions_or_scorecard_expects_what_its_outcomes_say():
    made_on = profile(np.random.default_rng(1).beta(2.0, 6.0, PEOPLE))

    assert ApprovalExpectation(replace(made_on, outcomes=(0, 0, 0, 0))).shares(0.3) == (0.0, 1.0)
    assert ApprovalExpectation(made_on, math.nan).shares(0.9)[0] == made_on.outcomes[1] / PEOPLE
    assert expected_approvals(np.zeros(NUMBERS, dtype=np.int64), NUMBERS) is None, "counts of an earlier version"
