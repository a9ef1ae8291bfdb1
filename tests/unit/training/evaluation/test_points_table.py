"""Points of a scorecard add up to what its margin says, and a forest whose features meet in a tree has none."""

import numpy as np
import pytest

from schemas.events.decisions import ContributionSpace
from scorecard.features import FeatureSpace
from tests.unit.training.builders import CONTRACT, made_up_rows
from training.evaluation.points_table import BinPoints, points_table, scaled_points
from training.families import family_registry
from training.families.family import FamilyParameters, TrainingSample

ROWS = made_up_rows(1_500)
SPACE = FeatureSpace.of(CONTRACT, [field.name for field in CONTRACT.scored()])
SAMPLE = TrainingSample(SPACE.encode(ROWS.values), ROWS.defaulted)
LOG_ODDS = ContributionSpace.LOG_ODDS


def fit(family: str, **parameters: float):
    return family_registry.fit(
        FamilyParameters(family, {"trees": 20.0, **parameters}), SAMPLE, SAMPLE, SPACE.monotone, seed=1
    )


@pytest.fixture(scope="module")
def points() -> tuple[BinPoints, ...]:
    model = fit("points", depth=3.0, leaf_rows=50.0, looseness=1.0)
    return points_table(model.forest(len(SPACE.columns)), SPACE, LOG_ODDS)


def of(points: tuple[BinPoints, ...], feature: str) -> dict[str, float]:
    return {each.bin: each.points for each in points if each.feature == feature}


def test_an_applicants_points_are_the_sum_of_one_bin_a_feature(points):
    model = fit("points", depth=3.0, leaf_rows=50.0, looseness=1.0)
    forest = model.forest(len(SPACE.columns))
    row = SAMPLE.matrix[0]
    summed = 0.0
    for field in SPACE.fields:
        bins = of(points, field.name)
        if not bins:
            continue
        if field.levels:
            level = next(level for level in field.levels if row[SPACE.columns.index(f"{field.name}={level}")] == 1.0)
            summed += bins[level]
        else:
            value = row[SPACE.columns.index(field.name)]
            uppers = [float(name.split()[-1]) for name in bins if name.startswith(("up to", "over")) and " to " in name]
            # Bins are named by six digits; the first upper end that is not under the value is its bin's.
            place = int(np.searchsorted(uppers, float(value), side="left"))
            summed += list(bins.values())[place] if not np.isnan(value) else bins["missing"]

    (margin,) = model.model.margins(row[None, :])
    assert summed == pytest.approx(scaled_points(float(margin)), abs=1e-6)
    assert forest.columns == len(SPACE.columns)


def test_twenty_points_more_are_half_the_odds():
    assert scaled_points(-np.log(30.0)) == pytest.approx(600.0)
    assert scaled_points(-np.log(60.0)) == pytest.approx(620.0)


def test_points_go_the_way_of_the_contract(points):
    burden = [value for name, value in of(points, "loan_percent_income").items() if name != "missing"]

    assert len(burden) > 2
    assert burden == sorted(burden, reverse=True)


def test_a_forest_whose_features_meet_in_a_tree_has_no_points():
    model = fit("random_forest", depth=6.0, leaf_rows=5.0, columns=0.5)

    assert points_table(model.forest(len(SPACE.columns)), SPACE, LOG_ODDS) == ()


def test_probabilities_have_no_points():
    model = fit("points", depth=2.0, leaf_rows=50.0, looseness=1.0)

    assert points_table(model.forest(len(SPACE.columns)), SPACE, ContributionSpace.PROBABILITY) == ()
