"""State of one model slot (champion or challenger) as its alias moves.

Pure: a state and a new fact in, the next state and the next action out. Fetching, checking and
waiting are in `streams.worker.model_slots`. A slot changes only when the successor is fully prepared; a
refused successor leaves everything unchanged until the alias points elsewhere.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered scorecard that an alias points at."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A claim that must not decide, and why."""

    claim: ModelVersion
    why: str


@dataclass(frozen=True, slots=True)
class SlotState:
    """One seat."""

    holder: ModelVersion | None = None
    refusal: Refusal | None = None
    """Of the claim that the alias still points at."""


class SlotAction(Enum):
    """The action for a claim."""

    NOTHING = auto()
    PREPARE = auto()
    VACATE = auto()


def follow_alias(state: SlotState, claim: ModelVersion | None) -> tuple[SlotState, SlotAction]:
    """The alias points at this claim, or at nothing.

    Idempotent: learning the same again asks for nothing, whether the claim holds the seat or was refused.
    """
    if claim is None:
        return replace(state, refusal=None), SlotAction.VACATE if state.holder else SlotAction.NOTHING
    if claim == state.holder:
        return replace(state, refusal=None), SlotAction.NOTHING
    if state.refusal is not None and claim == state.refusal.claim:
        return state, SlotAction.NOTHING
    return state, SlotAction.PREPARE


def install(_state: SlotState, claim: ModelVersion) -> SlotState:
    """The claim was fetched, checked and warmed, and decides from the next batch on."""
    return SlotState(holder=claim)


def stand_in(state: SlotState, claim: ModelVersion) -> SlotState:
    """One whom the alias does not name decides meanwhile; what was refused stays refused."""
    return replace(state, holder=claim)


def refuse(state: SlotState, claim: ModelVersion, why: str) -> SlotState:
    """The claim is refused; the current model continues."""
    return replace(state, refusal=Refusal(claim, why))


def vacate(_state: SlotState) -> SlotState:
    """Nobody holds the seat."""
    return SlotState()
