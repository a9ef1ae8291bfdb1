"""The header `traceparent` of a record, as W3C Trace Context writes it. Pure.

A sampled trace is one whose caller wants its spans; the flag is in the header, so each process decides alike.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from schemas.records import Headers

TRACEPARENT: Final = "traceparent"
W3C: Final = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
"""A trace parent; anything else is a stranger's bytes, and stays behind."""
SAMPLED: Final = 0x01


def traceparent_of(headers: Headers) -> bytes | None:
    """The trace that a record belongs to; None without one, and of several, since nobody knows which is meant."""
    found = [value for name, value in headers if name == TRACEPARENT]
    return found[0] if len(found) == 1 and W3C.fullmatch(found[0] or b"") else None


def is_sampled(traceparent: bytes) -> bool:
    """Whether the caller of a well-formed trace parent wants its spans."""
    return bool(int(traceparent[-2:], 16) & SAMPLED)


def trace_id(traceparent: bytes) -> str:
    """The trace's id, 32 hexadecimal digits."""
    return traceparent[3:35].decode()


def sampled_places(headers: Sequence[Headers], most: int) -> Sequence[tuple[int, bytes]]:
    """Place and trace parent of the first records whose traces are sampled, at most so many."""
    return list(islice(_sampled_pairs(headers), most))


def _sampled_pairs(headers: Sequence[Headers]) -> Iterator[tuple[int, bytes]]:
    for place, given in enumerate(headers):
        traceparent = traceparent_of(given) if given else None
        if traceparent is not None and is_sampled(traceparent):
            yield place, traceparent
