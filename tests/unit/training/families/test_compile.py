"""Libraries' models as forests: the same margins and contributions, or a clear refusal."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contract.contract import load
from scorecard.features import FeatureSpace
from scorecard.forest.explainer import Explainer
from scorecard.forest.forest import Forest, margins
from training.families.family_registry import compile_model, family_of
from training.families.parity import Parity, ParityError, prove_parity
from training.families.random_forest_family import BELOW_ALL
from training.families.trees import CompileError

Matrix = np.ndarray[Any, np.dtype[np.float32]]
CONTRACT = load("credit_risk")
SPACE = FeatureSpace.of(CONTRACT, [field.name for field in CONTRACT.scored(with_pricing=True)])


def some_rows(count: int = 300, columns: int = 5, seed: int = 0, missing: float = 0.1) -> tuple[Matrix, Any]:
    """Rows with ties and missing values, and labels that depend on them."""
    rng = np.random.default_rng(seed)
    matrix = np.round(rng.normal(size=(count, columns)), 1).astype(np.float32)
    label = (matrix[:, 0] + matrix[:, -1] * (matrix[:, columns // 2] > 0) + rng.normal(size=count) > 0).astype(np.int8)
    matrix[rng.random(matrix.shape) < missing] = np.nan
    return matrix, label


def an_xgboost(matrix: Matrix, label: Any, **parameters: Any) -> Any:
    from xgboost import XGBClassifier

    usual = {"n_estimators": 12, "max_depth": 4, "n_jobs": 1, "base_score": 0.3}
    return XGBClassifier(**{**usual, **parameters}).fit(matrix, label)


def a_catboost(matrix: Matrix, label: Any, **parameters: Any) -> Any:
    from catboost import CatBoostClassifier

    usual = {"iterations": 12, "depth": 4, "thread_count": 1, "verbose": False, "allow_writing_files": False}
    return CatBoostClassifier(**{**usual, **parameters}).fit(matrix, label)


def a_random_forest(matrix: Matrix, label: Any, **parameters: Any) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    usual = {"n_estimators": 6, "max_depth": 5, "random_state": 0}
    return RandomForestClassifier(**{**usual, **parameters}).fit(impute(matrix), label)


def a_lightgbm(matrix: Matrix, label: Any, **parameters: Any) -> Any:
    from lightgbm import LGBMClassifier

    usual = {"n_estimators": 12, "max_depth": 4, "n_jobs": 1, "verbose": -1}
    return LGBMClassifier(**{**usual, **parameters}).fit(matrix, label)


def impute(matrix: Matrix) -> Matrix:
    return np.where(np.isnan(matrix), np.float32(BELOW_ALL), matrix)


def explainer(forest: Forest) -> Explainer:
    return Explainer(forest, np.arange(forest.columns, dtype=np.int32), forest.columns)


def proven(forest: Forest, explainer: Explainer, model: Any, matrix: Matrix) -> Parity:
    return prove_parity(family_of(model), model, forest, explainer, matrix)


FITTERS = {"xgboost": an_xgboost, "catboost": a_catboost, "random_forest": a_random_forest, "lightgbm": a_lightgbm}
EVERY_FAMILY = pytest.mark.parametrize("family", FITTERS)


@EVERY_FAMILY
@given(st.integers(0, 1000), st.integers(1, 6), st.sampled_from([0.0, 0.2]), st.integers(1, 5))
@settings(max_examples=8, deadline=None)
def test_random_models_keep_their_margins_and_contributions(
    family: str, seed: int, columns: int, missing: float, depth: int
):
    matrix, label = some_rows(seed=seed, columns=columns, missing=missing)
    depths = {"depth": depth} if family == "catboost" else {"max_depth": depth}
    model = FITTERS[family](matrix, label, **depths)

    forest = compile_model(model, columns)

    parity = proven(forest, explainer(forest), model, matrix[:50])
    assert parity.margin_error <= 1e-6
    assert parity.contribution_error <= (1e-5 if family == "xgboost" else 1e-9)


@EVERY_FAMILY
def test_values_on_a_threshold_and_next_to_it_go_the_librarys_way(family: str):
    matrix, label = some_rows(missing=0.0)
    model = FITTERS[family](matrix, label)
    forest = compile_model(model, 5)
    exact = forest.threshold[forest.feature == 0].astype(np.float32)
    around = np.concatenate([exact, np.nextafter(exact, np.float32(9)), np.nextafter(exact, np.float32(-9))])
    rows = np.zeros((len(around), 5), dtype=np.float32)
    rows[:, 0] = around

    proven(forest, explainer(forest), model, rows)


@EVERY_FAMILY
def test_missing_values_that_training_never_saw_go_the_librarys_way(family: str):
    matrix, label = some_rows(missing=0.0)
    model = FITTERS[family](matrix, label)
    rows = np.full((1, 5), np.nan, dtype=np.float32)

    forest = compile_model(model, 5)

    proven(forest, explainer(forest), model, rows)


@pytest.mark.parametrize("nan_mode", ["Min", "Max"])
def test_catboosts_two_ways_with_missing_values_are_kept(nan_mode: str):
    matrix, label = some_rows(missing=0.3)
    model = a_catboost(matrix, label, nan_mode=nan_mode)

    forest = compile_model(model, 5)

    assert bool(forest.missing_left[0]) is (nan_mode == "Min")
    proven(forest, explainer(forest), model, matrix)


def test_catboosts_scale_and_bias_are_folded_in():
    matrix, label = some_rows()
    model = a_catboost(matrix, label)
    model.set_scale_and_bias(0.5, 0.25)

    forest = compile_model(model, 5)

    assert forest.base == 0.25
    # CatBoost explains no scaled model, so margins must do.
    assert margins(forest, matrix) == pytest.approx(model.predict(matrix, prediction_type="RawFormulaVal"), abs=1e-12)


def test_a_number_that_stood_for_missing_decides_where_missing_goes():
    matrix, label = some_rows(missing=0.3)
    model = a_random_forest(matrix, label)

    forest = compile_model(model, 5)

    assert margins(forest, matrix) == pytest.approx(model.predict_proba(impute(matrix))[:, 1], abs=1e-12)


def test_an_early_stopped_model_is_compiled_up_to_its_best_iteration():
    from xgboost import XGBClassifier

    matrix, label = some_rows(600)
    model = XGBClassifier(n_estimators=60, max_depth=6, learning_rate=1.0, early_stopping_rounds=5, n_jobs=1)
    model.fit(matrix[:300], label[:300], eval_set=[(matrix[300:], label[300:])], verbose=False)

    forest = compile_model(model, 5)

    assert len(forest.roots) == model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    expected = model.predict(matrix, output_margin=True)
    assert margins(forest, matrix) == pytest.approx(expected, abs=1e-5)


def test_a_tree_without_questions_is_a_constant():
    matrix, label = some_rows()
    model = an_xgboost(matrix, label, gamma=1e9, n_estimators=2)

    forest = compile_model(model, 5)

    assert len(forest.feature) == 2
    proven(forest, explainer(forest), model, matrix[:5])


def test_a_model_of_fewer_columns_than_a_row_is_compiled_and_of_more_refused():
    matrix, label = some_rows()
    model = an_xgboost(matrix, label)

    assert compile_model(model, 9).columns == 9
    with pytest.raises(CompileError, match="column 4"):
        compile_model(model, 4)


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"objective": "binary:hinge"}, "hinge"),
        ({"booster": "gblinear", "max_depth": None}, "gblinear"),
        ({"booster": "dart"}, "dart"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # XGBoost warns of unused parameters
def test_other_boosters_and_objectives_are_refused(parameters: dict[str, Any], what: str):
    matrix, label = some_rows()

    with pytest.raises(CompileError, match=what):
        compile_model(an_xgboost(matrix, label, **parameters), 5)


def test_several_classes_are_refused():
    matrix, _ = some_rows()
    three = np.arange(len(matrix)) % 3

    for model in (
        an_xgboost(matrix, three, base_score=None),
        a_catboost(matrix, three),
        a_random_forest(matrix, three),
        a_lightgbm(matrix, three),
    ):
        with pytest.raises(CompileError):
            compile_model(model, 5)


def test_a_categorical_split_is_refused():
    import pandas as pd

    matrix, label = some_rows(missing=0.0)
    frame = pd.DataFrame({"word": pd.Categorical(np.where(label > 0, "yes", "no")), "number": matrix[:, 1]})
    from catboost import CatBoostClassifier
    from lightgbm import LGBMClassifier
    from xgboost import XGBClassifier

    leafwise = LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1).fit(frame, label)
    boosted = XGBClassifier(n_estimators=2, enable_categorical=True, tree_method="hist", n_jobs=1).fit(frame, label)
    symmetric = CatBoostClassifier(iterations=2, verbose=False, allow_writing_files=False, thread_count=1)
    symmetric.fit(frame.astype({"word": str}), label, cat_features=["word"])

    for model in (boosted, symmetric, leafwise):
        with pytest.raises(CompileError, match="cannot be compiled"):
            compile_model(model, 2)


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"objective": "cross_entropy"}, "cross_entropy"),
        ({"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "averaged"),
        ({"linear_tree": True}, "linear"),
        ({"zero_as_missing": True}, "zero"),
    ],
)
def test_lightgbms_other_objectives_and_trees_are_refused(parameters: dict[str, Any], what: str):
    matrix, label = some_rows()

    with pytest.raises(CompileError, match=what):
        compile_model(a_lightgbm(matrix, label, **parameters), 5)


def test_trees_that_are_not_symmetric_are_refused():
    matrix, label = some_rows()

    with pytest.raises(CompileError, match="symmetric"):
        compile_model(a_catboost(matrix, label, grow_policy="Lossguide"), 5)


def test_what_is_no_model_is_refused():
    with pytest.raises(CompileError, match="dict"):
        compile_model({}, 5)


@EVERY_FAMILY
def test_a_forest_that_answers_otherwise_is_not_proven(family: str):
    matrix, label = some_rows()
    model = FITTERS[family](matrix, label)
    forest = compile_model(model, 5)
    moved = replace(forest, base=forest.base + 0.001)
    other_covers = replace(forest, cover=np.where(forest.feature < 0, forest.cover + 50.0, forest.cover))

    with pytest.raises(ParityError, match="margins"):
        proven(moved, explainer(moved), model, matrix)
    with pytest.raises(ParityError, match="contributions"):
        proven(other_covers, explainer(other_covers), model, matrix)


def test_many_small_steps_are_proven_though_the_library_adds_them_in_float32():
    matrix, _ = some_rows(200)
    label = (np.nan_to_num(matrix[:, 0]) > -1.0).astype(np.int8)
    model = an_xgboost(matrix, label, n_estimators=2_000, learning_rate=0.03, min_child_weight=0.0)
    forest = compile_model(model, 5)
    in_one_sum = model.predict(matrix, output_margin=True)

    found = proven(forest, explainer(forest), model, matrix)

    apart = np.abs(margins(forest, matrix) - in_one_sum).max() / np.abs(in_one_sum).max()
    assert found.margin_error < 0.5e-6 < apart


@pytest.mark.slow
def test_random_forests_are_explained_as_shap_explains_them():
    shap = pytest.importorskip("shap")
    matrix, label = some_rows(missing=0.0)
    model = a_random_forest(matrix, label, n_estimators=10, max_depth=7)

    _, contributions = explainer(compile_model(model, 5)).explain(matrix[:100])

    theirs = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent").shap_values(matrix[:100])
    assert contributions == pytest.approx(theirs[:, :, 1], abs=1e-9)


@EVERY_FAMILY
def test_real_rows_are_answered_as_the_library_answers_them(family: str, shared_folder: Path):
    matrix, label = real_rows(shared_folder)
    sizes = {
        "xgboost": {"n_estimators": 60, "max_depth": 6},
        "catboost": {"iterations": 60, "depth": 6},
        "random_forest": {"n_estimators": 20, "max_depth": 8},
        "lightgbm": {"n_estimators": 60, "max_depth": 6},
    }
    model = FITTERS[family](matrix[:6000], label[:6000], **sizes[family])

    forest = compile_model(model, len(SPACE.columns))

    proven(forest, Explainer(forest, SPACE.groups, len(SPACE.names)), model, matrix[6000:6200])


def real_rows(shared: Path) -> tuple[Matrix, Any]:
    """The lender's rows, shuffled: all columns that may be scored, encoded."""
    import pandas as pd

    frame = pd.read_csv(shared / "data" / "credit_risk" / "credit_risk_dataset.csv").sample(7000, random_state=1)
    values = np.full((len(frame), len(CONTRACT.observed)), np.nan)
    for place, field in enumerate(CONTRACT.observed):
        column = frame[field.column]
        codes = {level: code for code, level in enumerate(field.levels)}
        values[:, place] = column.map(codes) if field.levels else column
    return SPACE.encode(values), frame["loan_status"].to_numpy()
