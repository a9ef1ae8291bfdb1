"""`score_batch` on poison: what a record that cannot be read costs, against a good one."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from scorecard.decisions.scoring import score_batch, warm
from tests.bench import models
from tests.bench.measurement import Line, Way, comparison
from tests.builders import WRITERS, a_batch, a_champion, a_wire

SIZE: Final = 500
ROUNDS: Final = 9
POISON: Final = {
    "tombstone": lambda good: None,  # noqa: ARG005 - each takes a good value
    "truncated": lambda good: good[:-9],
    "rubbish": lambda good: good[:5] + b"\xff" * 40,
    "not framed": lambda good: b"{" + good,
    "unknown schema": lambda good: b"\x00" + (987_654).to_bytes(4, "big") + good[5:],
    "of 70 KB": lambda good: good + bytes(70_000),
    "sealed, without its key": lambda good: b"S" + good[1:5] + b"\x00\x03a-1" + bytes(12) + good,
}
"""By what is wrong, from a good value."""


def lines() -> Iterator[Line]:
    """A batch wholly of each kind, against one wholly good."""
    champion, wire = a_champion(forest=models.forest_of(models.an_xgboost(6, 300))), a_wire()
    policy = champion.scorecard.policy
    warm(champion, policy, wire)
    values = models.application_values(SIZE)
    good = Way("good ones", partial(score_batch, a_batch(*values), WRITERS, champion, policy, wire), SIZE)
    for kind, spoilt in POISON.items():
        batch = a_batch(*[spoilt(value) for value in values])
        bad = Way("poison", partial(score_batch, batch, WRITERS, champion, policy, wire), SIZE)
        yield comparison(f"score_batch, poison: {kind}, batch {SIZE}", bad, good, ROUNDS)
