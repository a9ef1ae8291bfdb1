"""Panes of all partitions into windows: a fold over one log of partial counts.

A window closes when every partition that is not idle has passed its end. If all are idle, time
advances with the wall clock from where the stream stopped: a window by time closes once that is past its end and
the lateness, a window by count once it is full and never before. Records that a partition brings for a closed window
are counted as late in the next one that closes.

Panes are added up as they arrive: by time into the window that contains them, so windows wait
and not panes. By count, panes are taken in order of event time until the window holds enough: the
same windows for every partitioning, which a cut at every n-th record read would not give. A
window without records is not reported.

One window is saved; those after it are read again from the log of partial counts (`resume_at`).
Pure: the same partial counts in the same order give the same windows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from drift.binning.binned_records import NO_TIME
from drift.binning.week_hours import UTC_NAME
from drift.windows.window import Window
from drift.windows.window_grid import Calendar, WindowGrid
from schemas.events.drift import DriftCounts, PaneCounts
from schemas.records import Partition

FIRST: Final = 0
"""Offset of the first message of a log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRules:
    """How panes are grouped."""

    sources: Sequence[str]
    """Topics whose panes must meet; the first one's counts fill a window by count."""
    pane_ms: int
    lateness_ms: int
    window_ms: int
    window_count: int = 0
    """Applications a window; 0 for windows by time."""
    calendar: Calendar = Calendar.NONE
    time_zone: str = UTC_NAME
    ended_ms: int = 0
    """If all partitions are idle for this long (wall clock), the stream has ended; 0 for never."""

    @property
    def grid(self) -> WindowGrid:
        return WindowGrid(self.window_ms, self.calendar, self.time_zone)


@dataclass(slots=True)
class _Source:
    horizon: int = NO_TIME
    idle: bool = False


@dataclass(slots=True)
class _PendingWindow:
    """Counts so far of one window by time, or of one pane of a window by count."""

    window: Window
    first_at: int
    """Offset, in the log of partial counts, of the first message about it."""


@dataclass(slots=True)
class _Clock:
    """The stream's time, which advances with the wall clock while nothing arrives."""

    latest: int = NO_TIME
    """Start of the latest known pane."""
    heard_at: int = NO_TIME
    """Wall clock, milliseconds since 1970."""

    def hear(self, counts: DriftCounts, now: int) -> None:
        if counts.panes:
            self.latest = max(self.latest, *(pane.start for pane in counts.panes))
            self.heard_at = now

    def at(self, now: int, ended_ms: int) -> int:
        """The stream's time by now; never ahead of the wall clock."""
        if self.heard_at == NO_TIME:
            self.heard_at = now
        silent_ms = max(0, now - self.heard_at)
        return now if ended_ms and silent_ms >= ended_ms else min(now, self.latest + silent_ms)


@dataclass(slots=True)
class _Open:
    """A window by count that is being filled; by time, none is."""

    window: Window | None = None
    late: Window = field(default_factory=lambda: Window(start=0, end=0, tallies={}, stretches={}))
    """Panes of closed windows; reported with the next window that closes."""


class WindowAssembler:
    """The windows that are open. The same partial counts in the same order give the same windows."""

    def __init__(self, rules: WindowRules) -> None:
        self._rules = rules
        self._grid = rules.grid
        self._sources: dict[Partition, _Source] = {}
        self._partitions: dict[str, int] = {}
        self._clock = _Clock()
        self._reached = NO_TIME
        """Panes that end by then are complete."""
        self._closed_through = NO_TIME
        self._waiting: dict[int, _PendingWindow] = {}
        self._open = _Open()

    @property
    def close_horizon(self) -> int:
        """No pane that begins before this is counted any more."""
        return self._closed_through

    @property
    def pane_count(self) -> int:
        """Windows, or panes of windows by count, in memory."""
        return len(self._waiting)

    @property
    def all_silent(self) -> bool:
        """True if every partition is known and none is waited for."""
        return self._all_partitions_known() and all(source.idle for source in self._sources.values())

    @property
    def resume_at(self) -> int | None:
        """Offset of the first message about anything that is not saved; None if everything is."""
        saved = self._save_horizon()
        return min((each.first_at for start, each in self._waiting.items() if start >= saved), default=None)

    def hear(self, counts: DriftCounts, now: int) -> None:
        """Note how far a partition is, whichever champion it counts for.

        Args:
            now: wall clock, milliseconds since 1970.
        """
        place = (counts.source, counts.partition)
        source = self._sources.setdefault(place, _Source())
        source.horizon, source.idle = max(source.horizon, counts.horizon), counts.idle
        self._partitions[counts.source] = max(self._partitions.get(counts.source, 0), counts.partitions)
        self._clock.hear(counts, now)

    def add(self, counts: DriftCounts, offset: int) -> None:
        """Take a partition's panes, from the message at that offset."""
        for pane in counts.panes:
            self._add((counts.source, counts.partition), pane, offset)

    def add_again(self, counts: DriftCounts, offset: int) -> None:
        """Take those panes of a message read before that were not saved."""
        saved = self._save_horizon()
        for pane in counts.panes:
            if pane.start >= saved:
                self._add((counts.source, counts.partition), pane, offset)

    def pop_windows(self) -> Iterator[Window]:
        """The windows that have closed since the last call, in order of time."""
        self._reached = max(self._reached, self._frontier())
        for start in sorted(self._waiting):
            if self._waiting[start].window.end > self._reached:
                break
            yield from self._take(self._waiting.pop(start).window)
        if not self._rules.window_count and self._reached != NO_TIME:
            self._closed_through = max(self._closed_through, self._grid.around(self._reached)[0])

    def silent(self, now: int) -> Iterator[Window]:
        """The windows that have closed by the wall clock, when nothing arrives any more.

        Args:
            now: milliseconds since 1970.
        """
        if self._waiting and self.all_silent:
            passed = self._clock.at(now, self._rules.ended_ms) - self._rules.lateness_ms
            # Not further than there are records: what comes next is not late.
            held = max(each.window.end for each in self._waiting.values())
            self._reached = max(self._reached, min(passed // self._rules.pane_ms * self._rules.pane_ms, held))
            yield from self.pop_windows()

    def forget(self) -> int:
        """Drop what is open and what waits: counted in the bins of a former champion; how many records."""
        held = [each.window for each in self._waiting.values()]
        held += [self._open.window] if self._open.window else []
        self._waiting, self._open = {}, _Open()
        return sum(tally.n for window in held for tally in window.tallies.values())

    def _all_partitions_known(self) -> bool:
        heard = dict.fromkeys(self._rules.sources, 0)
        for source, _ in self._sources:
            heard[source] = heard.get(source, 0) + 1
        return all(heard[source] >= self._partitions.get(source, 1) for source in self._rules.sources)

    def _frontier(self) -> int:
        """Panes that end by then are complete in every partition that is waited for."""
        if not self._all_partitions_known():
            return NO_TIME
        speaking = [source.horizon for source in self._sources.values() if not source.idle]
        return min(speaking) if speaking else max(source.horizon for source in self._sources.values())

    def _save_horizon(self) -> int:
        """Panes that begin before this are saved, or already reported."""
        if self._rules.window_count:
            return max(self._closed_through, self._reached)
        first = min(self._waiting, default=None)
        return self._closed_through if first is None else max(self._closed_through, self._waiting[first].window.end)

    def _add(self, place: Partition, pane: PaneCounts, offset: int) -> None:
        if pane.start < self._closed_through:
            self._open.late = self._open.late.plus(place, pane, too_late=True)
            return
        start, end = self._bounds(pane)
        waiting = self._waiting.get(start)
        if waiting is None:
            waiting = _PendingWindow(Window(start=start, end=end, tallies={}, stretches={}), offset)
            self._waiting[start] = waiting
        waiting.window = waiting.window.plus(place, pane, too_late=False)

    def _bounds(self, pane: PaneCounts) -> tuple[int, int]:
        by_count = self._rules.window_count
        return (pane.start, pane.start + self._rules.pane_ms) if by_count else self._grid.around(pane.start)

    def _take(self, complete: Window) -> Iterator[Window]:
        if not self._rules.window_count:
            yield self._stamp(complete)
            return
        window = self._open.window
        window = complete if window is None else window.merge(complete).stretch(complete.start, complete.end)
        self._open.window = window
        if self._filled(window):
            self._open.window = None
            yield self._stamp(window)

    def _filled(self, window: Window) -> bool:
        tally = window.tallies.get(self._rules.sources[0])
        return tally is not None and tally.n >= self._rules.window_count

    def _stamp(self, window: Window) -> Window:
        late, self._open.late = self._open.late, _Open().late
        self._closed_through = max(self._closed_through, window.end)
        return window.merge(late).resolve(self._rules.lateness_ms)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that `from_dict` makes this of again, once what follows `resume_at` is read again."""
        first = min(self._waiting, default=None)
        by_time = self._waiting[first].window if first is not None and not self._rules.window_count else None
        window = self._open.window or by_time
        return {
            "sources": [[*place, source.horizon, source.idle] for place, source in sorted(self._sources.items())],
            "partitions": self._partitions,
            "closed_through": self._closed_through,
            "reached": self._reached,
            "latest": self._clock.latest,
            "heard_at": self._clock.heard_at,
            "open": window.to_dict() if window else None,
            "first_at": self._waiting[first].first_at if by_time and first is not None else FIRST,
            "late": self._open.late.to_dict(),
        }

    @classmethod
    def from_dict(cls, rules: WindowRules, saved: Mapping[str, Any]) -> Self:
        """As it was saved.

        Raises:
            KeyError, TypeError: it is of another version.
        """
        windows = cls(rules)
        windows._sources = {(topic, partition): _Source(*rest) for topic, partition, *rest in saved["sources"]}
        windows._partitions = dict(saved["partitions"])
        windows._closed_through = saved["closed_through"]
        windows._reached = saved.get("reached", NO_TIME)
        if saved["open"]:
            windows._restore(Window.from_dict(saved["open"]), saved.get("first_at", FIRST))
        if "late" in saved:
            windows._open.late = Window.from_dict(saved["late"])
        for topic, partition, pane in saved.get("waiting", ()):
            # Earlier versions saved every pane, without its message's offset: all is read again while one waits.
            windows._add((topic, partition), PaneCounts(**pane), FIRST)
        latest = max(windows._waiting, default=windows._reached)
        windows._clock = _Clock(saved.get("latest", latest), saved.get("heard_at", NO_TIME))
        return windows

    def _restore(self, window: Window, first_at: int) -> None:
        if self._rules.window_count:
            self._open.window = window
            self._reached = max(self._reached, window.end)
        else:
            self._waiting[window.start] = _PendingWindow(window, first_at)
