"""Row groups of a table on disk: Parquet files in a folder, or the live files of a Delta table.

A shell: it reads the files' footers and no rows.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.tables.table_errors import TableError

BATCH_ROWS: Final = 16_384
"""Rows in memory at once, of each process: 4 MB of values and contributions, whatever the size of a row group."""
DELTA_LOG: Final = "_delta_log"
NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"
HIDDEN: Final = (".", "_")
"""Engines of tables give such names to what is no data."""


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A part of one file."""

    path: str
    group: int
    rows: int
    partition: tuple[tuple[str, str | None], ...] = ()
    """Columns that stand in the names of folders (`month=2026-03`), and their value in all of these rows."""

    def batches(self, columns: tuple[str, ...] = ()) -> Iterator[pa.RecordBatch]:
        """Its rows, `BATCH_ROWS` at most at a time.

        Args:
            columns: to be read, where the file has them; all if none is named.

        Raises:
            TableError: the file is damaged.
        """
        try:
            with pq.ParquetFile(self.path, memory_map=True) as file:
                names = [name for name in file.schema_arrow.names if not columns or name in columns]
                for batch in file.iter_batches(BATCH_ROWS, [self.group], names, use_threads=False):
                    yield self._with_partition(batch)
        except (OSError, pa.ArrowException) as cause:
            problem = f"{self.path}: cannot be read ({type(cause).__name__})"
            raise TableError(problem) from None

    def _with_partition(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        for name, value in self.partition:
            batch = batch.append_column(name, pa.repeat(pa.scalar(value, pa.string()), batch.num_rows))
        return batch


@dataclass(frozen=True, slots=True)
class StoredTable:
    folder: Path
    """Where its files are, or in folders below."""
    groups: tuple[RowGroup, ...]
    """In the order of the files' names."""
    columns: tuple[str, ...]
    digest: str
    """Of names, sizes and footers of its files: of its rows' statistics, not of its rows."""

    @property
    def rows(self) -> int:
        return sum(group.rows for group in self.groups)

    @property
    def paths(self) -> list[str]:
        return list(dict.fromkeys(group.path for group in self.groups))


def stored_table(source: Path) -> StoredTable:
    """The table of a Parquet file, of a folder of them, or of a Delta table's latest version.

    Raises:
        TableError: there is none, a file is damaged, or files have columns of different types.
    """
    digest, schema = hashlib.sha256(), None
    groups: list[RowGroup] = []
    for path in _files(source):
        footer = _footer(path)
        if schema is not None and not schema.equals(footer.schema.to_arrow_schema()):
            problem = f"{path}: has other columns, or other types, than the files before it"
            raise TableError(problem)
        schema = footer.schema.to_arrow_schema()
        digest.update(f"{path.relative_to(source.parent)} {path.stat().st_size} {footer.to_dict()}".encode())
        sizes = [footer.row_group(place).num_rows for place in range(footer.num_row_groups)]
        values = _partition(path.relative_to(source).parent)
        groups += [RowGroup(str(path), place, rows, values) for place, rows in enumerate(sizes) if rows]
    if schema is None or not groups:
        problem = f"{source}: holds no rows in Parquet files"
        raise TableError(problem)
    partition = [name for name, _ in groups[0].partition]
    return StoredTable(source, tuple(groups), (*schema.names, *partition), digest.hexdigest())


def _partition(folder: Path) -> tuple[tuple[str, str | None], ...]:
    pairs = (part.partition("=") for part in folder.parts if "=" in part)
    return tuple((unquote(name), None if value == NO_VALUE else unquote(value)) for name, _, value in pairs)


def _files(source: Path) -> list[Path]:
    if not source.is_dir():
        return [source]
    if (source / DELTA_LOG).is_dir():
        return _delta_files(source)
    found = (path for path in source.rglob("*.parquet") if path.is_file())
    return sorted(path for path in found if not any(part.startswith(HIDDEN) for part in path.relative_to(source).parts))


def _delta_files(source: Path) -> list[Path]:
    """The files of the latest version: others lie beside them that it has no longer."""
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    except ImportError:
        problem = f"{source}: is a Delta table, which the package deltalake reads: pip install 'loan-decisions[delta]'"
        raise TableError(problem) from None
    try:
        table = DeltaTable(str(source))
        _refuse_features(source, table)
        return sorted(source / Path(name).relative_to(source.resolve()) for name in _paths(table))
    except DeltaError as cause:
        problem = f"{source}: is no Delta table that can be read ({type(cause).__name__})"
        raise TableError(problem) from None


def _paths(table: Any) -> list[str]:
    return [name.removeprefix("file://") for name in table.file_uris()]


def _refuse_features(source: Path, table: Any) -> None:
    # Its files alone would show deleted rows, or columns under other names.
    features = set(table.protocol().reader_features or ())
    if features & {"deletionVectors", "columnMapping"} or table.protocol().min_reader_version == 2:  # noqa: PLR2004 - of column mapping
        problem = f"{source}: is a Delta table with deletion vectors or mapped columns: rewrite it without them"
        raise TableError(problem)


def _footer(path: Path) -> Any:
    try:
        return pq.read_metadata(path)
    except (OSError, pa.ArrowException) as cause:
        problem = f"{path}: is no Parquet file ({type(cause).__name__})"
        raise TableError(problem) from None
