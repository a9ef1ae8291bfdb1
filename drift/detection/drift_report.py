"""The report of one closed window against the champion's reference, with everything needed to recompute it.

Pure. A report is a function of the window, the reference and the rules alone; whether it led to a
command depends on the windows before it, and is added by `drift.monitor`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from drift.binning.approval_expectation import APPROVED, expected_approvals
from drift.binning.binned_records import MILLIONTHS, Integers
from drift.binning.reference import BinLayout, Reference
from drift.detection.row_expectation import row_alarms
from drift.detection.statistics import binomial_limits, distances
from drift.detection.verdict import (
    LEAST_WEIGHT,
    METHOD,
    QUALITY_BINS,
    SECOND_METHOD,
    THIRD_METHOD,
    data_alarms,
    feature_verdict,
    plain,
    state,
    verdict,
    window_alarms,
)
from drift.windows.window import TopicCount, Window
from schemas.events.drift import (
    DecisionDrift,
    DriftReport,
    DriftRules,
    FeatureDrift,
    ProducerCount,
    Verdict,
    WindowAlarm,
)
from schemas.small_groups import is_small
from schemas.timestamps import time_of
from scorecard.profile import BinnedQuantity, spike_edges

LEAST_STRAYS: Final = 2
"""Of one producer, whose few records make a share of any size of one."""
DEVELOPMENT_ALPHA: Final = 0.001
"""Chance that an undrifted window has an index other than 0 against the development sample, a field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContext:
    """The constants over all windows."""

    product: str
    applications_topic: str
    decisions_topic: str
    rules: DriftRules


def report_of(window: Window, reference: Reference, reporting: ReportContext) -> DriftReport:
    """The report of a closed window, as yet without a command."""
    tally = _pad(window.tallies.get(reporting.applications_topic, TopicCount()), reference.applications)
    rules = reporting.rules
    features = _features(reference, tally, rules)
    decisions = _decisions(window.tallies.get(reporting.decisions_topic, TopicCount()), reference, rules)
    score = decisions.score if decisions and rules.method >= SECOND_METHOD else None
    largest = _largest(features, score, rules)
    return DriftReport(
        window_id=window_id(reporting.product, reference.reference_id, window),
        product=reporting.product,
        champion_version=reference.champion_version,
        champion_digest=reference.champion_digest,
        reference_id=reference.reference_id,
        window_start=time_of(window.start),
        window_end=time_of(window.end),
        n=tally.n,
        late=tally.late,
        duplicates=tally.duplicates,
        ahead=tally.ahead,
        unreadable=tally.unreadable,
        verdict=verdict(tally.n, features, rules, score),
        largest_psi=largest.psi if largest else 0.0,
        largest_psi_feature=largest.feature if largest and largest.psi > 0.0 else "",
        features=features,
        data_quality=tuple(data_alarms(features, rules)),
        decisions=decisions,
        rules=rules,
        offsets=window.offsets(),
        command_id="",
        withheld="",
        alarms=(
            *window_alarms(_strays(tally), sum(_strays(tally).values()) + tally.n, rules),
            *_producer_alarms(tally.producers, rules),
            *row_alarms(tally.n, reference.expected_rows, rules),
        ),
        expected_rows=reference.expected_rows,
        producers=tally.producers,
    )


def window_id(product: str, reference_id: str, window: Window) -> str:
    """Names a window among all: product, reference, start and end."""
    return f"{product}:{reference_id}:{window.start}-{window.end}"


def _largest(features: Sequence[FeatureDrift], score: FeatureDrift | None, rules: DriftRules) -> FeatureDrift | None:
    """The largest index, named in the report: of considered features, or of those that command if one has drifted."""
    # A feature with a handful of values has a large index by chance, and is not considered.
    telling = [each for each in features if feature_verdict(each, rules) is not Verdict.INSUFFICIENT]
    drifted = [
        each
        for each in (*telling, *([score] if score else []))
        if each.commands and feature_verdict(each, rules) is Verdict.DRIFTED
    ]
    return max(drifted or telling or features, key=lambda feature: feature.psi, default=None)


def _strays(tally: TopicCount) -> Mapping[str, int]:
    return {"LATE": tally.late, "AHEAD": tally.ahead, "UNREADABLE": tally.unreadable}


def _producer_alarms(producers: Sequence[ProducerCount], rules: DriftRules) -> Iterator[WindowAlarm]:
    for each in producers:
        if each.late + each.ahead < LEAST_STRAYS:
            continue
        yield from window_alarms(
            {"LATE": each.late, "AHEAD": each.ahead}, each.n + each.late + each.ahead, rules, each.producer
        )


def _features(reference: Reference, tally: TopicCount, rules: DriftRules) -> tuple[FeatureDrift, ...]:
    layout, weights = reference.applications, reference.weights
    alpha = rules.alpha / max(1, len(layout.binned))
    found = (
        _feature(binned, layout.counts_of(place, tally.counts), alpha, rules)
        for place, binned in enumerate(layout.binned)
    )
    if rules.method < SECOND_METHOD:
        return tuple(found)
    weighed = tuple(_with_weight(each, weights, rules) for each in found)
    development = reference.profile.development
    if reference.seasonal or rules.method < THIRD_METHOD or not development:
        return weighed
    return tuple(_with_development(each, counts) for each, counts in zip(weighed, development, strict=True))


def _with_development(feature: FeatureDrift, counts: Sequence[int]) -> FeatureDrift:
    """With the indices of window and reference against the development sample; 0 where chance might give as much."""
    now, before = (_development_index(counts, each) for each in (feature.counts, feature.reference_counts))
    return replace(feature, psi_development=now, psi_development_before=before)


def _development_index(counts: Sequence[int], others: Sequence[int]) -> float:
    sample, population = (np.array(plain(each), dtype=np.int64) for each in (counts, others))
    if not population.sum():
        return 0.0
    found = distances(sample, population, DEVELOPMENT_ALPHA)
    return found.psi if found.psi > found.psi_critical else 0.0


def _with_weight(feature: FeatureDrift, weights: Mapping[str, float], rules: DriftRules) -> FeatureDrift:
    """With what it may lead to; every field may where there is no scorecard, as in a profile of a file."""
    weight = weights.get(feature.feature, 0.0)
    commands = weight >= LEAST_WEIGHT or not weights
    return replace(feature, state=state(feature, rules), weight=weight, commands=commands)


def _feature(
    binned: BinnedQuantity, counts: Integers, alpha: float, rules: DriftRules, total: int | None = None
) -> FeatureDrift:
    """Args: total: of the values, in millionths; None where a mean would mean nothing."""
    plain, reference = counts[: binned.plain_bins], np.array(binned.counts[: binned.plain_bins], dtype=np.int64)
    found, n = distances(reference, plain, alpha, used_alone=rules.method >= SECOND_METHOD), int(plain.sum())
    return FeatureDrift(
        feature=binned.name,
        n=n,
        psi=found.psi if n else 0.0,
        psi_critical=found.psi_critical,
        psi_p=found.psi_p,
        psi_floored=found.floored_psi if n else 0.0,
        ks=found.ks if n else 0.0,
        js_distance=found.js_distance,
        chi2=found.chi2,
        chi2_p=found.chi2_p,
        largest_shift=found.largest_shift if n else 0.0,
        largest_shift_bin=bin_name(binned, found.largest_shift_bin) if n else "",
        mean=total / MILLIONTHS / n if total is not None and n and not _is_withheld(n, rules) else None,
        edges=binned.edges,
        levels=binned.levels,
        counts=tuple(counts.tolist()),
        reference_counts=binned.counts,
    )


def _is_withheld(people: int, rules: DriftRules) -> bool:
    """True if means and rates of so few are left out; earlier methods contain them."""
    return rules.method >= SECOND_METHOD and is_small(people)


def bin_name(binned: BinnedQuantity, place: int) -> str:
    """A level, an interval of values, or a kind of bad data."""
    if place >= binned.plain_bins:
        return QUALITY_BINS[place - binned.plain_bins].value
    if binned.levels:
        return binned.levels[place]
    low = f"{binned.edges[place - 1]:g}" if place else "-inf"
    high = f"{binned.edges[place]:g}" if place < len(binned.edges) else "inf"
    if 0 < place < len(binned.edges) and binned.edges[place - 1] == spike_edges(binned.edges[place])[0]:
        return high
    return f"({low}, {high}]"


def _decisions(tally: TopicCount, reference: Reference, rules: DriftRules) -> DecisionDrift | None:
    if tally.n == 0 or _is_withheld(tally.n, rules):
        return None
    layout = reference.decisions
    numbers = len(layout.binned) - 1
    alpha = rules.alpha / max(1, numbers)
    score, *contributions = (
        _feature(binned, layout.counts_of(place, tally.counts), alpha, rules, int(tally.sums[place]))
        for place, binned in enumerate(layout.binned[:-1])
    )
    outcomes = tally.counts[layout.starts[-1] :].tolist()
    in_force = expected_approvals(tally.sums, numbers) if rules.method >= METHOD else None
    rate, low, high = _approval(outcomes, reference.profile.outcomes, rules, in_force)
    if reference.seasonal and rules.method >= THIRD_METHOD:
        # The season's applicants were not scored: against the profile's score every one of its windows would drift.
        score = replace(score, commands=False)
    return DecisionDrift(
        n=tally.n,
        late=tally.late,
        duplicates=tally.duplicates,
        score=score,
        contributions=tuple(contributions),
        reasons=_feature(layout.binned[-1], layout.counts_of(numbers, tally.counts), alpha, rules),
        outcomes=tuple(outcomes),
        reference_outcomes=reference.profile.outcomes,
        approval_rate=rate,
        approval_low=low,
        approval_high=high,
        approval_outside=not low <= rate <= high,
        estimated_default_rate=score.mean,
    )


def _approval(
    outcomes: Sequence[int], reference: Sequence[int], rules: DriftRules, in_force: tuple[float, float] | None
) -> tuple[float, float, float]:
    """The window's rate, and its limits by chance if the reference and the window are of one population.

    Args:
        in_force: the least and the largest rate expected of the reference under the window's cut-offs; None for the
            scorecard's own, under which its outcomes are.
    """
    n, reference_n = sum(outcomes), sum(reference)
    known = reference[APPROVED] / reference_n if reference_n else 0.0
    found_in = reference_n if rules.method >= SECOND_METHOD else math.inf
    low, high = (binomial_limits(rate, n, reference_n=found_in) for rate in in_force or (known, known))
    limits = (low[0], high[1]) if reference_n else (0.0, 1.0)
    return (outcomes[APPROVED] / n if n else 0.0), *limits


def _pad(tally: TopicCount, layout: BinLayout) -> TopicCount:
    """With a count of zero in every bin where nothing was counted."""
    if len(tally.counts):
        return tally
    return TopicCount(
        late=tally.late,
        ahead=tally.ahead,
        unreadable=tally.unreadable,
        counts=np.zeros(layout.size, dtype=np.int64),
        producers=tally.producers,
    )
