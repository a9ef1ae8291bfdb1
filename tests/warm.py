"""Compiles the kernels and creates an MLflow file, once: each of the processes that a test or the demo starts would."""

import numpy as np

from ledger.ingest import bulk_decision_rows
from scorecard.counterfactuals import CounterfactualSearch
from scorecard.decisions import bulk_decision_decoder
from scorecard.decisions.scoring import warm
from tests.builders import CONTRACT, a_champion, a_wire
from tests.mlflow_store import archive_empty_store
from training.promotion.champion_comparison import ChampionComparison
from training.promotion.paired_bootstrap import paired_auc


def main() -> None:
    """What numba has compiled lies beside the sources, or where `NUMBA_CACHE_DIR` says."""
    champion = a_champion()
    warm(champion, champion.scorecard.policy, a_wire())
    bulk_decision_decoder.warm()
    bulk_decision_rows.warm()
    scorecard = champion.scorecard
    CounterfactualSearch(scorecard, scorecard.policy, CONTRACT).warm(np.zeros(len(CONTRACT.observed)))
    stated = np.array([0.2, 0.8])
    both = ChampionComparison(defaulted=stated > 0.5, challenger=stated, champion=stated, champion_digest="")
    paired_auc(both, seed=1, draws=1)


if __name__ == "__main__":
    main()
    archive_empty_store()
