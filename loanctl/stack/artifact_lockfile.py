"""Writes the lock file of the local stack: `python -m loanctl.stack.artifact_lockfile`.

Run by a developer after changing a version in `loanctl.stack.artifacts`. Asks Maven Central for
every dependency, fetches each, and notes what came. Users never run this.
"""

import hashlib
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from loanctl.stack.artifacts import KAFKA_VERSION, LOCK, REGISTRY_VERSION

KAFKA: Final = ("kafka_2.13", "kafka-tools")
LOG4J_VERSION: Final = "2.25.4"
"""The version that this Kafka resolves to."""
NOT_RUN: Final = ("org.apache.kafka", "connect-runtime")
"""Kafka's tools name Connect, and with it forty jars of a web server that a broker never starts."""
FETCHERS: Final = 8


def main() -> int:
    """Resolve, fetch and write; prints what it wrote."""
    from jgo.maven import MavenContext

    with tempfile.TemporaryDirectory() as folder:
        maven = MavenContext(repo_cache=Path(folder), timeout=60)
        registry = maven.project("io.apicurio", "apicurio-registry-app").at_version(REGISTRY_VERSION)
        with ThreadPoolExecutor(FETCHERS) as pool:
            kafka = list(pool.map(_table, _broker(maven)))
        text = _lock(kafka, _table(registry.artifact("all", "tar.gz")))
    path = Path(__file__).with_name(LOCK)
    path.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{path}: {len(kafka) + 1} artifacts\n")
    return 0


def _broker(maven: Any) -> list[Any]:
    connect = [maven.project(*NOT_RUN)]
    wanted = [_dependency(maven, "org.apache.kafka", name, KAFKA_VERSION, connect) for name in KAFKA]
    wanted.append(_dependency(maven, "org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J_VERSION))
    inputs, transitive = maven.resolver.resolve(wanted)
    needed = [dependency for dependency in transitive if dependency.scope in {"compile", "runtime"}]
    return [dependency.artifact for dependency in (*inputs, *needed)]


def _dependency(maven: Any, group: str, name: str, version: str, without: Sequence[Any] = ()) -> Any:
    from jgo.parse import Coordinate

    # Only Kafka may say which versions go together: log4j's own list would bring another Kafka client.
    raw = group != "org.apache.kafka"
    coordinate = Coordinate(groupId=group, artifactId=name, version=version, scope="compile", raw=raw)
    return maven.create_dependency(coordinate, list(without))


def _table(artifact: Any) -> str:
    content = Path(artifact.resolve()).read_bytes()
    facts = {
        "group": artifact.groupId,
        "name": artifact.artifactId,
        "version": artifact.version,
        "packaging": artifact.packaging,
        "classifier": artifact.classifier,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return "".join(f'{name} = "{value}"\n' for name, value in facts.items()) + f"size = {len(content)}\n"


def _lock(kafka: Iterable[str], registry: str) -> str:
    heading = "# Written by `python -m loanctl.stack.artifact_lockfile`; not to be edited.\n\n"
    return heading + f"[registry]\n{registry}" + "".join(f"\n[[kafka]]\n{table}" for table in kafka)


if __name__ == "__main__":
    sys.exit(main())
