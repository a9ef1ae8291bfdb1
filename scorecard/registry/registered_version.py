"""One registered version of a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

DIGEST_TAG: Final = "digest"
FAMILY_TAG: Final = "family"


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    name: str
    version: str
    digest: str
    family: str
    run_id: str
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, version: object, run_id: str | None, tags: Mapping[str, str]) -> Self:
        """As MLflow holds it: digest and family are tags, and a version need not have a run."""
        return cls(
            name=name,
            version=str(version),
            digest=tags.get(DIGEST_TAG, ""),
            family=tags.get(FAMILY_TAG, ""),
            run_id=run_id or "",
            tags=tags,
        )
