"""A folder of decisions as Parquet files, one for each row group of its input; can be resumed.

A part appears under its name once it is whole. `_scoring.json` names the input and the way, so that parts of two runs
cannot mix; `_SUCCESS` says that the folder is whole, as other engines of tables say it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import SetupError
from scorecard.bulk.row_groups import RowGroup
from scorecard.bulk.scorer_package import ScorerPackage

ABOUT: Final = "_scoring.json"
SUCCESS: Final = "_SUCCESS"
DRAFT: Final = "_draft-"
"""Hidden from readers of the folder."""


class DecisionFolderError(SetupError):
    """The folder cannot be written, or holds what another run made."""


@dataclass(frozen=True, slots=True)
class DecisionFolder:
    """The output of one input, decided one way."""

    path: Path
    about: Mapping[str, str]
    """Names the input, the scorecard and the cut-offs."""

    def open(self) -> None:
        """Begin, or go on.

        Raises:
            DecisionFolderError: something else is there, or nothing can be written.
        """
        with _write_faults(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            known = self.path / ABOUT
            if known.exists():
                self._refuse_other(known)
            elif any(self.path.iterdir()):
                problem = f"{self.path}: holds other files: name a new folder"
                raise DecisionFolderError(problem)
            else:
                known.write_text(json.dumps(self.about, indent=2) + "\n", encoding="utf-8")

    @property
    def whole(self) -> bool:
        """Whether a run has ended here."""
        return (self.path / SUCCESS).exists()

    def missing_parts(self, groups: Sequence[RowGroup]) -> list[tuple[int, RowGroup]]:
        """Row groups without a part, with their places."""
        return [(place, group) for place, group in enumerate(groups) if not self.part(place).exists()]

    def part(self, place: int) -> Path:
        return self.path / f"part-{place:06d}.parquet"

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Say that all parts are there.

        Raises:
            DecisionFolderError: the disk does not take it.
        """
        with _write_faults(self.path):
            (self.path / SUCCESS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")

    def _refuse_other(self, known: Path) -> None:
        try:
            same = json.loads(known.read_text(encoding="utf-8")) == dict(self.about)
        except ValueError:
            same = False
        if not same:
            problem = f"{self.path}: was made of another input, or another way: name a new folder"
            raise DecisionFolderError(problem)


@dataclass(frozen=True, slots=True)
class PartWriter:
    """Decides on a row group, and writes its part."""

    package: ScorerPackage
    folder: DecisionFolder

    def __call__(self, place: int, group: RowGroup) -> int:
        """Rows decided; their part is on disk.

        Raises:
            TableError: a row cannot be written as an application, or the file is damaged.
            DecisionFolderError: the part cannot be written.
        """
        scorer = self.package.scorer()
        decisions = (scorer.decisions(batch) for batch in group.batches(self.package.columns))
        return write_part(self.folder.part(place), scorer.schema, decisions)


def write_part(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    """Rows written, as one file that appears when it is whole.

    Raises:
        DecisionFolderError: the disk does not take it.
    """
    draft, rows = path.with_name(DRAFT + path.name), 0
    # Numbers that are all different are no words: a dictionary of them would be built and thrown away.
    words = [field.name for field in schema if pa.types.is_string(field.type) and field.name != "application_id"]
    with _write_faults(path):
        with pq.ParquetWriter(draft, schema, use_dictionary=words, write_statistics=["application_id"]) as file:
            for batch in batches:
                file.write_batch(batch)
                rows += batch.num_rows
        draft.replace(path)
    return rows


@contextmanager
def _write_faults(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as cause:
        problem = f"{path}: cannot be written ({cause.strerror})"
        raise DecisionFolderError(problem) from cause
