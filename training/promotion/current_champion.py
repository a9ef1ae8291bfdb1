"""The champion as a training finds it: what a challenger and its table are compared with.

A shell where it reads the bundle; `doubtful_ranges` is pure.
"""

from dataclasses import dataclass

import structlog

from schemas.contract.contract import Contract
from schemas.errors import SetupError
from scorecard import bundle
from scorecard.plausible_range import implausible_inputs
from scorecard.registry.model_registry import ModelRegistry
from scorecard.registry.registered_version import RegisteredVersion
from scorecard.scorecard import Scorecard
from training.promotion.champion_comparison import Incomparable
from training.rows.identity import Identities
from training.rows.labelled_rows import CleanRows

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CurrentChampion:
    """A champion that could be read."""

    version: RegisteredVersion
    scorecard: Scorecard
    made_of: Identities | None
    """Identities of the rows that it was fitted to; None where its bundle does not say."""


def read_champion(
    registry: ModelRegistry, version: RegisteredVersion, contract: Contract
) -> CurrentChampion | Incomparable:
    """The champion's scorecard, or why nothing can be compared with it.

    Raises:
        OutageError: MLflow is away.
    """
    try:
        folder = registry.fetch(version)
        scorecard = bundle.read(folder, contract, version.digest)
        return CurrentChampion(version, scorecard, bundle.training_identities(folder))
    except SetupError as fault:
        log.warning("champion.unreadable", version=version.version, why=str(fault))
        return Incomparable(champion_digest=version.digest, why=f"version {version.version} cannot be read: {fault}")


def doubtful_ranges(
    cleaned: CleanRows, champion: CurrentChampion | Incomparable | None, contract: Contract
) -> list[str]:
    """Scored fields most of whose values in the table lie in a tail of the champion's population, in words.

    Rows from the topics are the drift agent's to judge.
    """
    if not isinstance(champion, CurrentChampion):
        return []
    found = implausible_inputs(champion.scorecard, contract, cleaned.rows.values[~cleaned.rows.recent])
    return [f"{cleaned.source}: {each}" for each in found]
