"""The last window owner's state, read back from Kafka.

A shell around the compacted topic of states; `drift.agent.window_owner` uses the state.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog

from drift.monitor import NOTHING_DECLARED, Declarations, Findings, Monitor
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
SAMPLE: Final = "sample"
DECLARED: Final = "declared"
"""Names of the records beside the state on its topic, in parts."""
DECLARED_AGAIN: Final = 1_000
"""Transactions after which declarations are written again, so that nobody seeks them far back."""
CLEARED: Final = DriftState(product="", state="")
"""The state of a tombstone, or of bytes that are no state."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class SavedText:
    """What is too large for each state: a text in parts of its own on the topic of states."""

    name: str
    """SAMPLE (of performance checks) or DECLARED (seasons and the usual week)."""
    text: str
    after: int
    """Offset on that topic; its parts lie from there on."""
    digest: str
    published: bool = False
    former_parts: int = 0
    """Of the texts before it, so many parts lie on the topic."""

    def parts(self) -> list[str]:
        """What its records hold; empty where only a longer text before it had a part: no loan outlives its sample."""
        own = list(chunks_of(self.text))
        return own + [""] * (self.former_parts - len(own))

    def to_dict(self) -> dict[str, Any]:
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
    sample: SavedText | None = None
    """Of the last performance check."""
    declared: SavedText | None = None
    """Seasons and the usual week; None before anything was declared."""
    declared_as: Declarations = NOTHING_DECLARED
    """What `declared` says."""
    declared_at: int = 0
    """The transaction that wrote it."""
    resume_at: int | None = None
    """Partial counts are read again from here, as far as they were read before; None once they are."""

    @property
    def texts(self) -> list[SavedText]:
        """The records beside the state."""
        return [text for text in (self.sample, self.declared) if text is not None]

    def to_json(self) -> str:
        """Monitor and positions as JSON, which `Recovery` makes a desk of again."""
        resumes = [at for at in (self.resume_at, self.monitor.resume_at) if at is not None]
        plain = {
            "monitor": self.monitor.state_to_dict(),
            "positions": self.positions,
            "published": self.published,
            "resume_at": min(resumes, default=None),
            "sample": self.sample.to_dict() if self.sample else None,
            "declared": {**self.declared.to_dict(), "at": self.declared_at} if self.declared else None,
        }
        return json.dumps(plain, separators=(",", ":"))

    def begins_at(self, counts: str) -> int:
        """Where to begin reading partial counts, on the topic of that name."""
        position = self.positions.get(counts, 0)
        return position if self.resume_at is None else min(self.resume_at, position)


class Recovery:
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
            # Earlier versions wrote what was declared into each state: the monitor has it, and it is written anew.
            declared = self._text(DECLARED, plain.get("declared"))
            said = json.loads(declared.text) if declared else {}
            monitor = Monitor.from_dict(self._rules, {**plain["monitor"], **said})
            return OwnerState(
                monitor,
                dict(plain["positions"]),
                published=plain.get("published", 0),
                resume_at=plain.get("resume_at"),
                sample=self._text(SAMPLE, plain.get("sample")),
                declared=declared,
                declared_as=monitor.declarations if declared else NOTHING_DECLARED,
                declared_at=plain["declared"]["at"] if declared else 0,
            )
        except (KeyError, TypeError, ValueError) as fault:
            log.warning("state.incompatible", error=type(fault).__name__)
            return OwnerState(Monitor(self._rules), {self._counts: committed}, published=number)

    def new_text(self, name: str, text: str, former: SavedText | None) -> SavedText:
        """A text that is about to be published in place of a former one.

        Raises:
            OutageError: the broker is away.
        """
        [extent] = partition_ranges(self._settings, [self._states])
        parts = len(former.parts()) if former else 0
        return SavedText(name=name, text=text, after=extent.end, digest=digest_of_text(text), former_parts=parts)

    def renew_declarations(self, desk: OwnerState) -> None:
        """Have what was declared published, where it has changed or was published long ago.

        Raises:
            OutageError: the broker is away.
        """
        declarations = desk.monitor.declarations
        old = desk.declared is not None and desk.published - desk.declared_at >= DECLARED_AGAIN
        if declarations == desk.declared_as and not old:
            return
        text = json.dumps(desk.monitor.declarations_to_dict(), separators=(",", ":"))
        desk.declared = self.new_text(DECLARED, text, desk.declared)
        desk.declared_as, desk.declared_at = declarations, desk.published

    def _text(self, name: str, saved: Mapping[str, Any] | None) -> SavedText | None:
        """The text that a state names; None where it is not whole: the next check reads everything, then."""
        if saved is None:
            return None
        [extent] = partition_ranges(self._settings, [self._states])
        parts = [part_key(self._product, name, nth).encode() for nth in range(saved["chunks"])]
        found: dict[bytes | None, str] = {}
        for block in blocks(self._settings, [replace(extent, first=max(extent.first, saved["after"]))]):
            found.update((each.key, self._chunk(each.value)) for each in block if each.key in parts)
        text = assemble([found.get(part, "") for part in parts], saved["digest"])
        if text is None:
            self._report_loss(name)
            return None
        return SavedText(name=name, text=text, after=saved["after"], digest=saved["digest"], published=True)

    def _report_loss(self, name: str) -> None:
        if name == SAMPLE:
            log.warning("performance_sample.lost", error="digest")
        else:
            log.warning("declarations.lost", error="digest")

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


def part_key(product: str, name: str, nth: int) -> str:
    """Key of a part of a text, beside the product's own, which is the state's."""
    return f"{product}.{name}-{nth}"


def _number(metadata: str | None) -> int:
    """Of a transaction; 0 if an earlier version, or another tool, has committed."""
    return int(metadata) if metadata and metadata.isdecimal() else 0
