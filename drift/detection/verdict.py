"""The verdict of a window from its distances: drifted, watch, steady, or insufficient; and which data are bad.

The cut-offs are `psi_watch` and `psi_drifted` of `drift.settings`; their defaults, .1 and .2, are the custom of
scorecard monitoring (Siddiqi 2006). In addition an index must exceed its critical value, divided among the
features (Bonferroni), because eleven features have eleven chances of a false alarm. Fields that the scorecard
does not read, or that hardly move its score, inform and never command; the score itself commands, because it
detects fields that have changed together while each alone has not. Missing, invalid and unseen values are a
matter of the data, not of the applicants: they raise an alarm and do not change the verdict. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from drift.detection.statistics import share_fall_p, share_rise_p
from schemas.events.decisions import FlagKind
from schemas.events.drift import DataAlarm, DriftRules, FeatureDrift, Verdict, WindowAlarm

METHOD: Final = 4
"""Method of current reports; `DriftRules.method` describes the differences."""
SECOND_METHOD: Final = 2
THIRD_METHOD: Final = 3
MOVED: Final = "MOVED"
"""State of a quantity that has moved, surely, by little."""
LEAST_WEIGHT: Final = 0.02
"""A field with a smaller share in what spreads the scores could change altogether and move few decisions."""

QUALITY_BINS: Final = (FlagKind.MISSING, FlagKind.INVALID, FlagKind.UNSEEN)
"""The last bins of every feature, in this order."""

QUALITY_CHANGE: Final = 0.01
"""A share of bad data that changed by less is no news, however certain the change is in a large window."""

RANKED: Final = (Verdict.STEADY, Verdict.WATCH, Verdict.DRIFTED)


def verdict(n: int, features: Sequence[FeatureDrift], rules: DriftRules, score: FeatureDrift | None = None) -> Verdict:
    """The worst that a feature or the score gives; WATCH at most by what informs alone.

    INSUFFICIENT where fewer than `rules.minimum_n` were counted, or no feature has so many values.
    """
    found = [_say(feature, rules) for feature in (*features, *([score] if score else []))]
    judged = [each for each in found if each is not Verdict.INSUFFICIENT]
    if n < rules.minimum_n or not judged:
        return Verdict.INSUFFICIENT
    return max(judged, key=RANKED.index)


def feature_verdict(feature: FeatureDrift, rules: DriftRules) -> Verdict:
    """The verdict of one feature; INSUFFICIENT, for example, if most of its values are missing."""
    if feature.n < rules.minimum_n or sum(plain(feature.reference_counts)) == 0:
        return Verdict.INSUFFICIENT
    watch_from, drifted_from = rules.limits_of(feature.feature)
    if feature.psi <= feature.psi_critical or feature.psi < watch_from:
        return Verdict.STEADY
    return Verdict.DRIFTED if feature.psi >= drifted_from else Verdict.WATCH


def state(feature: FeatureDrift, rules: DriftRules) -> str:
    """The verdict in a word more: MOVED where a change is sure and small."""
    found = feature_verdict(feature, rules)
    return MOVED if found is Verdict.STEADY and feature.psi > feature.psi_critical > 0.0 else found.value


def window_alarms(
    strays: Mapping[str, int], total: int, rules: DriftRules, producer: str = ""
) -> Iterator[WindowAlarm]:
    """Alarms for kinds of records that are too large a share of a window's records, or of one producer's in it."""
    for kind, records in strays.items():
        if total and records / total > rules.stray_share:
            yield WindowAlarm(kind=kind, share=records / total, limit=rules.stray_share, producer=producer)


def _say(feature: FeatureDrift, rules: DriftRules) -> Verdict:
    found = feature_verdict(feature, rules)
    if found is Verdict.STEADY and left_development(feature, rules):
        return Verdict.WATCH
    return Verdict.WATCH if found is Verdict.DRIFTED and not feature.commands else found


def left_development(feature: FeatureDrift, rules: DriftRules) -> bool:
    """Whether a scored field has come far from the sample that the scorecard was developed on, as slow drift does.

    What was as far when the reference was accepted, such as the shift that led to the retraining, is known; and a
    window that differs from the reference by chance alone has not moved, though chance takes it over the limit.
    """
    index, before = feature.psi_development, feature.psi_development_before
    if index is None or not feature.commands or feature.psi <= feature.psi_critical:
        return False
    return index >= rules.development_from > (before or 0.0)


def data_alarms(features: Sequence[FeatureDrift], rules: DriftRules) -> Iterator[DataAlarm]:
    """Kinds of bad data that are surely and noticeably more frequent than in the reference, or less."""
    level = rules.alpha / (len(QUALITY_BINS) * max(1, len(features)))
    for feature in features:
        n, reference_n = sum(feature.counts), sum(feature.reference_counts)
        if n == 0 or reference_n == 0:
            continue
        for place, kind in enumerate(QUALITY_BINS, start=-len(QUALITY_BINS)):
            bad, reference_bad = feature.counts[place], feature.reference_counts[place]
            change = bad / n - reference_bad / reference_n
            if abs(change) < QUALITY_CHANGE or (change < 0 and rules.method < SECOND_METHOD):
                continue
            p = (share_rise_p if change > 0 else share_fall_p)(reference_bad, reference_n, bad, n)
            if p < level:
                yield DataAlarm(
                    feature=feature.feature, kind=kind, share=bad / n, reference_share=reference_bad / reference_n, p=p
                )


def plain(counts: Sequence[int]) -> Sequence[int]:
    """Counts without those of bad data."""
    return counts[: -len(QUALITY_BINS)]
