"""Choices proposed by Hyperopt in batches of a fixed size, so that a search is the same however its trials are spread.

A batch is proposed from the results of the batches before it alone, and told back as a whole, in its order: which trial
ends first, and on which machine, changes nothing. Pure, but that it remembers what it was told.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from training.families.family import Family, FamilyParameters
from training.search import space


class Proposals:
    """A sequence of choices: first a sound one of each family, then those of the surrogate."""

    def __init__(
        self, families: Sequence[Family], default_share: float, most_trees: int, suggest: Callable[..., Any], seed: int
    ) -> None:
        """Proposes nothing yet.

        Args:
            default_share: of the rows searched on, inside (0, 1).
        """
        import hyperopt
        from hyperopt.fmin import generate_trials_to_calculate

        self._hyperopt, self._suggest, self._most_trees = hyperopt, suggest, most_trees
        self._space = space.space(families, default_share)
        self._domain = hyperopt.base.Domain(dict, self._space)
        self._store = generate_trials_to_calculate([dict(point) for point in space.starts(families)])
        self._store.refresh()
        self._random = np.random.default_rng(seed)
        self._open: list[dict[str, Any]] = []

    def ask(self, count: int) -> list[FamilyParameters]:
        """The next choices; what was asked before must have been told."""
        started = [one for one in self._store.trials if one["state"] == self._hyperopt.JOB_STATE_NEW][:count]
        self._open = [*started, *(self._next() for _ in range(count - len(started)))]
        return [space.choice(self._point(one), self._most_trees) for one in self._open]

    def tell(self, losses: Sequence[float]) -> None:
        """The losses of the choices asked for last, in their order."""
        for one, loss in zip(self._open, losses, strict=True):
            one["result"] = {"loss": loss, "status": self._hyperopt.STATUS_OK}
            one["state"] = self._hyperopt.JOB_STATE_DONE
        self._store.refresh()

    def _next(self) -> dict[str, Any]:
        ids = self._store.new_trial_ids(1)
        (proposal,) = self._suggest(ids, self._domain, self._store, int(self._random.integers(2**31 - 1)))
        self._store.insert_trial_docs([proposal])
        self._store.refresh()
        # The store keeps a document of its own.
        return next(one for one in self._store.trials if one["tid"] == ids[0])

    def _point(self, proposal: Mapping[str, Any]) -> Mapping[str, Any]:
        found = {name: values[0] for name, values in proposal["misc"]["vals"].items() if values}
        point: Mapping[str, Any] = self._hyperopt.space_eval(self._space, found)
        return point
