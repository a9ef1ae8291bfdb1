"""What the local stack is made of: Maven artifacts, each at one version with one checksum.

The lock file beside this module is written by `python -m loanctl.stack.artifact_lockfile` and by nothing else.
Pure: it is read from the package; fetching lives in `loanctl.stack.artifact_cache`.
"""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final, Self

KAFKA_VERSION: Final = "4.3.1"
"""4.4.0's POM names an artifact that does not exist."""
REGISTRY_VERSION: Final = "3.3.3"
LOCK: Final = "artifacts.lock"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of a Maven repository. `size` in bytes; `sha256` in lower-case hex."""

    group: str
    name: str
    version: str
    packaging: str
    classifier: str
    sha256: str
    size: int

    @property
    def filename(self) -> str:
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{classifier}.{self.packaging}"

    @property
    def folder(self) -> str:
        """Where a cache keeps it: named by content, so that what is there is right."""
        return self.sha256[:16]


@dataclass(frozen=True, slots=True)
class ArtifactLock:
    """All artifacts of the stack: the broker's class path in order, and the registry's archive."""

    kafka: tuple[Artifact, ...]
    registry: Artifact

    @classmethod
    def of(cls, text: str) -> Self:
        tables = tomllib.loads(text)
        return cls(
            kafka=tuple(Artifact(**table) for table in tables["kafka"]),
            registry=Artifact(**tables["registry"]),
        )

    def all(self) -> tuple[Artifact, ...]:
        """Every artifact, the largest first: a fetch ends with its longest file otherwise."""
        return tuple(sorted((*self.kafka, self.registry), key=lambda artifact: -artifact.size))


@lru_cache(maxsize=1)
def artifact_lock() -> ArtifactLock:
    return ArtifactLock.of((resources.files("loanctl.stack") / LOCK).read_text(encoding="utf-8"))
