"""Trials of one batch spread over a Spark cluster; the cluster's Python needs this package.

Which choices are tried, and in which order they count, is decided on the driver (`training.search.proposals`).
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, TypeVar

from schemas.errors import SetupError

Item = TypeVar("Item")
Result = TypeVar("Result")


class NoSparkError(SetupError):
    """Trials are to be spread over a cluster, and there is none that can be reached and can try them."""


def refuse_without_pyspark() -> None:
    """To be called before any work.

    Raises:
        NoSparkError: it is not installed.
    """
    if find_spec("pyspark") is None:
        missing, remedy = "PySpark, which is not installed", "pip install 'loan-decisions[spark]', or set it to 0"
        problem = f"LOAN_SPARK_TRIALS needs {missing}: {remedy}"
        raise NoSparkError(problem)


def spark_map(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The result of each item, in the order of the items; each is a task of its own.

    Args:
        function: is sent to the cluster with all that it holds.
        items: one at least.

    Raises:
        NoSparkError: no session can be had, or a task failed there.
    """
    context = _context()
    try:
        found: list[Result] = context.parallelize(items, len(items)).map(function).collect()
    except Exception as cause:  # noqa: BLE001 - Java's, Py4J's and Spark's own, which share nothing
        problem = (
            f"LOAN_SPARK_TRIALS: a trial failed on the cluster ({type(cause).__name__}); its Python needs this package"
        )
        raise NoSparkError(problem) from None
    return found


def _context() -> Any:
    from pyspark.sql import SparkSession

    try:
        return SparkSession.builder.getOrCreate().sparkContext
    except Exception as cause:  # noqa: BLE001 - the same
        problem = f"LOAN_SPARK_TRIALS: no Spark session can be had ({type(cause).__name__})"
        raise NoSparkError(problem) from None
