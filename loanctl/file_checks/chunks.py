"""Parts of a file that are judged as windows: so many, of so many rows, or by the calendar. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drift.windows.window_grid import Calendar, WindowGrid
from schemas.errors import SetupError
from schemas.tables.times import NO_TIME

Integers = npt.NDArray[np.int64]


class ChunkError(SetupError):
    """The parts that were asked for cannot be cut."""


@dataclass(frozen=True, slots=True)
class ChunkRule:
    """How a file is cut; in one part where nothing is set."""

    chunks: int = 0
    """So many parts of nearly equal size."""
    rows: int = 0
    """Parts of so many rows; the last one may have fewer."""
    calendar: Calendar = Calendar.NONE
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse two rules at once."""
        if sum(map(bool, (self.chunks, self.rows, self.calendar))) > 1:
            problem = "a file is cut by --chunks, by --chunk-rows or by --by: name one of them"
            raise ChunkError(problem)


@dataclass(frozen=True, slots=True)
class Chunk:
    start: int
    """Event time in milliseconds since 1970, or the number of the first row, from 0, in a file without times."""
    end: int
    """Exclusive."""
    rows: Integers
    """Places in the file."""
    timed: bool
    """Whether start and end are times."""


def chunks(times: Integers, rule: ChunkRule) -> list[Chunk]:
    """The parts of a file in order of time, or of rows where it has no times; none is empty.

    Args:
        times: shape (n,), n at least 1; milliseconds since 1970, or `NO_TIME` in every row.

    Raises:
        ChunkError: by the calendar, and there are no times.
    """
    timed = not (times == NO_TIME).any()
    if rule.calendar and not timed:
        problem = "a file is cut by the calendar where each row has an event time: name its column by --time-column"
        raise ChunkError(problem)
    order = np.argsort(times, kind="stable") if timed else np.arange(len(times))
    if rule.calendar:
        return list(_by_calendar(times, order, rule))
    after = np.arange(rule.rows, len(order), rule.rows) if rule.rows else rule.chunks or 1
    return [_chunk(part, times, timed=timed) for part in np.array_split(order, after) if len(part)]


def _chunk(rows: Integers, times: Integers, *, timed: bool) -> Chunk:
    places = times if timed else np.arange(len(times))
    return Chunk(int(places[rows].min()), int(places[rows].max()) + 1, rows, timed)


def _by_calendar(times: Integers, order: Integers, rule: ChunkRule) -> Iterator[Chunk]:
    grid = WindowGrid(0, rule.calendar, rule.time_zone)
    starts = np.array([grid.around(moment)[0] for moment in times[order].tolist()], dtype=np.int64)
    for start in np.unique(starts).tolist():
        yield Chunk(start, grid.around(start)[1], order[starts == start], timed=True)
