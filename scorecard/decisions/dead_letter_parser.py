"""Dead letters read again: what `scorecard.decisions.dead_letter_office` wrote, taken apart. Pure."""

from dataclasses import dataclass
from typing import Final

from schemas.records import Headers, RecordBatch, RecordPosition
from scorecard.decisions.dead_letter_office import CONNECT, LEFT, OWN, UNREADABLE_STAGE, UNSCORABLE_STAGE
from scorecard.decisions.dead_letter_reasons import REASON_TEXTS, UNKNOWN

STAGES: Final = (UNREADABLE_STAGE, UNSCORABLE_STAGE)
MOST_DIGITS: Final = 19


@dataclass(frozen=True, slots=True)
class OriginalRecord:
    """A record of the applications topic as it came."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter. What another program wrote in its place says nothing here: `reason` is UNKNOWN then."""

    place: RecordPosition
    timestamp: int
    """Milliseconds since 1970, UTC: when it was set aside."""
    reason: str
    """A key of REASON_TEXTS."""
    stage: str
    """One of STAGES; empty where it is none."""
    field: str
    """As the letter says; not looked up in the contract."""
    source: RecordPosition | None
    """Partition and offset of its record on the applications topic; None where the letter names none of it."""
    carried: OriginalRecord
    """What of the record the letter carries."""
    left: frozenset[str]
    """Which of "key", "value" and "headers" it does not."""

    @property
    def order(self) -> tuple[int, int, int]:
        """Of the letters of a topic, the earliest first."""
        return self.timestamp, *self.place

    def is_of(self, record: OriginalRecord, timestamp: int) -> bool:
        """True unless the record at the letter's coordinates is another one: the topic was deleted and made anew.

        Args:
            record: the current one there.
            timestamp: of it, milliseconds since 1970; asked only where the letter carries neither key nor value.
        """
        held = {"key": record.key == self.carried.key, "value": record.value == self.carried.value}
        compared = [equal for part, equal in held.items() if part not in self.left]
        return all(compared) if compared else timestamp <= self.timestamp


def letter_of(batch: RecordBatch, place: int, applications: str) -> Letter:
    """The letter at a place of a batch.

    Args:
        batch: of the dead-letter topic.
        applications: name of the topic whose records may be redriven.
    """
    headers = batch.headers[place]
    own = {name: (value or b"").decode(errors="replace") for name, value in headers if name in OWN}
    reason = own.get("reason", "")
    known = reason if reason in REASON_TEXTS else UNKNOWN
    value = batch.values[place]
    left = {part for part, name in LEFT.items() if name in own}
    if value is None and known != "tombstone":
        # By setting a letter carries no bytes, and says nothing of it.
        left.add("value")
    stage = own.get(f"{CONNECT}stage", "")
    return Letter(
        place=(batch.partitions[place], batch.offsets[place]),
        timestamp=batch.timestamps[place],
        reason=known,
        stage=stage if stage in STAGES else "",
        field=own.get("field", ""),
        source=_source(own, applications) if known != UNKNOWN else None,
        carried=OriginalRecord(batch.keys[place], value, tuple(header for header in headers if header[0] not in OWN)),
        left=frozenset(left),
    )


def _source(own: dict[str, str], applications: str) -> RecordPosition | None:
    partition, offset = own.get(f"{CONNECT}partition", ""), own.get(f"{CONNECT}offset", "")
    if own.get(f"{CONNECT}topic") != applications or not (_is_number(partition) and _is_number(offset)):
        return None
    return int(partition), int(offset)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
