"""The last window owner's state, read back from Kafka.

A shell around the compacted topic of states; `drift.agent.window_owner` uses the state.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog

from drift.monitor import Findings, Monitor
from drift.performance.kept_sample import assemble, chunk_starts, chunks_of, digest_of_text
from drift.settings import DriftSettings
from schemas.errors import RecordError
from schemas.events.drift import DriftState
from schemas.registry_client import EventSerde
from streams.kafka.group.start_offsets import Start
from streams.kafka.kafka_errors import ReadingError
from streams.kafka.producer.transactions import TRANSACTION_TIMEOUT_MS
from streams.kafka.topics.topic_reader import PartitionRange, blocks, partition_ranges

LOOKED_BACK: Final = (10, 1_000, 100_000)
"""Offsets from the end among which the last state is sought: markers of transactions take offsets, too."""
LOOK_AGAIN_S: Final = 0.2
CLEARED: Final = DriftState(product="", state="")
"""The state of a tombstone, or of bytes that are no state."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class SavedSample:
    """The kept sample of performance checks, in parts on the topic of states."""

    text: str
    after: int
    """Offset on that topic; its parts lie from there on."""
    digest: str
    published: bool = False
    former_parts: int = 0
    """Of the samples before it, so many parts lie on the topic."""

    def parts(self) -> list[str]:
        """What its records hold; empty where only a longer sample before it had a part: no loan outlives its sample."""
        own = list(chunks_of(self.text))
        return own + [""] * (self.former_parts - len(own))

    def to_dict(self) -> dict[str, Any]:
        """Where it lies, and by which digest it is known."""
        return {"after": self.after, "chunks": len(chunk_starts(self.text)), "digest": self.digest}


@dataclass(slots=True)
class OwnerState:
    """What an owner starts from; an agent that does not own the windows has none."""

    monitor: Monitor
    positions: dict[str, int]
    """The next offset of each topic."""
    findings: Findings = field(default_factory=Findings)
    """Not published yet."""
    changed: bool = False
    """Something was learnt since the state was saved."""
    published: int = 0
    """Transactions so far."""
    sample: SavedSample | None = None
    """Of the last performance check."""
    resume_at: int | None = None
    """Partial counts are read again from here, as far as they were read before; None once they are."""

    def to_json(self) -> str:
        """Monitor and positions as JSON, which `Recovery` makes a desk of again."""
        resumes = [at for at in (self.resume_at, self.monitor.resume_at) if at is not None]
        plain = {
            "monitor": self.monitor.to_dict(),
            "positions": self.positions,
            "published": self.published,
            "resume_at": min(resumes, default=None),
            "sample": self.sample.to_dict() if self.sample else None,
        }
        return json.dumps(plain, separators=(",", ":"))

    def begins_at(self, counts: str) -> int:
        """Where to begin reading partial counts, on the topic of that name."""
        position = self.positions.get(counts, 0)
        return position if self.resume_at is None else min(self.resume_at, position)


class Recovery:
    """Reads states."""

    def __init__(self, settings: DriftSettings, serde: EventSerde[DriftState]) -> None:
        """Reads nothing yet."""
        topics = settings.topics()
        self._settings = settings
        self._rules = settings.rules()
        self._product = settings.contract().product
        self._counts, self._states = topics.drift_counts.name, topics.drift_states.name
        self._serde = serde

    def desk(self, start: Start) -> OwnerState:
        """As the last owner left it.

        Its state and its offset were one transaction, but become visible one after the other: a state of an
        earlier transaction than the offset's is not the last one yet.

        Args:
            start: where the group would begin, with the number of its transaction as metadata.

        Raises:
            OutageError: the last state does not come, or the broker is away.
        """
        deadline = time.monotonic() + TRANSACTION_TIMEOUT_MS / 1_000
        number = _number(start.metadata)
        last: DriftState | None = None
        while time.monotonic() < deadline:
            last = self._last_state()
            desk = self._desk_of(last, start.offset, number)
            if desk.published >= number and (start.loss or desk.positions.get(self._counts, 0) >= start.offset):
                return desk
            time.sleep(LOOK_AGAIN_S)
        if last is None:
            # A tombstone that compaction has taken away leaves nothing behind.
            return self._desk_of(CLEARED, start.offset, number)
        raise ReadingError(self._states)

    def _desk_of(self, saved: DriftState | None, committed: int, number: int) -> OwnerState:
        """The content of a state; starts afresh at the committed offset if this version cannot read it."""
        if saved is None:
            return OwnerState(Monitor(self._rules), {self._counts: committed})
        try:
            plain = json.loads(saved.state)
            monitor = Monitor.from_dict(self._rules, plain["monitor"])
            return OwnerState(
                monitor,
                dict(plain["positions"]),
                published=plain.get("published", 0),
                resume_at=plain.get("resume_at"),
                sample=self._sample(plain.get("sample")),
            )
        except (KeyError, TypeError, ValueError) as fault:
            log.warning("state.incompatible", error=type(fault).__name__)
            return OwnerState(Monitor(self._rules), {self._counts: committed}, published=number)

    def new_sample(self, text: str, former: SavedSample | None) -> SavedSample:
        """A sample that is about to be published in place of a former one.

        Raises:
            OutageError: the broker is away.
        """
        [extent] = partition_ranges(self._settings, [self._states])
        parts = len(former.parts()) if former else 0
        return SavedSample(text=text, after=extent.end, digest=digest_of_text(text), former_parts=parts)

    def _sample(self, saved: Mapping[str, Any] | None) -> SavedSample | None:
        """The sample that a state names; None, and the next check reads everything, where it is not whole."""
        if saved is None:
            return None
        [extent] = partition_ranges(self._settings, [self._states])
        parts = [sample_key(self._product, nth).encode() for nth in range(saved["chunks"])]
        found: dict[bytes | None, str] = {}
        for block in blocks(self._settings, [replace(extent, first=max(extent.first, saved["after"]))]):
            found.update((each.key, self._chunk(each.value)) for each in block if each.key in parts)
        text = assemble([found.get(part, "") for part in parts], saved["digest"])
        if text is None:
            log.warning("performance_sample.lost", error="digest")
            return None
        return SavedSample(text=text, after=saved["after"], digest=saved["digest"], published=True)

    def _chunk(self, value: bytes | None) -> str:
        try:
            return self._serde.decode(value).state
        except RecordError:
            return ""

    def _last_state(self) -> DriftState | None:
        [extent] = partition_ranges(self._settings, [self._states])
        for back in LOOKED_BACK:
            first = max(extent.first, extent.end - back)
            found = self._last_of(replace(extent, first=first))
            if found is not None or first == extent.first:
                return found
        return None

    def _last_of(self, extent: PartitionRange) -> DriftState | None:
        last = None
        for block in blocks(self._settings, [extent]):
            last = block[-1]
        if last is None:
            return None
        try:
            return self._serde.decode(last.value)
        except RecordError as fault:
            log.warning("state.unreadable", offset=last.offset, reason=fault.reason)
            return CLEARED


def sample_key(product: str, nth: int) -> str:
    """Key of a part of the sample, beside the product's own, which is the state's."""
    return f"{product}.sample-{nth}"


def _number(metadata: str | None) -> int:
    """Of a transaction; 0 if an earlier version, or another tool, has committed."""
    return int(metadata) if metadata and metadata.isdecimal() else 0
