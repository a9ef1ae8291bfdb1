"""Producers whose clocks are known: the skew allowed to each, by the header that names it. Pure.

Only producers that an operator lists are told apart: whatever else a header says is nobody's name.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from drift.binning.binned_records import Integers
from schemas.events.drift import ProducerClock
from schemas.records import Headers

PRODUCER_HEADER: Final = "ce_source"
"""CloudEvents: URI reference of what produced the event."""
UNLISTED: Final = -1
MS: Final = 1_000


def parse(text: str) -> tuple[ProducerClock, ...]:
    """Clocks of a text such as `/branches/7=1800, /mobile=60` (seconds), in the order of their names.

    Raises:
        ValueError: a part is no such pair, or a producer has two.
    """
    clocks = sorted((_clock(part.strip()) for part in text.split(",") if part.strip()), key=lambda each: each.producer)
    if len({each.producer for each in clocks}) < len(clocks):
        message = f"a producer has one clock skew each: {', '.join(each.producer for each in clocks)}"
        raise ValueError(message)
    return tuple(clocks)


def producers_of(headers: Sequence[Headers], clocks: Sequence[ProducerClock]) -> Integers:
    """Place of each record's producer among the clocks, `UNLISTED` for another, shape (n,); empty without clocks."""
    if not clocks:
        return np.zeros(0, dtype=np.int64)
    places = {each.producer.encode(): place for place, each in enumerate(clocks)}
    values = (next((value for name, value in each if name == PRODUCER_HEADER), None) for each in headers)
    return np.array([places.get(name or b"", UNLISTED) for name in values], dtype=np.int64)


def _clock(part: str) -> ProducerClock:
    name, _, seconds = part.rpartition("=")
    try:
        skew = float(seconds)
    except ValueError:
        skew = -1.0
    if not (name.strip() and 0.0 < skew < float("inf")):
        message = f"{part[:60]!r} is no clock skew in seconds, such as /branches/7=1800"
        raise ValueError(message)
    return ProducerClock(producer=name.strip(), ahead_ms=round(skew * MS))
