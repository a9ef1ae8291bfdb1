"""Trials of one batch spread over a Spark cluster; the cluster's Python needs this package.

Which choices are tried, and in which order they count, is decided on the driver (`training.search.proposals`).
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from scorecard.bulk.spark_session import on_cluster, session

Item = TypeVar("Item")
Result = TypeVar("Result")

OPTION: Final = "LOAN_SPARK_TRIALS"


def spark_map(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The result of each item, in the order of the items; each is a task of its own.

    Args:
        function: is sent to the cluster with all that it holds.
        items: one at least.

    Raises:
        SparkError: no session can be had, or a task failed there.
    """
    context = session(OPTION, {}).sparkContext

    def results() -> list[Result]:
        return list(context.parallelize(items, len(items)).map(function).collect())

    return on_cluster(results, f"{OPTION}: a trial failed on the cluster, whose Python needs this package")
