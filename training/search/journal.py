"""A search's completed trials, in a file, so that an interrupted search resumes where it stopped.

Nothing of Hyperopt's state is stored. Its choices follow from the seed and from the results of earlier ones, so a
repeated search asks for the same choices in the same order, and each that was already tried is
answered from here: the outcome is that of a search that was never interrupted. A shell around one file.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import uuid4

import numpy as np
import structlog

from training.families.family import PATIENCE, FamilyParameters, TrainingSample
from training.families.family_registry import BY_NAME, FAMILIES
from training.search.trial import Trial

LIBRARIES: Final = ("loan-decisions", "hyperopt", "numpy", *sorted({family.library for family in FAMILIES}))
"""Another version may choose or fit otherwise, and so may one of this package."""

log = structlog.get_logger(__name__)


class Journal(Protocol):
    def recall(self, number: int, choice: FamilyParameters) -> Trial | None:
        """The earlier result of this trial; None if it was not tried before."""

    def keep(self, trial: Trial) -> None:
        """It has ended."""

    def end(self) -> None:
        """The search's result is safe elsewhere: the journal is no longer needed."""


class Forgetful:
    """Keeps nothing."""

    def recall(self, number: int, choice: FamilyParameters) -> Trial | None:  # noqa: ARG002 - the protocol's
        return None

    def keep(self, trial: Trial) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


class FileJournal:
    """Trials of one search, in one file; a file that cannot be written is one warning, and the search continues."""

    def __init__(self, folder: Path, key: str) -> None:
        """Reads what is there; a damaged file is as none.

        Args:
            key: of the search, see `key_of`.
        """
        self.path = folder / f"{key}.json"
        # Two searches of the same rows may share a folder, and a process id too, each in its container.
        self._draft = self.path.with_suffix(f".{uuid4().hex}.draft")
        self._warned = False
        self._trials = list(_read(self.path))

    def recall(self, number: int, choice: FamilyParameters) -> Trial | None:
        """The recorded result of this trial; None if another choice was tried then: later entries are dropped."""
        if number < len(self._trials) and self._trials[number].choice == choice:
            return self._trials[number]
        del self._trials[number:]
        return None

    def keep(self, trial: Trial) -> None:
        """On disk when this returns, if the disk allows; at no moment is there half a file."""
        self._trials.append(trial)
        try:
            self._write()
        except OSError as fault:
            with suppress(OSError):
                self._draft.unlink(missing_ok=True)
            self._warn(fault)

    def end(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as fault:
            self._warn(fault)

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._draft.write_text(json.dumps([asdict(one) for one in self._trials]), encoding="utf-8")
        self._draft.replace(self.path)

    def _warn(self, fault: OSError) -> None:
        if not self._warned:
            why = "the search goes on; if it is interrupted, it begins anew"
            log.warning("journal.unwritable", path=str(self.path), error=type(fault).__name__, why=why)
        self._warned = True


def key_of(rows: TrainingSample, stopping: TrainingSample, folds: Any, told: Sequence[Any]) -> str:
    """Id of a search: the digest of all that its trials depend on, including libraries.

    Args:
        rows: searched on.
        stopping: that end boosting.
        folds: of the rows.
        told: the rest, as plain values: seed, constraints, bounds.
    """
    digest = hashlib.blake2b(digest_size=16)
    for array in (rows.matrix, rows.defaulted, stopping.matrix, stopping.defaulted, folds):
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    libraries = [version(name) for name in LIBRARIES]
    fixed = [family.fixed for family in FAMILIES]
    digest.update(json.dumps([*told, fixed, PATIENCE, *libraries]).encode())
    return digest.hexdigest()


def trial_of(told: Mapping[str, Any]) -> Trial:
    """The trial from its `dataclasses.asdict`. Raises KeyError, TypeError and ValueError for other data."""
    choice = told["choice"]
    parameters = {str(name): float(value) for name, value in choice["parameters"].items()}
    figures = {
        name: float(value) for name, value in told.items() if name not in ("number", "choice") and value is not None
    }
    return Trial(
        number=int(told["number"]), choice=FamilyParameters(BY_NAME[choice["family"]].name, parameters), **figures
    )


def _read(path: Path) -> Sequence[Trial]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        trials = [trial_of(one) for one in told]
        _refuse_disorder(trials)
    except FileNotFoundError:
        return ()
    except (ValueError, TypeError, KeyError, AttributeError, OSError):
        log.warning("journal.damaged", path=str(path), why="the search begins anew")
        return ()
    return trials


def _refuse_disorder(trials: Sequence[Trial]) -> None:
    if [trial.number for trial in trials] != list(range(len(trials))):
        problem = "trials are not numbered as they came"
        raise ValueError(problem)
