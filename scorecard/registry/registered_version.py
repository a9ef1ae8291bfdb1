"""One registered version of a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """One version of a scorecard in the registry."""

    name: str
    version: str
    digest: str
    family: str
    run_id: str
    tags: Mapping[str, str] = field(default_factory=dict)
