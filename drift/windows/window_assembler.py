"""Panes of all partitions into windows: a fold over one log of partial counts.

A window closes when every partition that is not silent has passed its end. What a silent partition
brings later, when it speaks again, for a window that has closed, is told as late in the open one.

By time, windows lie on a grid from 1970. By count, panes are taken in order of event time until the
window holds enough: the same windows whatever the partitioning, which cutting at every n-th record
read would not give. A window without records is not told of.

Pure: the same partial counts in the same order give the same windows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from drift.binning.binned_records import NO_TIME
from drift.windows.window import Place, Window
from schemas.event_codec import as_record
from schemas.events.drift import DriftCounts, PaneCounts


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


@dataclass(slots=True)
class _Source:
    horizon: int = NO_TIME
    idle: bool = False


class WindowAssembler:
    """The open window and what waits for it. The same partial counts in the same order give the same windows."""

    def __init__(self, rules: WindowRules) -> None:
        self._rules = rules
        self._sources: dict[Place, _Source] = {}
        self._partitions: dict[str, int] = {}
        self._closed_through = NO_TIME
        self._waiting: dict[int, list[tuple[Place, PaneCounts]]] = {}
        self._open: Window | None = None

    @property
    def closed_through(self) -> int:
        """No pane that begins before this is counted any more."""
        return self._closed_through

    @property
    def held(self) -> int:
        """Panes in memory."""
        return sum(len(panes) for panes in self._waiting.values())

    @property
    def all_silent(self) -> bool:
        """Whether every partition was heard of and none is to be waited for."""
        return self._heard() and all(source.idle for source in self._sources.values())

    def hear(self, counts: DriftCounts) -> None:
        """Note how far a partition is, whichever champion it counts for."""
        place = (counts.source, counts.partition)
        source = self._sources.setdefault(place, _Source())
        source.horizon, source.idle = max(source.horizon, counts.horizon), counts.idle
        self._partitions[counts.source] = max(self._partitions.get(counts.source, 0), counts.partitions)

    def add(self, counts: DriftCounts) -> None:
        """Take a partition's closed panes."""
        for pane in counts.panes:
            self._waiting.setdefault(pane.start, []).append(((counts.source, counts.partition), pane))

    def closed(self) -> Iterator[Window]:
        """The windows that have closed since this was last asked, in order of time."""
        frontier = self._frontier()
        ready = sorted(start for start in self._waiting if start + self._rules.pane_ms <= frontier)
        for start in ready:
            yield from self._cut_before(start)
            for place, pane in self._waiting.pop(start):
                self._take(place, pane)
            if self._rules.window_count and self._filled():
                yield from self._close()
        if not self._rules.window_count and self._open is not None and frontier >= self._open.end:
            yield from self._close()

    def silent(self) -> Iterator[Window]:
        """Close the open window, for all has been silent for so long that nothing more is expected of it."""
        yield from self.closed()
        yield from self._close()

    def forget(self) -> int:
        """Drop the open window and what waits: they were counted in the bins of a former champion; how many records."""
        dropped = sum(pane.n for panes in self._waiting.values() for _, pane in panes)
        dropped += sum(tally.n for tally in self._open.tallies.values()) if self._open else 0
        self._waiting, self._open = {}, None
        return dropped

    def _heard(self) -> bool:
        heard = dict.fromkeys(self._rules.sources, 0)
        for source, _ in self._sources:
            heard[source] = heard.get(source, 0) + 1
        return all(heard[source] >= self._partitions.get(source, 1) for source in self._rules.sources)

    def _frontier(self) -> int:
        """Panes that end by then are complete."""
        if not self._heard():
            return NO_TIME
        speaking = [source.horizon for source in self._sources.values() if not source.idle]
        return min(speaking) if speaking else max(source.horizon for source in self._sources.values())

    def _cut_before(self, start: int) -> Iterator[Window]:
        """By time: close the open window if this pane lies beyond it."""
        if not self._rules.window_count and self._open is not None and start >= self._open.end:
            yield from self._close()

    def _take(self, place: Place, pane: PaneCounts) -> None:
        too_late = pane.start < self._closed_through
        window = self._open or self._opened(max(pane.start, self._closed_through))
        if not too_late and self._rules.window_count:
            window = window.stretched(pane.start, pane.start + self._rules.pane_ms)
        self._open = window.plus(place, pane, too_late=too_late)

    def _opened(self, start: int) -> Window:
        if self._rules.window_count:
            return Window(start=start, end=start + self._rules.pane_ms, tallies={}, stretches={})
        begin = start // self._rules.window_ms * self._rules.window_ms
        self._closed_through = max(self._closed_through, begin)
        return Window(start=begin, end=begin + self._rules.window_ms, tallies={}, stretches={})

    def _filled(self) -> bool:
        tally = self._open.tallies.get(self._rules.sources[0]) if self._open else None
        return tally is not None and tally.n >= self._rules.window_count

    def _close(self) -> Iterator[Window]:
        if self._open is not None:
            window, self._open = self._open, None
            self._closed_through = window.end
            yield window.resolved(self._rules.lateness_ms)

    def saved(self) -> dict[str, Any]:
        """Plain data that `restored` makes this of again."""
        return {
            "sources": [[*place, source.horizon, source.idle] for place, source in sorted(self._sources.items())],
            "partitions": self._partitions,
            "closed_through": self._closed_through,
            "waiting": [
                [*place, as_record(pane)] for start in sorted(self._waiting) for place, pane in self._waiting[start]
            ],
            "open": self._open.saved() if self._open else None,
        }

    @classmethod
    def restored(cls, rules: WindowRules, saved: Mapping[str, Any]) -> Self:
        """As it was saved.

        Raises:
            KeyError, TypeError: it is of another version.
        """
        windows = cls(rules)
        windows._sources = {(topic, partition): _Source(*rest) for topic, partition, *rest in saved["sources"]}
        windows._partitions = dict(saved["partitions"])
        windows._closed_through = saved["closed_through"]
        for topic, partition, pane in saved["waiting"]:
            windows._waiting.setdefault(pane["start"], []).append(((topic, partition), PaneCounts(**pane)))
        windows._open = Window.restored(saved["open"]) if saved["open"] else None
        return windows
