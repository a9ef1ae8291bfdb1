"""The paired bootstrap: figures of counted rows are those of the repeated rows, and its intervals cover."""

import numpy as np
import pytest

from training.evaluation.calibration_choice import brier, log_loss
from training.evaluation.discrimination_figures import auc
from training.promotion.champion_comparison import ChampionComparison
from training.promotion.paired_bootstrap import paired_auc, paired_figures
from training.promotion.resample_sums import HEAD, count_draws, resample_sums


def two_scorecards(seed: int, n: int = 400) -> ChampionComparison:
    """Both see the risk with errors of their own; the champion states hundredths, so that many tie."""
    generator = np.random.default_rng(seed)
    risk = generator.beta(1.0, 4.0, n)
    seen = [np.clip(risk + generator.normal(0.0, 0.1, n), 0.01, 0.99) for _ in range(2)]
    return ChampionComparison(
        defaulted=generator.random(n) < risk,
        challenger=seen[0],
        champion=np.round(seen[1], 2),
        champion_digest="",
        weight=np.where(generator.random(n) < 0.1, 5.0, 1.0),
        groups=generator.integers(0, n // 2, n),
    )


def test_sums_of_counted_rows_are_those_of_the_rows_repeated() -> None:
    met = two_scorecards(1)
    _, group = np.unique(met.groups, return_inverse=True)
    counts = np.empty(group.max() + 1)
    count_draws(np.random.default_rng(2).integers(0, len(counts), len(counts)), counts)
    repeated = np.repeat(np.arange(len(group)), (counts[group] * met.weight).astype(int))
    order = np.argsort(met.champion, kind="stable")
    tied = np.append(False, np.diff(met.champion[order]) == 0.0)
    column = ((met.champion - met.defaulted) ** 2)[order, None]
    sums = np.empty(HEAD + 1)

    resample_sums(counts, group[order], met.weight[order], met.defaulted[order], tied, column, sums)

    labels, stated = met.defaulted[repeated], met.champion[repeated]
    assert sums[0] == labels.sum()
    assert sums[1] == (~labels).sum()
    assert sums[2] / sums[0] / sums[1] == pytest.approx(auc(labels, stated), abs=1e-12)
    assert sums[3] / (sums[0] + sums[1]) == pytest.approx(brier(labels, stated), abs=1e-12)


def test_the_auc_alone_is_that_of_the_same_resamples() -> None:
    met = two_scorecards(3)

    alone, among = paired_auc(met, seed=5, draws=50), paired_figures(met, seed=5, draws=50)["auc"]

    assert (alone.challenger, alone.champion, alone.loss) == (among.challenger, among.champion, among.loss)
    assert np.array_equal(alone.drawn, among.drawn)


def true_differences() -> dict[str, float]:
    """Losses of the challenger among very many applicants of the same kind."""
    every = plain(99, 400_000)
    return {
        "auc": auc(every.defaulted, every.champion) - auc(every.defaulted, every.challenger),
        "brier": brier(every.defaulted, every.challenger) - brier(every.defaulted, every.champion),
        "log_loss": log_loss(every.defaulted, every.challenger) - log_loss(every.defaulted, every.champion),
    }


def plain(seed: int, n: int) -> ChampionComparison:
    """The challenger errs less; no clones and no weights."""
    generator = np.random.default_rng(seed)
    risk = generator.beta(1.0, 4.0, n)
    ours, theirs = (np.clip(risk + generator.normal(0.0, error, n), 0.01, 0.99) for error in (0.05, 0.1))
    return ChampionComparison(
        defaulted=generator.random(n) < risk, challenger=ours, champion=theirs, champion_digest=""
    )


@pytest.mark.slow
def test_intervals_of_differences_cover_what_they_say() -> None:
    true, samples = true_differences(), 200
    inside = dict.fromkeys(("auc", "brier", "log_loss"), 0)
    for seed in range(samples):
        figures = paired_figures(plain(seed, 1_000), seed, draws=200)
        for name in inside:
            low, high = np.quantile(figures[name].drawn, (0.025, 0.975))
            inside[name] += bool(low <= true[name] <= high)

    # Of a true .95 fewer than 181 of 200 have a chance of 1 in 250, more than 199 of 1 in 28,500.
    assert all(181 <= count <= 199 for count in inside.values()), inside
