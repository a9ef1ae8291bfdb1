"""The baseline: a plain logistic regression, which a model must beat to justify its trees. Pure."""

from typing import Final

import numpy as np
import numpy.typing as npt

from training.evaluation.discrimination_figures import auc
from training.families.family import TrainingSample

MOST_ROWS: Final = 200_000
"""Fitted to. More change no coefficient of a line in the second decimal; its solver holds copies of them all."""


def logistic(train: TrainingSample, judged: TrainingSample) -> npt.NDArray[np.float64]:
    """Probabilities of a logistic regression, fitted to the first, for the second; shape (n of the second,)."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(max_iter=500),
    )
    train = train.take(np.linspace(0, len(train.defaulted) - 1, min(len(train.defaulted), MOST_ROWS)).astype(np.int64))
    model.fit(train.matrix.astype(np.float64), train.defaulted)
    return np.asarray(model.predict_proba(judged.matrix.astype(np.float64))[:, 1], dtype=np.float64)


def floor_auc(rows: TrainingSample, folds: npt.NDArray[np.int64]) -> float:
    """Its mean AUC over folds, each judged by a regression on the others."""
    aucs = []
    for fold in np.unique(folds):
        held = rows.take(folds == fold)
        aucs.append(auc(held.defaulted, logistic(rows.take(folds != fold), held)))
    return float(np.mean(aucs))
