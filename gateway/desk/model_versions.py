"""Champion and challenger side by side, from the registry's tags. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scorecard.decisions.scoring import RegisteredScorecard
from scorecard.registry.registered_version import RegisteredVersion

METRIC: Final = "metric."
"""Before a figure's name in a version's tags."""
FIGURES: Final = ("auc", "pr_auc", "ks", "f1", "precision", "recall", "accuracy", "brier", "log_loss", "ece")
"""Shown first, in this order, where a version has them."""
FACTS: Final = (
    ("verdict", "Verdict of the gate"),
    ("why", "Why"),
    ("rows", "Rows"),
    ("previous_version", "After version"),
    ("promoted_at", "Promoted"),
    ("promoted_why", "Promoted why"),
    ("command_id", "Retrain command"),
)


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One fact or figure of both."""

    label: str
    champion: str
    challenger: str


def comparison(champion: RegisteredVersion | None, challenger: RegisteredVersion | None) -> list[ComparisonRow]:
    """Entries of either version, the figures last; an empty text if one lacks it."""
    both = [each.tags if each else {} for each in (champion, challenger)]
    rows = [("Version", *(each.version if each else "" for each in (champion, challenger)))]
    rows += [("Family", *(each.family if each else "" for each in (champion, challenger)))]
    rows += [(label, *(tags.get(tag, "") for tags in both)) for tag, label in FACTS]
    rows += [(name.replace("_", " "), *(_figure(tags, name) for tags in both)) for name in _names(both)]
    return [ComparisonRow(*row) for row in rows if any(row[1:])]


def card(champion: RegisteredScorecard) -> dict[str, Any]:
    """A scorecard's own description."""
    scorecard = champion.scorecard
    return {
        "name": scorecard.name,
        "version": champion.version,
        "digest": scorecard.digest,
        "family": scorecard.family,
        "trees": len(scorecard.forest.roots),
        "space": scorecard.space.replace("_", " ").lower(),
        "base_value": scorecard.base_value,
        "reference_id": scorecard.profile.reference_id,
        "fields": scorecard.features.fields,
    }


def _names(both: Sequence[Mapping[str, str]]) -> list[str]:
    known = {tag.removeprefix(METRIC) for tags in both for tag in tags if tag.startswith(METRIC)}
    return [name for name in FIGURES if name in known] + sorted(known - set(FIGURES))


def _figure(tags: Mapping[str, str], name: str) -> str:
    text = tags.get(f"{METRIC}{name}", "")
    try:
        return f"{float(text):.4f}"
    except ValueError:
        return text
