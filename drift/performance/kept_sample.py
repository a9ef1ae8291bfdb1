"""A sample with the offsets that it reaches, as text that a topic keeps. Pure."""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from drift.performance.loan_sample import LoanSample
from schemas.events.performance import ReadRange

CHUNK: Final = 400_000
"""Characters a record: under a broker's megabyte, whatever else is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSample:
    """What performance checks have read so far."""

    sample: LoanSample
    read: tuple[ReadRange, ...]
    """From the first record ever read to the end of the last check, of each partition."""
    digests: dict[str, str]
    """Of the bundles of the versions watched."""

    def to_text(self) -> str:
        ranges = [[each.topic, each.partition, each.first, each.end] for each in self.read]
        plain = {"sample": self.sample.to_dict(), "read": ranges, "digests": self.digests}
        packed = zlib.compress(json.dumps(plain, separators=(",", ":")).encode(), level=1)
        return base64.b64encode(packed).decode()

    @classmethod
    def from_text(cls, text: str, age_ms: int) -> Self:
        """As it was saved.

        Args:
            text: of `to_text`.
            age_ms: as of `LoanSample.from_dict`.

        Raises:
            ValueError, KeyError, TypeError: it is none of this version.
        """
        try:
            plain: Any = json.loads(zlib.decompress(base64.b64decode(text)))
        except zlib.error as cause:
            raise ValueError(str(cause)) from cause
        return cls(
            sample=LoanSample.from_dict(plain["sample"], age_ms),
            read=tuple(
                ReadRange(topic=one, partition=two, first=first, end=end) for one, two, first, end in plain["read"]
            ),
            digests=dict(plain["digests"]),
        )


def chunk_starts(text: str) -> range:
    """Where the parts of a text begin, one a record; one at least. Its length is their number, without cutting any."""
    return range(0, max(1, len(text)), CHUNK)


def chunks_of(text: str) -> Iterator[str]:
    """Parts of a text, one a record."""
    return (text[start : start + CHUNK] for start in chunk_starts(text))


def assemble(chunks: Sequence[str], digest: str) -> str | None:
    """The text of all its parts; None if one is absent or another's."""
    text = "".join(chunks)
    return text if digest_of_text(text) == digest else None


def digest_of_text(text: str) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
