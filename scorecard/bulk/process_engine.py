"""Row groups spread over processes of this machine: a function of a row group, each on one core.

Memory is bounded by processes times a batch of rows. A process that dies ends the run with one line; what is on disk
by then stays, and the next run goes on from there.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Final, TypeVar

import pyarrow as pa

from schemas.errors import SetupError
from scorecard.bulk.row_groups import RowGroup

Result = TypeVar("Result")

AHEAD: Final = 2
"""Row groups handed to each process beforehand, so that none waits, and few are lost where one ends the run."""


class DeadProcessError(SetupError):
    """A process of the run was killed."""


def map_groups(
    function: Callable[[int, RowGroup], Result], groups: Sequence[tuple[int, RowGroup]], processes: int
) -> Iterator[Result]:
    """The result of each row group, in the order in which they end.

    Args:
        function: is sent to the processes with all that it holds.
        groups: with their places in the table.
        processes: at work at once; with one, the work is done here.

    Raises:
        DeadProcessError: one was killed.
    """
    if processes == 1:
        yield from (function(place, group) for place, group in groups)
        return
    # A process that was forked would inherit locks of threads that it does not have.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, _use_one_core) as pool:
        try:
            yield from _results(pool, function, iter(groups), AHEAD * processes)
        except BrokenProcessPool as cause:
            problem = "a process was killed, by want of memory or by someone: run the same once more, with fewer"
            raise DeadProcessError(problem) from cause
        finally:
            pool.shutdown(cancel_futures=True)


def _results(
    pool: ProcessPoolExecutor,
    function: Callable[[int, RowGroup], Result],
    groups: Iterator[tuple[int, RowGroup]],
    most: int,
) -> Iterator[Result]:
    running: set[Future[Result]] = set()
    for place, group in groups:
        running.add(pool.submit(function, place, group))
        if len(running) >= most:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (each.result() for each in done)
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        yield from (each.result() for each in done)


def _use_one_core() -> None:
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
