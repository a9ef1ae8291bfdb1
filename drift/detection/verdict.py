"""What the distances of a window mean: drifted, to be watched, steady, or too few to say; and which data are bad.

The cut-offs .1 and .2 are the custom of scorecard monitoring (Siddiqi 2006). Beside them an index must
exceed its critical value, divided among the features (Bonferroni): eleven features have eleven chances
to be unlucky. What is missing, invalid or unseen speaks of the data and never of the applicants: it is
alarmed, and no verdict hears of it. Pure.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from drift.detection.statistics import share_rise_p
from schemas.events.decisions import FlagKind
from schemas.events.drift import DataAlarm, DriftRules, FeatureDrift, Verdict

WATCH_FROM: Final = 0.1
DRIFTED_FROM: Final = 0.2

QUALITY_BINS: Final = (FlagKind.MISSING, FlagKind.INVALID, FlagKind.UNSEEN)
"""The last bins of every feature, in this order."""

QUALITY_RISE: Final = 0.01
"""A share of bad data that rose by less is no news, however certain the rise is in a large window."""


def verdict(n: int, features: Sequence[FeatureDrift], rules: DriftRules) -> Verdict:
    """The worst that a feature gives.

    INSUFFICIENT where fewer than `rules.minimum_n` were counted, or no feature has so many values.
    """
    found = [feature_verdict(feature, rules) for feature in features]
    judged = [each for each in found if each is not Verdict.INSUFFICIENT]
    if n < rules.minimum_n or not judged:
        return Verdict.INSUFFICIENT
    return max(judged, key=(Verdict.STEADY, Verdict.WATCH, Verdict.DRIFTED).index)


def feature_verdict(feature: FeatureDrift, rules: DriftRules) -> Verdict:
    """What one feature gives; INSUFFICIENT where most of its values are missing, say."""
    if feature.n < rules.minimum_n or sum(plain(feature.reference_counts)) == 0:
        return Verdict.INSUFFICIENT
    if feature.psi <= feature.psi_critical or feature.psi < WATCH_FROM:
        return Verdict.STEADY
    return Verdict.DRIFTED if feature.psi >= DRIFTED_FROM else Verdict.WATCH


def data_alarms(features: Sequence[FeatureDrift], rules: DriftRules) -> Iterator[DataAlarm]:
    """Kinds of bad data that are surely and noticeably more frequent than in the reference."""
    level = rules.alpha / (len(QUALITY_BINS) * max(1, len(features)))
    for feature in features:
        n, reference_n = sum(feature.counts), sum(feature.reference_counts)
        for place, kind in enumerate(QUALITY_BINS, start=-len(QUALITY_BINS)):
            bad, reference_bad = feature.counts[place], feature.reference_counts[place]
            if n == 0 or reference_n == 0 or bad / n - reference_bad / reference_n < QUALITY_RISE:
                continue
            p = share_rise_p(reference_bad, reference_n, bad, n)
            if p < level:
                yield DataAlarm(
                    feature=feature.feature, kind=kind, share=bad / n, reference_share=reference_bad / reference_n, p=p
                )


def plain(counts: Sequence[int]) -> Sequence[int]:
    """Counts without those of bad data."""
    return counts[: -len(QUALITY_BINS)]
