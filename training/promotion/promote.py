"""A gate's verdict carried out: aliases, tags, announcement."""

from collections.abc import Callable
from datetime import UTC, datetime

from schemas.events.retraining import ChampionAnnouncement
from scorecard.registry.model_registry import CHALLENGER, CHAMPION, ModelRegistry
from scorecard.registry.registered_version import Registered
from training.promotion import version_tags
from training.promotion.gate import GateVerdict


def settle(
    registry: ModelRegistry,
    registered: Registered,
    announce: Callable[[ChampionAnnouncement], None],
    product: str,
    now: datetime | None = None,
) -> None:
    """Do what a version's verdict says: challenger, champion and announced, or neither. Idempotent.

    Raises:
        OutageError: MLflow or the broker is away; to be called again.
    """
    verdict = GateVerdict(registered.tags[version_tags.VERDICT])
    if verdict is GateVerdict.REJECT:
        return
    if verdict is GateVerdict.HOLD:
        registry.point(CHALLENGER, registered.version)
        return
    promote(registry, registered, registered.tags[version_tags.WHY], now or datetime.now(UTC))
    announce(announcement(product, registered, registered.tags[version_tags.WHY], now or datetime.now(UTC)))


def promote(registry: ModelRegistry, registered: Registered, why: str, now: datetime) -> None:
    """One alias move, the tags that say why set before it. The champion stays one throughout.

    Raises:
        OutageError: MLflow is away.
    """
    champion = registry.champion()
    if champion is not None and champion.version == registered.version:
        return
    told = {version_tags.PROMOTED_AT: now.isoformat(timespec="seconds"), version_tags.PROMOTED_WHY: why}
    if champion is not None:
        told[version_tags.PREVIOUS] = champion.version
    registry.point(CHALLENGER, registered.version)
    registry.point(CHAMPION, registered.version, told)
    registry.drop(CHALLENGER)


def announcement(product: str, registered: Registered, why: str, now: datetime) -> ChampionAnnouncement:
    """What the workers hear of a new champion."""
    return ChampionAnnouncement(
        product=product,
        name=registered.name,
        version=registered.version,
        digest=registered.digest,
        family=registered.family,
        previous_version=registered.tags.get(version_tags.PREVIOUS, ""),
        command_id=registered.tags.get(version_tags.COMMAND, ""),
        why=why,
        announced_at=now,
    )
