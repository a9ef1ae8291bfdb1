"""A scorecard on its way to other processes: the bundle's bytes, checked anew where they arrive.

No object of the scorecard travels, so that each process that decides has read a bundle as the worker does, digest
first.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from schemas.contract.contract import Contract
from scorecard import bundle
from scorecard.bulk.table_scoring import TableScorer
from scorecard.decisions.scoring import RegisteredScorecard
from scorecard.policy import Policy


@dataclass(frozen=True, slots=True)
class ScorerPackage:
    """What a process needs to decide on rows of a table; travels by value."""

    files: tuple[tuple[str, bytes], ...]
    """Of the bundle, by name."""
    digest: str
    version: str
    schema: str
    """The contract's, as JSON."""
    policy: Policy | None
    """The operator's cut-offs; None for the scorecard's own."""
    source: str
    """What errors call the table."""

    @classmethod
    def of(cls, folder: Path, version: str, contract: Contract, policy: Policy | None, source: str) -> "ScorerPackage":
        """The package of a bundle.

        Raises:
            BundleError: it must not decide.
        """
        digest = bundle.digest_of(folder)
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
        files = tuple((name, (folder / name).read_bytes()) for name in names)
        return cls(files, digest, version, json.dumps(contract.schema), policy, source)

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of a table that are read, where it has them."""
        contract = self.scorer().contract
        named = (contract.id_field, contract.time_field)
        return tuple(field.column for field in contract.fields if field in contract.observed or field.name in named)

    def scorer(self) -> TableScorer:
        """The scorer of this process, read once.

        Raises:
            BundleError: the bytes are not those of the digest.
        """
        return _scorer(self)

    def decisions(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The decisions on each batch of rows: a function for engines that map batches to batches.

        Raises:
            TableError: a row cannot be written as an application.
        """
        scorer = self.scorer()
        return (scorer.decisions(batch) for batch in batches)


@lru_cache(maxsize=2)
def _scorer(package: ScorerPackage) -> TableScorer:
    contract = Contract.of(json.loads(package.schema))
    with TemporaryDirectory() as folder:
        for name, data in package.files:
            (Path(folder) / name).write_bytes(data)
        scorecard = bundle.read(Path(folder), contract, package.digest)
    champion = RegisteredScorecard(scorecard, package.version)
    return TableScorer(contract, champion, package.policy or scorecard.policy, package.source)
