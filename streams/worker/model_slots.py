"""The model slots of champion and challenger: polls the registry, prepares successors, swaps them in.

A shell around `streams.worker.slot_state`, in a separate thread, so that fetching and warming never delay
a batch. The swap is one assignment; the worker takes the slot's model once for each batch, so no
batch mixes two.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from schemas.contract.contract import Contract
from schemas.errors import OutageError, SetupError
from scorecard import bundle
from scorecard.decisions.scoring import RegisteredScorecard
from scorecard.registry.registered_version import RegisteredVersion
from streams.runtime.lifecycle import Lifecycle
from streams.worker import slot_state
from streams.worker.slot_state import ModelVersion, SlotAction, SlotState

DEPENDENCY: Final = "mlflow"
CHAMPION: Final = "champion"
REFUSALS: Final = ("signature", "bundle", "setup")
"""Why a scorecard may be refused: not signed by a trusted key, damaged or unfit, or another fault that a person must
    fix."""

log = structlog.get_logger(__name__)


class Scorecards(Protocol):
    """The part of `scorecard.registry.model_registry.ModelRegistry` that is needed here."""

    def champion(self, alias: str = "champion") -> RegisteredVersion | None:
        """The version that the alias points at. Raises OutageError."""

    def cached_champion(self) -> RegisteredVersion | None:
        """The last champion on this machine, from the cache alone."""

    def remember(self, champion: RegisteredVersion) -> None:
        """This version became champion: it is the one to continue with while the registry is unavailable."""

    def fetch(self, version: str | RegisteredVersion) -> Path:
        """The folder of its bundle. Raises OutageError, SetupError."""


class ModelSlot:
    """One alias, and who holds it."""

    def __init__(
        self,
        alias: str,
        scorecards: Scorecards,
        contract: Contract,
        lifecycle: Lifecycle,
        *,
        on_change: Callable[[str, RegisteredScorecard | None], None] = lambda _event, _holder: None,
    ) -> None:
        """Nobody holds it before the first look.

        Args:
            alias: `champion` or `challenger`.
            on_change: called with `installed`, `vacated` or the kind of a refusal, and the holder after it.
        """
        self.alias = alias
        self.holder: RegisteredScorecard | None = None
        """Read once for each batch, from another thread."""
        self.warm: Callable[[RegisteredScorecard], None] = lambda _successor: None
        """Called with a successor before it takes the seat."""
        self._scorecards = scorecards
        self._contract = contract
        self._lifecycle = lifecycle
        self._on_change = on_change
        self._state = SlotState()
        self._unfit: ModelVersion | None = None
        """A version from the cache that could not decide: not tried again."""

    def look(self) -> None:
        """Query the registry once, and follow the alias if it moved. Once there is a champion, faults are reported.

        Raises:
            SetupError: the registry refuses this process, and there is no champion yet.
        """
        try:
            registered = self._scorecards.champion(self.alias)
            self._follow(registered)
        except OutageError as fault:
            self._lifecycle.report_outage(DEPENDENCY, fault)
            self._fall_back()
        except SetupError as fault:
            if self.holder is None:
                raise
            self._lifecycle.report_outage(DEPENDENCY, fault)
        else:
            self._lifecycle.report_recovery(DEPENDENCY)
            if self._state.refusal is not None:
                # As if this worker had not been restarted: the old one continues.
                self._fall_back()

    def facts(self) -> Mapping[str, Any]:
        """For the web port."""
        holder, refusal = self._state.holder, self._state.refusal
        return {
            "version": holder.version if holder else None,
            "digest": holder.digest if holder else None,
            "refused": {"version": refusal.claim.version, "why": refusal.why} if refusal else None,
        }

    def _follow(self, registered: RegisteredVersion | None) -> None:
        self._state, step = slot_state.follow_alias(self._state, _claim(registered) if registered else None)
        if step is SlotAction.PREPARE and registered is not None:
            self._prepare(registered)
        elif step is SlotAction.VACATE:
            self._vacate()

    def _fall_back(self) -> None:
        # The champion that decided last on this machine, if there is none yet.
        cached = self._scorecards.cached_champion() if self.alias == CHAMPION and self.holder is None else None
        if cached is None or _claim(cached) in (self._unfit, self._state.refusal and self._state.refusal.claim):
            return
        claim = _claim(cached)
        try:
            successor = self._successor(cached)
        except OutageError:
            return
        except SetupError as fault:
            self._unfit = claim
            self._report_refusal(claim, fault)
        else:
            self._seat(successor, slot_state.stand_in(self._state, claim))

    def _prepare(self, registered: RegisteredVersion) -> None:
        claim = _claim(registered)
        try:
            successor = self._successor(registered)
        except SetupError as fault:
            self._state = slot_state.refuse(self._state, claim, str(fault))
            self._report_refusal(claim, fault)
        else:
            self._seat(successor, slot_state.install(self._state, claim))
            self._note(registered)

    def _successor(self, registered: RegisteredVersion) -> RegisteredScorecard:
        """Fetched, checked and warmed. Raises OutageError, SetupError."""
        scorecard = bundle.read(self._scorecards.fetch(registered), self._contract, registered.digest)
        successor = RegisteredScorecard(scorecard=scorecard, version=registered.version)
        self.warm(successor)
        return successor

    def _seat(self, successor: RegisteredScorecard, after: SlotState) -> None:
        before, self._state = self._state.holder, after
        self.holder = successor
        log.info(
            "model.loaded",
            alias=self.alias,
            version=successor.version,
            digest=successor.scorecard.digest,
            before=before and before.version,
        )
        self._on_change("installed", self.holder)

    def _note(self, registered: RegisteredVersion) -> None:
        # Only who was fit: an alias may name one that is damaged or of another contract.
        if self.alias == CHAMPION:
            with suppress(OSError):  # a full disk takes the fallback, not the champion
                self._scorecards.remember(registered)

    def _report_refusal(self, claim: ModelVersion, fault: SetupError) -> None:
        log.warning("model.refused", alias=self.alias, version=claim.version, digest=claim.digest, why=str(fault))
        self._on_change(_refusal(fault), self.holder)

    def _vacate(self) -> None:
        if self.alias == CHAMPION:
            log.warning("alias.removed", alias=self.alias, version=self.holder and self.holder.version)
            return
        self._state, self.holder = slot_state.vacate(self._state), None
        log.info("model.unloaded", alias=self.alias)
        self._on_change("vacated", None)


class ModelWatcher:
    """The thread that updates the slots, periodically and when nudged."""

    def __init__(self, seats: Sequence[ModelSlot], poll_s: float) -> None:
        """Starts nothing yet."""
        self._seats = seats
        self._poll_s = poll_s
        self._nudged = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def nudge(self) -> None:
        """Something was announced: look now."""
        self._nudged.set()

    def close(self) -> None:
        """Look no more."""
        self._stopped = True
        self._nudged.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped:
            self._nudged.wait(self._poll_s)
            self._nudged.clear()
            for seat in self._seats if not self._stopped else ():
                self._look_at(seat)

    def _look_at(self, seat: ModelSlot) -> None:
        try:
            seat.look()
        except Exception:
            # Whatever fault a successor causes, the current model continues, and the next poll follows.
            log.exception("model_check.failed", alias=seat.alias)


def _refusal(fault: SetupError) -> str:
    signature, unfit, other = REFUSALS
    if isinstance(fault, bundle.SignatureError):
        return signature
    return unfit if isinstance(fault, bundle.BundleError) else other


def _claim(registered: RegisteredVersion) -> ModelVersion:
    return ModelVersion(name=registered.name, version=registered.version, digest=registered.digest)
