"""`score_batch`, bytes to bytes: against the per-event way of the libraries, and against itself unexplained."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from scorecard.decisions.scoring import RegisteredScorecard, score_batch, warm
from scorecard.forest.forest import Nodes, sums_of_leaves
from tests.bench import models
from tests.bench.measurement import Line, Way, comparison
from tests.bench.per_event import PerEvent
from tests.builders import WRITERS, a_batch, a_champion, a_wire

SIZE: Final = 500
FEW: Final = 20
"""Of a batch, for the per-event way: each costs milliseconds."""
ROUNDS: Final = 9


class ExplainerStub:
    """Stands where an explainer does, and only walks the trees."""

    def __init__(self, nodes: Nodes, base: float, features: int) -> None:
        self.base_value = base
        self._nodes, self._features = nodes, features

    def explain(self, matrix: npt.NDArray[np.float32]) -> tuple[Any, Any]:
        """Margins, and no contributions."""
        return sums_of_leaves(self._nodes, matrix, self.base_value), np.zeros((len(matrix), self._features))


def lines() -> Iterator[Line]:
    """For both sizes of champion."""
    for depth, trees in ((6, 300), (4, 200)):
        booster = models.an_xgboost(depth, trees)
        champion = a_champion(forest=models.forest_of(booster))
        name = f"score_batch, XGBoost depth {depth} x {trees}, batch {SIZE}"
        batch = a_batch(*models.application_values(SIZE))
        explained = Way("ours", _scoring(champion, batch), SIZE)
        yield comparison(
            name, explained, Way("the same, unexplained", _scoring(_without_explainer(champion), batch), SIZE), ROUNDS
        )
        with TemporaryDirectory() as folder:
            model = Path(folder) / "model.ubj"
            booster.save_model(model)
            per_event = PerEvent(model)
        one_by_one = Way(
            "per event, libraries", lambda per_event=per_event, batch=batch: _answers(per_event, batch), FEW
        )
        yield comparison(f"{name}, per event", explained, one_by_one, ROUNDS)


def _scoring(champion: RegisteredScorecard, batch: Any) -> Any:
    wire, policy = a_wire(), champion.scorecard.policy
    if not isinstance(champion.scorecard.explainer, ExplainerStub):
        warm(champion, policy, wire)
    return lambda: score_batch(batch, WRITERS, champion, policy, wire)


def _without_explainer(champion: RegisteredScorecard) -> RegisteredScorecard:
    forest, features = champion.scorecard.forest, len(champion.scorecard.features.names)
    stand_in: Any = ExplainerStub(forest.nodes(), forest.base, features)
    return replace(champion, scorecard=replace(champion.scorecard, explainer=stand_in))


def _answers(per_event: PerEvent, batch: Any) -> list[bytes]:
    return [per_event.answer(value) for value in batch.values[:FEW]]
