"""A Spark session, and its errors as one line each. PySpark is the extra `spark`, on driver and cluster alike."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, TypeVar

from schemas.errors import SetupError

Result = TypeVar("Result")


class SparkError(SetupError):
    """There is no Spark session, or what it was given failed there."""


def refuse_without_pyspark(option: str) -> None:
    """To be called before any work.

    Raises:
        SparkError: PySpark is not installed.
    """
    if find_spec("pyspark") is None:
        problem = (
            f"{option} needs PySpark, which is not installed: pip install 'loan-decisions[spark]', or do without it"
        )
        raise SparkError(problem)


def session(option: str, properties: Mapping[str, str]) -> Any:
    """A session; the cluster is that of `spark.master` among the properties, else of Spark's own configuration.

    Raises:
        SparkError: PySpark is not installed, or the cluster does not answer.
    """
    refuse_without_pyspark(option)
    from pyspark.sql import SparkSession

    def start() -> Any:
        builder = SparkSession.builder
        for name, value in properties.items():
            builder = builder.config(name, value)
        return builder.getOrCreate()

    return on_cluster(start, f"{option}: no Spark session can be had")


def on_cluster(act: Callable[[], Result], problem: str) -> Result:
    """The result of an act.

    Raises:
        SparkError: it failed; says the problem and the kind of failure, since Spark's own messages may hold a row.
    """
    try:
        return act()
    except Exception as cause:  # noqa: BLE001 - Java's, Py4J's and Spark's own, which share nothing
        failure = f"{problem} ({type(cause).__name__}); Spark's log says more"
        raise SparkError(failure) from None
