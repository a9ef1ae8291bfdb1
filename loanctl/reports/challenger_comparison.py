"""Champion and challenger on the same applications: who would flip, by how much, for what reasons, and who was right.

Pure: pairs of decisions and true outcomes in, figures out. Reading them is `loanctl.reports.decision_log`. Who was
right is judged as the gate judges: the paired bootstrap of `training.promotion.paired_bootstrap`, on the same rows.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from schemas.events.decisions import ContributionSpace, Outcome
from schemas.small_groups import is_small
from scorecard.swap_set import Codes, Floats, OutcomeChange, changes, codes, truth
from training.promotion.challenger_verdict import LEVEL
from training.promotion.champion_comparison import ChampionComparison
from training.promotion.paired_bootstrap import paired_figures

QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
SEED: Final = 1
"""Of the resampling: asked again, it answers the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one of the two said of an application."""

    outcome: Outcome
    probability: float | None
    space: ContributionSpace
    contributions: Mapping[str, float]
    reasons: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Both on one application."""

    application_id: str
    champion: Statement
    challenger: Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityShift:
    """The challenger's probability of default less the champion's."""

    scored: int
    """Applications that both scored."""
    mean: float
    mean_absolute: float
    largest: float
    """Of either sign."""
    quantiles: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonChange:
    """One reason code: how many applicants were given it, by whom."""

    code: str
    champion: int
    challenger: int
    appeared: int
    """Given by the challenger and not by the champion."""
    disappeared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureChange:
    """One feature: the challenger's contribution less the champion's, in the mean."""

    feature: str
    mean: float
    mean_absolute: float
    stricter: float | None
    """Over those whom the challenger would treat worse; None where they are too few."""
    milder: float | None
    """Over those whom it would treat better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A difference, challenger less champion, and where nine of ten paired resamples lie."""

    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Both against the loans' outcomes, on the same rows."""

    rows: int
    defaults: int
    auc_champion: float
    auc_challenger: float
    auc: Interval
    brier_champion: float
    brier_challenger: float
    brier: Interval
    """Below zero the challenger is the better one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    pairs: int
    flips: tuple[OutcomeChange, ...]
    """From the champion's outcome to the challenger's."""
    shift: ProbabilityShift | None
    """None where too few were scored by both."""
    reasons: tuple[ReasonChange, ...]
    features: tuple[FeatureChange, ...]
    """The most different first; none where the two are explained in different units."""
    right: Accuracy | None
    known: int
    """Applications scored by both whose outcome is known; without both outcomes there is no comparison."""

    @property
    def flip_count(self) -> int:
        """Applicants who would have another outcome."""
        return sum(flip.count for flip in self.flips)

    def plain(self) -> dict[str, Any]:
        summary = asdict(self) | {"flips": [flip.plain() for flip in self.flips]}
        return {"flipped": self.flip_count, **summary}


def comparison(pairs: Sequence[Pair], defaulted: Mapping[str, bool], seed: int = SEED) -> Comparison:
    """Champion and challenger side by side.

    Args:
        pairs: in the order decided.
        defaulted: by application id, as far as it is known.
    """
    ids = [pair.application_id for pair in pairs]
    ends = truth(ids, defaulted)
    champion, challenger = codes([p.champion.outcome for p in pairs]), codes([p.challenger.outcome for p in pairs])
    ours, theirs = _probabilities([p.challenger for p in pairs]), _probabilities([p.champion for p in pairs])
    scored = ~np.isnan(ours) & ~np.isnan(theirs)
    known = scored & ~np.isnan(ends)
    return Comparison(
        pairs=len(pairs),
        flips=changes(ids, champion, challenger, ends),
        shift=None if is_small(int(scored.sum())) else _shift(ours[scored] - theirs[scored]),
        reasons=_reasons(pairs),
        features=_features(pairs, champion, challenger),
        right=_right(ends[known].astype(np.bool_), ours[known], theirs[known], seed),
        known=int(known.sum()),
    )


def _shift(differences: Floats) -> ProbabilityShift:
    return ProbabilityShift(
        scored=len(differences),
        mean=float(differences.mean()),
        mean_absolute=float(np.abs(differences).mean()),
        largest=float(differences[np.argmax(np.abs(differences))]),
        quantiles={f"{share:g}": float(np.quantile(differences, share)) for share in QUANTILES},
    )


def _reasons(pairs: Sequence[Pair]) -> tuple[ReasonChange, ...]:
    given: dict[str, Counter[str]] = {name: Counter() for name in ("champion", "challenger", "appeared", "disappeared")}
    for pair in pairs:
        theirs, ours = pair.champion.reasons, pair.challenger.reasons
        for name, those in zip(given, (theirs, ours, ours - theirs, theirs - ours), strict=True):
            given[name].update(those)
    found = [
        ReasonChange(code=code, **{name: counts[code] for name, counts in given.items()})
        for code in sorted(given["champion"] | given["challenger"])
    ]
    return tuple(sorted(found, key=lambda one: -(one.appeared + one.disappeared)))


def _features(pairs: Sequence[Pair], champion: Codes, challenger: Codes) -> tuple[FeatureChange, ...]:
    alike = np.array([_comparable(pair) for pair in pairs], dtype=np.bool_)
    chosen = [pair for pair, keep in zip(pairs, alike, strict=True) if keep]
    names = list(
        dict.fromkeys(name for p in chosen for name in (*p.champion.contributions, *p.challenger.contributions))
    )
    # A feature that only one of them knows adds nothing to the other's margin.
    moved = np.array(
        [[p.challenger.contributions.get(n, 0.0) - p.champion.contributions.get(n, 0.0) for n in names] for p in chosen]
    ).reshape(len(chosen), len(names))
    # Outcomes' codes rise from approval to decline.
    worse, better = challenger[alike] > champion[alike], challenger[alike] < champion[alike]
    if is_small(len(chosen)):
        return ()
    found = [
        FeatureChange(
            feature=name,
            mean=float(moved[:, place].mean()),
            mean_absolute=float(np.abs(moved[:, place]).mean()),
            stricter=None if is_small(int(worse.sum())) else float(moved[worse, place].mean()),
            milder=None if is_small(int(better.sum())) else float(moved[better, place].mean()),
        )
        for place, name in enumerate(names)
    ]
    return tuple(sorted(found, key=lambda one: -one.mean_absolute))


def _comparable(pair: Pair) -> bool:
    explained = bool(pair.champion.contributions) and bool(pair.challenger.contributions)
    return explained and pair.champion.space is pair.challenger.space


def _right(defaulted: Any, ours: Floats, theirs: Floats, seed: int) -> Accuracy | None:
    if is_small(len(defaulted)) or not defaulted.any() or defaulted.all():
        return None
    both = ChampionComparison(defaulted=defaulted, challenger=ours, champion=theirs, champion_digest="")
    figures = paired_figures(both, seed)
    area, error = figures["auc"], figures["brier"]
    return Accuracy(
        rows=len(defaulted),
        defaults=int(defaulted.sum()),
        auc_champion=area.champion,
        auc_challenger=area.challenger,
        auc=_interval(-area.loss, -area.drawn),
        brier_champion=error.champion,
        brier_challenger=error.challenger,
        brier=_interval(error.loss, error.drawn),
    )


def _interval(difference: float, drawn: Floats) -> Interval:
    low, high = np.quantile(drawn, [LEVEL, 1.0 - LEVEL])
    return Interval(difference=difference, low=float(low), high=float(high))


def _probabilities(said: Sequence[Statement]) -> Floats:
    return np.array([np.nan if one.probability is None else one.probability for one in said], dtype=np.float64)
