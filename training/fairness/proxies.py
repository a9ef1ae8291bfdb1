"""Proxies: how well the scored features predict each watched group, and which of them do.

Pure. A feature that tells a protected characteristic can stand in for it though the field itself is not scored. Of
each group a classifier (boosted trees) is cross-validated on the scored features; what a feature
tells is the loss of AUC when it is shuffled in the rows left out (Breiman, *Random forests*, 2001). Of a number the
share of its variance that a regression explains (R squared) is given, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from scorecard.features import FeatureSpace
from training.evaluation.discrimination_figures import auc
from training.fairness.applicant_groups import ApplicantGroup, Mask

Encoded = npt.NDArray[np.float32]

FOLDS: Final = 3
MOST_ROWS: Final = 6_000
"""Rows that are looked at for a group, all of its people where they are few: a second."""
LEAST_MEMBERS: Final = 50
"""Of a group and of all others; with fewer an AUC says little: of 50 its standard error is .04."""
MOST_GROUPS: Final = 12
"""Of all fields, the largest."""
TOLD_FEATURES: Final = 3
BOOSTS: Final = 40
DEPTH: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """How well a group can be predicted from the scored features."""

    field: str
    group: str
    people: int
    auc: float
    """Out of sample; .5 for not at all."""
    features: tuple[tuple[str, float], ...]
    """Those that tell most, and the AUC that is lost without each; positive ones only."""
    r_squared: float
    """Of the number itself, out of sample; NaN of a category."""


@dataclass(frozen=True, slots=True)
class ScoredFeatures:
    """The features of n applicants, encoded."""

    space: FeatureSpace
    matrix: Encoded
    """Shape (n, columns)."""


def proxies(
    groups: Sequence[ApplicantGroup], numbers: Mapping[str, npt.NDArray[np.float64]], scored: ScoredFeatures, seed: int
) -> tuple[Proxy, ...]:
    """Of each group with enough people; the largest groups where there are many.

    Args:
        groups: of the applicants, of watched fields.
        numbers: values of the watched fields that are numbers, by field; shape (n,), NaN where missing.
        scored: what the scorecard reads.
    """
    explained = {name: _determination(scored.matrix, value, seed) for name, value in numbers.items()}
    n = len(scored.matrix)
    known = [each for each in groups if LEAST_MEMBERS <= int(each.members.sum()) <= n - LEAST_MEMBERS]
    largest = sorted(range(len(known)), key=lambda place: -int(known[place].members.sum()))[:MOST_GROUPS]
    return tuple(_proxy(known[place], scored, explained, seed) for place in sorted(largest))


def _sample(members: Mask, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """Places to look at: members and others, of each up to half; all of a small group."""
    parts = [np.flatnonzero(members), np.flatnonzero(~members)]
    few = [min(len(part), MOST_ROWS // 2) for part in parts]
    room = [MOST_ROWS - few[1], MOST_ROWS - few[0]]
    drawn = [
        generator.choice(part, min(len(part), most), replace=False) for part, most in zip(parts, room, strict=True)
    ]
    return np.sort(np.concatenate(drawn))


def _proxy(group: ApplicantGroup, scored: ScoredFeatures, explained: Mapping[str, float], seed: int) -> Proxy:
    generator = np.random.default_rng(seed)
    looked = _sample(group.members, generator)
    members, sample = group.members[looked], ScoredFeatures(scored.space, scored.matrix[looked])
    fold = generator.permutation(len(looked)) % FOLDS
    out, without = np.empty(len(members)), np.empty((len(sample.space.names), len(members)))
    for number in range(FOLDS):
        held = fold == number
        model = _classifier(seed).fit(sample.matrix[~held], members[~held])
        out[held] = model.predict_proba(sample.matrix[held])[:, 1]
        for feature in range(len(without)):
            dealt = _permutation(sample, held, feature, generator)
            without[feature, held] = model.predict_proba(dealt)[:, 1]
    whole = auc(members, out)
    lost = [(name, whole - auc(members, one)) for name, one in zip(sample.space.names, without, strict=True)]
    strongest = sorted(lost, key=lambda each: -each[1])[:TOLD_FEATURES]
    return Proxy(
        field=group.field,
        group=group.name,
        people=int(group.members.sum()),
        auc=whole,
        features=tuple((name, loss) for name, loss in strongest if loss > 0.0),
        r_squared=explained.get(group.field, float("nan")),
    )


def _permutation(sample: ScoredFeatures, held: Mask, feature: int, generator: np.random.Generator) -> Encoded:
    """The rows left out, one feature's columns dealt out among them anew."""
    rows = sample.matrix[held].copy()
    columns = np.flatnonzero(sample.space.groups == feature)
    rows[:, columns] = rows[generator.permutation(len(rows))][:, columns]
    return rows


def _determination(matrix: Encoded, value: npt.NDArray[np.float64], seed: int) -> float:
    """R squared out of sample, of the rows that have a value; NaN where they are few or it does not vary."""
    generator = np.random.default_rng(seed)
    known = np.flatnonzero(~np.isnan(value))
    looked = generator.choice(known, min(len(known), MOST_ROWS), replace=False)
    if len(looked) < LEAST_MEMBERS * FOLDS or np.var(value[looked]) == 0.0:
        return float("nan")
    rows, truth, out = matrix[looked], value[looked], np.empty(len(looked))
    fold = np.arange(len(looked)) % FOLDS
    for number in range(FOLDS):
        held = fold == number
        out[held] = _regressor(seed).fit(rows[~held], truth[~held]).predict(rows[held])
    return 1.0 - float(np.mean((truth - out) ** 2)) / float(np.var(truth))


def _classifier(seed: int) -> Any:
    import xgboost

    return xgboost.XGBClassifier(n_estimators=BOOSTS, max_depth=DEPTH, n_jobs=1, random_state=seed)


def _regressor(seed: int) -> Any:
    import xgboost

    return xgboost.XGBRegressor(n_estimators=BOOSTS, max_depth=DEPTH, n_jobs=1, random_state=seed)
