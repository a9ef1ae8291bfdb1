"""Size limits of a foreign record, checked before anything in it is parsed.

A broker's limit applies to the compressed batch, so it does not limit a record. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.errors import RecordError
from schemas.records import Headers, RecordBatch
from schemas.redrive_marker import marker_bytes


class OversizedError(RecordError):
    """The record's value, headers or key are larger than `RecordLimits` allow; nothing of it is parsed."""

    reason = "oversized"


@dataclass(frozen=True, slots=True)
class RecordLimits:
    """The most bytes of one record. Inclusive."""

    value_bytes: int = 65_536
    """An application takes 100 to 300."""
    header_bytes: int = 8_192
    """Of all headers together, names and values; of the key as much again."""

    def oversized_rows(self, batch: RecordBatch) -> list[int]:
        """Places of the records beyond a limit, rising."""
        places = set(self.oversized_values(batch.values))
        places |= {place for place, key in enumerate(batch.keys) if key and len(key) > self.header_bytes}
        # Most records have no headers, and those of the others are few.
        places |= {
            place for place, headers in enumerate(batch.headers) if headers and size_of(headers) > self.header_bytes
        }
        return sorted(places)

    def oversized_values(self, values: Sequence[bytes | None]) -> list[int]:
        """The same, where values are all there is."""
        return [place for place, value in enumerate(values) if value and len(value) > self.value_bytes]


USUAL: Final = RecordLimits()


def size_of(headers: Headers) -> int:
    """Bytes of names and values; the marker of a redriven record is ours and not counted."""
    return sum(len(name) + len(value or b"") for name, value in headers) - marker_bytes(headers)
