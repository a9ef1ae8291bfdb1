"""Carries out the gate's verdict: aliases, tags, announcement."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from schemas.events.audit import AuditAction
from schemas.events.retraining import ChampionAnnouncement
from scorecard.registry.model_registry import CHALLENGER, CHAMPION, ModelRegistry
from scorecard.registry.registered_version import RegisteredVersion
from training.promotion import version_tags
from training.promotion.gate import GateVerdict


class AuditRecord(Protocol):
    """See `streams.kafka.producer.audit_trail.AuditTrail.record`."""

    def __call__(self, action: AuditAction, subject: str, why: str, before: str = "", after: str = "") -> None:
        """Record an act that is about to take place. Raises OutageError, SetupError."""


class Herald(Protocol):
    """Tells of alias moves: the audit log before them, the workers after them."""

    def record(self, action: AuditAction, subject: str, why: str, before: str = "", after: str = "") -> None:
        """See `AuditRecord`."""

    def announce(self, announcement: ChampionAnnouncement) -> None:
        """Who decides now."""


def settle(
    registry: ModelRegistry,
    registered: RegisteredVersion,
    herald: Herald,
    product: str,
    now: datetime | None = None,
) -> None:
    """Carry out a version's verdict: challenger, champion and announced, or neither. Idempotent.

    Raises:
        OutageError: MLflow or the broker is away; to be called again.
    """
    verdict = GateVerdict(registered.tags[version_tags.VERDICT])
    # A version that a person took back stays so, even if its trainer resumes after a crash.
    if verdict is GateVerdict.REJECT or version_tags.TAKEN_BACK in registered.tags:
        return
    if verdict is GateVerdict.HOLD:
        hold(registry, registered, herald.record)
        return
    promote(registry, registered, registered.tags[version_tags.WHY], now or datetime.now(UTC), herald.record)
    herald.announce(announcement(product, registered, registered.tags[version_tags.WHY], now or datetime.now(UTC)))


def hold(registry: ModelRegistry, registered: RegisteredVersion, record: AuditRecord) -> None:
    """Make a version challenger: it waits for a person.

    Raises:
        OutageError: MLflow is away, or the act cannot be recorded.
    """
    waits = registry.champion(CHALLENGER)
    before = waits.version if waits else ""
    if before != registered.version:
        why = registered.tags[version_tags.WHY]
        record(AuditAction.HOLD, registered.name, why, before=before, after=registered.version)
    registry.point(CHALLENGER, registered.version)


def promote(
    registry: ModelRegistry, registered: RegisteredVersion, why: str, now: datetime, record: AuditRecord
) -> None:
    """One alias move, after recording it and setting tags with the reason; there is one champion throughout.

    Raises:
        OutageError: MLflow is away, or the act cannot be recorded.
    """
    champion = registry.champion()
    before = champion.version if champion else ""
    if before == registered.version:
        return
    record(AuditAction.PROMOTE, registered.name, why, before=before, after=registered.version)
    told = {version_tags.PROMOTED_AT: now.isoformat(timespec="milliseconds"), version_tags.PROMOTED_WHY: why}
    if champion is not None:
        told[version_tags.PREVIOUS] = champion.version
    _move_alias(registry, registered, told)


def take_back(
    registry: ModelRegistry, champion: RegisteredVersion, previous: RegisteredVersion, why: str, now: datetime
) -> None:
    """Let an earlier champion decide again (`training.promotion.reigns.predecessor`).

    Raises:
        OutageError: MLflow is away.
    """
    at = now.isoformat(timespec="milliseconds")
    registry.tag(champion.version, {version_tags.TAKEN_BACK: at, version_tags.TAKEN_BACK_WHY: why})
    _move_alias(registry, previous, {version_tags.PROMOTED_AT: at, version_tags.PROMOTED_WHY: why})


def _move_alias(registry: ModelRegistry, registered: RegisteredVersion, tags: Mapping[str, str]) -> None:
    waits = registry.champion(CHALLENGER)
    registry.point(CHAMPION, registered.version, tags)
    # Another challenger that waits for a person keeps waiting.
    if waits is not None and waits.version == registered.version:
        registry.drop(CHALLENGER)


def announcement(product: str, registered: RegisteredVersion, why: str, now: datetime) -> ChampionAnnouncement:
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
