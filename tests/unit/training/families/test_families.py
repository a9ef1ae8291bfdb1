"""Every family, by the same tests: what it says of itself is true, on rows as they are served."""

import json
from dataclasses import replace
from functools import cache
from importlib.metadata import version

import numpy as np
import pytest
from structlog.testing import capture_logs

from schemas.events.decisions import ContributionSpace
from scorecard.features import FeatureSpace
from scorecard.forest.explainer import Explainer
from scorecard.forest.forest import Forest
from tests.unit.training.builders import CONTRACT, made_up_rows
from training.families import family_registry
from training.families.family import Dimension, Encoded, Family, FittedModel, TrainingSample
from training.families.parity import ParityError, prove_parity
from training.pipeline.training_steps import with_missing_values
from training.search import space, usable_families

FEATURES = FeatureSpace.of(CONTRACT, [field.name for field in CONTRACT.scored(with_pricing=True)])
ROWS = made_up_rows(1_200)
SAMPLE = TrainingSample(FEATURES.encode(ROWS.values), ROWS.defaulted)
SERVED = FEATURES.encode(with_missing_values(FEATURES, ROWS.values[1_100:]))
FAMILIES = family_registry.FAMILIES
EVERY_FAMILY = pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])
SEED = 3


def a_fitted_model(family: Family, seed: int = SEED) -> FittedModel:
    learned, stopping = SAMPLE.take(np.arange(900)), SAMPLE.take(np.arange(900, 1_100))
    parameters = {name: one.start for name, one in family.space.items() if isinstance(one, Dimension)}
    point = {"family": family.name, family.name: {"default_weight": 1.0, **parameters}}
    choice = space.choice(point, most_trees=40)
    return family_registry.fit(choice, learned, stopping, FEATURES.monotone, seed)


@cache
def usual_model(name: str) -> FittedModel:
    """The same of the family of this name, fitted once for all tests that only ask it."""
    return a_fitted_model(family_registry.BY_NAME[name])


def explainer(forest: Forest) -> Explainer:
    return Explainer(forest, FEATURES.groups, len(FEATURES.names))


def prove(family: Family, fitted: FittedModel, matrix: Encoded = SERVED) -> None:
    forest = family.forest(fitted.model, len(FEATURES.columns))
    prove_parity(family, fitted.model, forest, explainer(forest), matrix)


@EVERY_FAMILY
def test_a_family_answers_rows_as_they_are_served_as_its_library_does(family: Family) -> None:
    assert np.isnan(SERVED).any(axis=1).sum() >= 50

    prove(family, usual_model(family.name))


@EVERY_FAMILY
def test_a_family_that_names_the_wrong_unit_is_refused(family: Family) -> None:
    fitted = usual_model(family.name)
    spaces = {ContributionSpace.LOG_ODDS, ContributionSpace.PROBABILITY}
    (other,) = spaces - {family.contribution_space}

    with pytest.raises(ParityError, match="probabilities"):
        prove(replace(family, contribution_space=other), fitted)


@EVERY_FAMILY
def test_a_family_that_serves_missing_values_otherwise_than_it_learned_them_is_refused(family: Family) -> None:
    fitted = usual_model(family.name)
    ways = family.forest(fitted.model, len(FEATURES.columns))
    turned = replace(ways, missing_left=(ways.feature >= 0) & ~ways.missing_left)

    with pytest.raises(ParityError, match="margins"):
        prove_parity(family, fitted.model, turned, explainer(turned), SERVED)


@pytest.mark.slow
@EVERY_FAMILY
def test_the_same_rows_and_seed_fit_the_same_model(family: Family) -> None:
    first, again = a_fitted_model(family), a_fitted_model(family)

    assert np.array_equal(first.probability(SERVED), again.probability(SERVED))
    assert first.trees == again.trees > 0


@EVERY_FAMILY
def test_risk_moves_only_as_the_contract_lets_it(family: Family) -> None:
    rising = [column for column, way in enumerate(FEATURES.monotone) if way == 1]
    assert rising
    forest = usual_model(family.name).forest(len(FEATURES.columns))
    for column in rising:
        rows = np.repeat(SERVED[::10], 30, axis=0)
        rows[:, column] = np.tile(np.linspace(0, np.nanmax(SERVED[:, column]), 30), len(rows) // 30)

        margin = explainer(forest).explain(rows)[0].reshape(-1, 30)

        assert np.all(np.diff(margin, axis=1) >= -1e-12)


@EVERY_FAMILY
def test_what_keys_a_journal_is_known_of_every_family(family: Family) -> None:
    assert version(family.library)
    assert json.loads(json.dumps(family.fixed)) == dict(family.fixed)
    assert all(family_registry.BY_MODEL[model] is family for model in family.models)


def test_a_family_whose_library_cannot_be_loaded_is_left_out_of_the_search_and_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def without_openmp(name: str) -> object:
        if name == "lightgbm":
            raise OSError(2, "libgomp.so.1")
        return object()

    monkeypatch.setattr(usable_families, "import_module", without_openmp)
    with capture_logs() as logs:
        usable = usable_families.usable_families.__wrapped__()

    assert [family.name for family in usable] == ["xgboost", "catboost", "random_forest"]
    assert [(line["event"], line["family"]) for line in logs] == [("family.unusable", "lightgbm")]


def test_names_of_families_and_models_are_theirs_alone() -> None:
    assert len(family_registry.BY_NAME) == len(family_registry.FAMILIES)
    assert len(family_registry.BY_MODEL) == sum(len(family.models) for family in family_registry.FAMILIES)


def test_no_other_module_asks_which_family_a_model_is_of() -> None:
    """A family's name in code outside its own file would be a place to remember when one is added."""
    from pathlib import Path

    names = {family.name for family in family_registry.FAMILIES}
    files = [path for path in Path("training").rglob("*.py") if not path.name.endswith("_family.py")]
    spoken = {path.name for path in files for name in names if f'"{name}"' in path.read_text(encoding="utf-8")}

    assert len(files) > 30
    assert spoken == set()
