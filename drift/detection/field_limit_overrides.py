"""PSI limits of single fields, in place of `psi_watch` and `psi_drifted` of `drift.settings`. Pure.

As text: `person_income=.15:.3, score=.1:.25`, WATCH and DRIFTED of each.
"""

from collections.abc import Sequence, Set
from typing import Final

from schemas.events.drift import FieldLimits

SCORE: Final = "probability"
"""Name of the score among the quantities of a profile."""


def parse(text: str) -> tuple[FieldLimits, ...]:
    """The limits in the order of their names.

    Raises:
        ValueError: a part is no limit, or a field has two.
    """
    limits = sorted((_limit(part.strip()) for part in text.split(",") if part.strip()), key=lambda each: each.feature)
    names = [each.feature for each in limits]
    if len(set(names)) < len(names):
        message = f"a field has one limit each: {', '.join(names)}"
        raise ValueError(message)
    return tuple(limits)


def unknown(limits: Sequence[FieldLimits], fields: Set[str]) -> Sequence[str]:
    """Names that are neither a field nor the score."""
    return [each.feature for each in limits if each.feature not in fields | {SCORE}]


def _limit(part: str) -> FieldLimits:
    name, _, given = part.partition("=")
    try:
        watch_from, drifted_from = (float(number) for number in given.split(":"))
    except ValueError:
        watch_from = drifted_from = 0.0
    if not (name and 0.0 < watch_from <= drifted_from < float("inf")):
        message = f"{part[:60]!r} is no limit, such as person_income=.15:.3 (WATCH, then DRIFTED)"
        raise ValueError(message)
    return FieldLimits(feature=name.strip(), watch_from=watch_from, drifted_from=drifted_from)
