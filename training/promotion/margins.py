"""Margins of non-inferiority: by how much a challenger may be worse than the champion, figure by figure. Pure."""

from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """A challenger may lose no more than these; each is compared with the upper end of a loss's 90 % interval."""

    cost: float = 0.02
    """Lost good loans per applicant."""
    auc: float = 0.02
    brier: float = 0.005
    log_loss: float = 0.015
    """Nats per loan."""
    level: float = 0.03
    """Distance of stated and observed default rate."""
    slope: float = 0.2
    """Distance of the calibration slope from 1."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The margins of a text such as `auc=0.01, level=0.005`; those that it does not name are the usual ones.

        Raises:
            ValueError: it is none, or a margin is no number of 0 or more.
        """
        parts = [part.strip().partition("=") for part in text.split(",") if part.strip()]
        given = {name.strip(): _margin(number) for name, _, number in parts}
        known = [each.name for each in fields(cls)]
        if len(given) < len(parts) or not set(given) <= set(known) or not all(each >= 0.0 for each in given.values()):
            message = f"{text[:60]!r} is no list of margins such as auc=0.01, level=0.005; known are {', '.join(known)}"
            raise ValueError(message)
        return cls(**given)


def _margin(number: str) -> float:
    """The number, or one that no margin may be."""
    try:
        return float(number)
    except ValueError:
        return -1.0
