"""One of the published explainers, in an environment of its own: `peer.py NAME MODEL ROWS BATCH VALUES`.

MODEL is XGBoost's JSON and ROWS an array of float32 without missing values. Prints microseconds of processor time a row
in batches of BATCH, and writes the contributions of all rows, shape (rows, columns), to VALUES.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Explain = Callable[[Any], Any]
LEAST_S = 1.0


def woodelf(model: str) -> Explain:
    """WOODELF (Wettenstein et al.), by its authors' package; vectorised over rows."""
    import pandas
    import xgboost
    from woodelf import WoodelfExplainer

    booster = xgboost.Booster(model_file=model)
    names = [f"f{column}" for column in range(booster.num_features())]
    explainer = WoodelfExplainer(booster)
    return lambda rows: np.asarray(explainer.shap_values(pandas.DataFrame(rows, columns=names)))


def treeshap(model: str) -> Explain:
    """TreeSHAP in Rust. What it reads otherwise than XGBoost 3 writes is put right in a copy of the model."""
    from treeshap import ShapExplainer, TreeEnsemble

    document = json.loads(Path(model).read_text())
    learner = document["learner"]
    learner["learner_model_param"]["base_score"] = learner["learner_model_param"]["base_score"].strip("[]")
    for tree in learner["gradient_booster"]["model"]["trees"]:
        tree["default_left"] = [bool(left) for left in tree["default_left"]]
        leaf = np.array(tree["left_children"]) == -1
        # It takes a leaf's value from the weights, which XGBoost keeps before shrinkage.
        tree["base_weights"] = np.where(leaf, tree["split_conditions"], tree["base_weights"]).tolist()
        tree["split_conditions"] = np.where(leaf, tree["split_conditions"], _inclusive(tree)).tolist()
    copy = Path(f"{model}.treeshap")
    copy.write_text(json.dumps(document))
    explainer = ShapExplainer(TreeEnsemble.from_file(str(copy), "xgboost"))
    return lambda rows: np.asarray(explainer.explain(rows.astype(np.float64)).shap_values)


def fasttreeshap_v1(model: str) -> Explain:
    """FastTreeSHAP (Yang), first algorithm."""
    return _fasttreeshap(model, "v1")


def fasttreeshap_v2(model: str) -> Explain:
    """FastTreeSHAP (Yang), second algorithm: it works out what depends on the trees alone beforehand."""
    return _fasttreeshap(model, "v2")


def _fasttreeshap(model: str, algorithm: str) -> Explain:
    import fasttreeshap

    trees = json.loads(Path(model).read_text())["learner"]["gradient_booster"]["model"]["trees"]
    document = {"trees": [_tree(tree) for tree in trees], "internal_dtype": np.float64, "input_dtype": np.float32}
    explainer = fasttreeshap.TreeExplainer(
        document, algorithm=algorithm, n_jobs=1, feature_perturbation="tree_path_dependent"
    )
    return lambda rows: np.asarray(explainer.shap_values(rows, check_additivity=False))


def _tree(tree: dict[str, Any]) -> dict[str, Any]:
    """As shap's own documents of trees have it."""
    left = np.array(tree["left_children"], np.int32)
    values = np.where(left == -1, np.array(tree["split_conditions"], np.float64), 0.0)
    return {
        "children_left": left,
        "children_right": np.array(tree["right_children"], np.int32),
        "children_default": left,
        "features": np.where(left == -1, -2, np.array(tree["split_indices"], np.int32)).astype(np.int32),
        "thresholds": _inclusive(tree),
        "values": values[:, None],
        "node_sample_weight": np.array(tree["sum_hessian"], np.float64),
    }


def _inclusive(tree: dict[str, Any]) -> Any:
    """XGBoost goes left where a value is smaller than the threshold, the others where it is not larger."""
    thresholds = np.array(tree["split_conditions"], np.float32)
    return np.nextafter(thresholds, np.float32(-np.inf)).astype(np.float64)


PEERS = {each.__name__: each for each in (woodelf, treeshap, fasttreeshap_v1, fasttreeshap_v2)}


def main(name: str, model: str, rows: str, batch: str, values: str) -> None:
    explain, matrix, size = PEERS[name](model), np.load(rows), int(batch)
    np.save(values, explain(matrix))
    part, times, began = np.ascontiguousarray(matrix[:size]), 0, time.process_time()
    while not times or time.process_time() - began < LEAST_S:
        explain(part)
        times += 1
    sys.stdout.write(f"{1e6 * (time.process_time() - began) / times / size}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
