"""Which version decided before the champion, and what speaks against letting a version decide. Pure.

Every promotion and every taking back leaves its time on the version (`training.promotion.version_tags`), so the
versions themselves are the list of reigns. Tags come before the alias: an act that was broken off leaves them, too.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from scorecard.registry.registered_version import RegisteredVersion
from training.promotion import version_tags
from training.promotion.gate import GateVerdict

NEVER: Final = datetime.min.replace(tzinfo=UTC)
YEAR: Final = timedelta(days=365)


def predecessor(champion: RegisteredVersion, versions: Iterable[RegisteredVersion]) -> RegisteredVersion | None:
    """The version that decided last before the champion and was not taken back; None where there is none.

    A version whose alias was moved by hand in MLflow has no time: it counts only where the champion names it.

    Args:
        versions: all of the scorecard, in any order.
    """
    before = [
        each
        for each in versions
        if each.version != champion.version and _ruled_before(each, champion) and not is_taken_back(each)
    ]
    return max(before, key=lambda each: (_time(each, version_tags.PROMOTED_AT), int(each.version)), default=None)


def comparisons(champion: RegisteredVersion, versions: Iterable[RegisteredVersion], now: datetime) -> int:
    """How many versions were compared with this champion within the year before a time.

    Args:
        versions: all of the scorecard, in any order.
        now: aware.
    """
    return sum(
        each.tags.get(version_tags.PREVIOUS) == champion.version and now - _time(each, version_tags.COMPARED) <= YEAR
        for each in versions
    )


def is_taken_back(version: RegisteredVersion) -> bool:
    """Whether a person took it back, and nobody has promoted it since."""
    if version_tags.TAKEN_BACK not in version.tags:
        return False
    return _time(version, version_tags.TAKEN_BACK) >= _time(version, version_tags.PROMOTED_AT)


def objections(chosen: RegisteredVersion, champion: RegisteredVersion | None) -> list[str]:
    """What speaks against letting a version decide, in words; a version without a verdict was not judged here."""
    found = []
    if chosen.tags.get(version_tags.VERDICT) == GateVerdict.REJECT:
        found.append(f"the gate rejected it: {chosen.tags.get(version_tags.WHY, '')}")
    if is_taken_back(chosen):
        found.append(f"it was taken back: {chosen.tags.get(version_tags.TAKEN_BACK_WHY, '')}")
    elif version_tags.VERDICT in chosen.tags and version_tags.PROMOTED_AT not in chosen.tags:
        compared_with = chosen.tags.get(version_tags.PREVIOUS, "")
        now = champion.version if champion else ""
        if compared_with != now:
            found.append(
                f"it was compared with {f'version {compared_with}' if compared_with else 'no champion'}, and"
                f" {f'version {now} decides' if now else 'nobody decides'} now"
            )
    return found


def _ruled_before(version: RegisteredVersion, champion: RegisteredVersion) -> bool:
    """Whether a version decided before the champion, as the tags have it.

    Tags are written before the alias moves: one promoted later than the champion was to decide, and never did.
    """
    if version.version == champion.tags.get(version_tags.PREVIOUS):
        return True
    promoted, began = _time(version, version_tags.PROMOTED_AT), _time(champion, version_tags.PROMOTED_AT)
    if version_tags.PROMOTED_AT not in version.tags:
        return False
    # Taken back at the same time: the champion still decides only because that act was broken off.
    return began == NEVER or promoted <= began or promoted == _time(champion, version_tags.TAKEN_BACK)


def _time(version: RegisteredVersion, tag: str) -> datetime:
    """The time of a tag; `NEVER` where it is absent, or a person wrote there what is no time."""
    try:
        told = datetime.fromisoformat(version.tags.get(tag, ""))
    except ValueError:
        return NEVER
    return told if told.tzinfo else told.replace(tzinfo=UTC)
