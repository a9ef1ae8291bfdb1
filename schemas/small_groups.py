"""How few people a published mean, share or segment may be of: one rule for every report, view and page. Pure.

A mean of a few people reveals something of each of them to a reader who knows the others. Counts of all people stay as
they are, since counts are what is added up.
"""

from typing import Final

LEAST_PEOPLE: Final = 10
"""The least cell size that statistical offices commonly publish."""


def is_small(people: int) -> bool:
    """Whether a figure of so many people is withheld."""
    return people < LEAST_PEOPLE
