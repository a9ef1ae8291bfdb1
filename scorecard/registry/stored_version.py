"""A version of a model as MLflow holds it, and what can read one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version as MLflow holds it."""

    version: str
    run_id: str
    tags: Mapping[str, str]
    place: str
    """URI of the folder of its model."""


class VersionReader(Protocol):
    """Reads versions of registered models. Every call blocks.

    Raises:
        ModelRegistryAwayError: MLflow does not answer.
        ModelRegistryRefusedError: it refuses us, or is not MLflow.
    """

    def by_alias(self, name: str, alias: str) -> StoredVersion | None:
        """The version that an alias points to; None where it points nowhere."""

    def by_number(self, name: str, version: str) -> StoredVersion | None:
        """One version; None where there is no such."""

    def all_of(self, name: str) -> Sequence[StoredVersion]:
        """Every version of a model, in any order."""
