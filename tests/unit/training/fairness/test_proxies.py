"""A feature that tells a watched group is found and named; features that tell nothing are not."""

import numpy as np
import pytest

from scorecard.features import FeatureSpace
from tests.unit.training.builders import CONTRACT
from training.fairness.applicant_groups import ApplicantGroup
from training.fairness.proxies import ScoredFeatures, proxies

SPACE = FeatureSpace.of(CONTRACT, ["person_income", "person_home_ownership", "loan_amnt"])
N = 1_500
HOME = SPACE.names.index("person_home_ownership")


def a_sample(tells: float) -> tuple[tuple[ApplicantGroup, ...], np.ndarray, ScoredFeatures]:
    """A group that so large a share of its members' homes tells, and the number that it is cut from."""
    generator = np.random.default_rng(3)
    matrix = generator.normal(size=(N, len(SPACE.columns))).astype(np.float32)
    home = np.flatnonzero(SPACE.groups == HOME)
    renting = generator.random(N) < 0.3
    matrix[:, home] = 0.0
    matrix[:, home[0]] = renting
    told = generator.random(N) < tells
    members = np.where(told, renting, generator.random(N) < 0.3)
    number = np.where(members, 65.0, 40.0) + generator.normal(size=N)
    groups = (
        ApplicantGroup("person_age", "62 and over", members),
        ApplicantGroup("person_age", "few", np.arange(N) < 5),
    )
    return groups, number, ScoredFeatures(SPACE, matrix)


def test_a_feature_that_stands_in_for_a_group_is_named() -> None:
    groups, age, scored = a_sample(tells=0.9)

    (only,) = proxies(groups, {"person_age": age}, scored, seed=1)

    assert only.group == "62 and over"
    assert only.auc > 0.85
    assert only.features[0][0] == "person_home_ownership"
    assert only.features[0][1] > 0.3
    assert only.r_squared > 0.5


def test_features_that_tell_nothing_predict_no_better_than_a_coin() -> None:
    groups, age, scored = a_sample(tells=0.0)

    (only,) = proxies(groups, {"person_age": age}, scored, seed=1)

    assert only.auc == pytest.approx(0.5, abs=0.06)
    assert only.r_squared < 0.05
    assert all(loss < 0.05 for _, loss in only.features)


def test_the_same_rows_and_seed_give_the_same_report() -> None:
    groups, age, scored = a_sample(tells=0.5)

    assert proxies(groups, {"person_age": age}, scored, 7) == proxies(groups, {"person_age": age}, scored, 7)
