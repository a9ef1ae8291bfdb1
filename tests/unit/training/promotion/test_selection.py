"""Where the champion chose whose outcomes are known, a challenger that is no better passes as seldom as elsewhere."""

from dataclasses import replace

import numpy as np
import pytest

from scorecard.calibration import sigmoid
from scorecard.policy import APPROVE, outcomes
from tests.unit.training.builders import made_up_rows
from tests.unit.training.promotion.test_challenger_verdict import LEVEL, POLICY, a_comparison
from training.promotion.challenger_verdict import LEVEL as TEST_LEVEL
from training.promotion.challenger_verdict import challenger_verdict, is_better
from training.promotion.champion_comparison import ChampionComparison
from training.promotion.margins import Margins
from training.promotion.paired_bootstrap import paired_figures
from training.promotion.selection import selected_rows
from training.rows.admission import Admission
from training.rows.labelled_rows import LabelledRows

APPLICANTS = 3_000
NOISE = 1.2
"""Of both scorecards, in log-odds."""
ROWS = made_up_rows(12)
SHARE = 0.2
"""Of refused applicants, granted a loan at random."""


def world(seed: int, challenger_noise: float = NOISE) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Who defaults, and what challenger, champion and chance say of each."""
    generator = np.random.default_rng(seed)
    known = generator.normal(0, 1.3, APPLICANTS)
    ours, theirs = (
        sigmoid(known + LEVEL + generator.normal(0, noise, APPLICANTS)) for noise in (challenger_noise, NOISE)
    )
    return generator.random(APPLICANTS) < sigmoid(known + LEVEL), ours, theirs, generator.random(APPLICANTS)


def compare(seed: int, share: float, noise: float = NOISE, *, as_if_all: bool = False) -> ChampionComparison:
    """As the gate compares them on the outcomes that there are: of approved loans and of explored ones."""
    defaulted, ours, theirs, drawn = world(seed, noise)
    approved = outcomes(POLICY, theirs) == APPROVE
    known = np.flatnonzero(approved | (drawn < share))
    admission = np.where(approved, Admission.APPROVED, Admission.REFUSED).astype(np.int8)
    both = approved & (outcomes(POLICY, ours) == APPROVE)
    rows = LabelledRows(
        values=np.zeros((len(known), 1)),
        defaulted=defaulted[known],
        applied_at=np.arange(len(known)),
        recent=np.ones(len(known), dtype=bool),
        ids=np.arange(1, len(known) + 1, dtype=np.uint64),
        admission=admission[known],
    )
    chosen = selected_rows(rows, both[known], 1.0 if as_if_all else share)
    places = known[chosen.places]
    return a_comparison(
        defaulted[places],
        ours[places],
        theirs[places],
        weight=chosen.weight,
        superior_by=("log_loss", "auc") if chosen.both_approve else ("cost", "auc"),
    )


def pass_count(seeds: int, share: float, noise: float = NOISE, *, as_if_all: bool = False) -> int:
    pairs = (compare(seed, share, noise, as_if_all=as_if_all) for seed in range(seeds))
    return sum(not challenger_verdict(pair, Margins(), 1).lost for pair in pairs)


@pytest.mark.slow
def test_the_equal_pass_oftener_by_selection_and_not_where_both_would_approve() -> None:
    on_all_known = (paired_figures(compare(seed, 0.0, as_if_all=True), 1, draws=200)["auc"] for seed in range(20))

    assert sum(is_better(each, TEST_LEVEL) for each in on_all_known) >= 6
    assert pass_count(20, 0.0) <= 4


@pytest.mark.slow
def test_with_a_documented_exploration_share_the_equal_pass_as_seldom() -> None:
    assert pass_count(20, SHARE) <= 4


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, SHARE])
def test_a_better_challenger_passes_under_selection(share: float) -> None:
    assert pass_count(6, share, noise=0.3) >= 4


def test_explored_rows_stand_for_all_who_were_refused() -> None:
    admission = np.resize([Admission.APPROVED, Admission.REFUSED, Admission.BY_PERSON], 12).astype(np.int8)
    rows = replace(ROWS, recent=np.arange(12) < 6, admission=admission)

    explored = selected_rows(rows, np.zeros(12, dtype=bool), 0.1)
    approved = selected_rows(rows, np.arange(12) < 2, 0.0)

    assert explored.weight.tolist() == [1, 10, 1, 1, 10, 1, 1, 1, 1, 1, 1, 1]
    assert approved.places.tolist() == [0, 1, 6, 7, 8, 9, 10, 11]
