"""The marker of a redriven record: one header that names the dead letter it was made of. Pure.

`loanctl dlq redrive` writes it; workers pass over it, and it counts against no bound, so that a record that fitted
before fits again.
"""

import re
from typing import Final

from schemas.records import Headers, RecordPosition

REDRIVEN_FROM: Final = "loan.redriven.from"
MOST_BYTES: Final = len(REDRIVEN_FROM) + 280
"""Of the header: a topic's name takes 249 bytes at most, partition and offset 30. What is beyond is a stranger's."""
MARKER: Final = re.compile(r"(.+)-(\d{1,10})-(\d{1,19})", re.ASCII | re.DOTALL)


def with_marker(headers: Headers, letters_topic: str, place: RecordPosition) -> Headers:
    """The same headers with the marker of this letter alone: a record that is redriven again has one, the latest."""
    marker = f"{letters_topic}-{place[0]}-{place[1]}".encode()
    return (*(header for header in headers if header[0] != REDRIVEN_FROM), (REDRIVEN_FROM, marker))


def marker_place(headers: Headers, letters_topic: str) -> RecordPosition | None:
    """The letter that a record was made of; None where it was not redriven, or from another topic."""
    for name, value in headers:
        found = MARKER.fullmatch((value or b"").decode(errors="replace")) if name == REDRIVEN_FROM else None
        if found is not None and found[1] == letters_topic:
            return int(found[2]), int(found[3])
    return None


def marker_bytes(headers: Headers) -> int:
    """Bytes of the marker that do not count against the bound on headers; of forged ones no more than of a true one."""
    size = sum(len(name) + len(value or b"") for name, value in headers if name == REDRIVEN_FROM)
    return min(size, MOST_BYTES)
