"""Drift's counting of applications, bytes to counts, against `score_batch` on the same records."""

from collections.abc import Iterator
from typing import Any, Final

from drift.binning.binner import ApplicationCells
from drift.binning.reference import Reference
from drift.windows.panes import PanePosition, PartitionPanes
from drift.windows.watermark import PaneRules
from scorecard.decisions.scoring import RegisteredScorecard, score_batch, warm
from tests.bench import models
from tests.bench.measuring import Line, Way, compared
from tests.builders import CONTRACT, WRITERS, a_batch, a_champion, a_wire

SIZES: Final = (500, 5_000)
"""The worker's batch in the other parts, and what the agent takes at once."""
ROUNDS: Final = 9
RULES: Final = PaneRules(pane_ms=60_000, lateness_ms=60_000, ahead_ms=86_400_000)
"""The agent's own, by default."""


def lines() -> Iterator[Line]:
    """For both sizes of champion: the counting is the same."""
    for depth, trees in ((6, 300), (4, 200)):
        champion = a_champion(forest=models.forest_of(models.an_xgboost(depth, trees)))
        for size in SIZES:
            batch = a_batch(*models.application_values(size))
            yield compared(
                f"drift counting, batch {size}, against score_batch, XGBoost depth {depth} x {trees}",
                Way("ours", _counting(champion, batch), size),
                Way("score_batch", _scoring(champion, batch), size),
                ROUNDS,
            )


def _counting(champion: RegisteredScorecard, batch: Any) -> Any:
    """Decoded, binned, put into panes, ids remembered; each time from an empty partition."""
    reference = Reference.of(0, champion.version, "d", champion.scorecard.profile, CONTRACT)
    cells = ApplicationCells(CONTRACT, reference)

    def counted() -> object:
        panes = PartitionPanes(RULES, cells.shape, PanePosition())
        panes.observe(cells.observe(batch, WRITERS))
        return panes.pop_panes()

    return counted


def _scoring(champion: RegisteredScorecard, batch: Any) -> Any:
    wire, policy = a_wire(), champion.scorecard.policy
    warm(champion, policy, wire)
    return lambda: score_batch(batch, WRITERS, champion, policy, wire)
