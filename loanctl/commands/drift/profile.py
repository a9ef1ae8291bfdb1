"""`loanctl profile`: statistics of a file's applicants, or of a stretch of the topic, as JSON."""

import heapq
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from loanctl.reports.file_check import matrix
from loanctl.simulation import loan_tables
from schemas.applications import UNSEEN, Matrix, invalid
from schemas.codec.wire_format import schema_ids
from schemas.contract.contract import Contract, Field, Kind
from schemas.errors import SetupError
from streams.runtime.settings import Connection

PLACE: Final = attrgetter("place")
QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


class NoApplicantsError(SetupError):
    """There are no applicants to describe."""


def profile(
    file: Annotated[Path | None, typer.Argument(help="A table; else the applications topic.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Of the topic: produced from then on, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Of the topic: produced before, UTC.")] = None,
    last: Annotated[int, typer.Option(min=1, help="Of the topic: number of latest applications.")] = 10_000,
) -> None:
    """Describe applicants: counts, missing, invalid, unseen, quantiles, levels; one JSON document."""
    connection = Connection.read()
    contract = connection.contract()
    if file and (since or until):
        problem = "--since and --until are of the topic: a file has no times at which it was produced"
        raise NoApplicantsError(problem)
    values = _in_file(file, connection) if file else _on_topic(connection, since, until, last)
    sys.stdout.write(json.dumps(field_statistics(values, contract), indent=2) + "\n")


def field_statistics(values: Matrix, contract: Contract) -> Mapping[str, Any]:
    """Statistics of each observed field.

    Args:
        values: shape (n, observed fields).
    """
    wrong = invalid(contract, values)
    fields = {
        field.name: _field(field, values[:, place], wrong[:, place]) for place, field in enumerate(contract.observed)
    }
    return {"product": contract.product, "n": len(values), "fields": fields}


def _field(field: Field, column: Any, wrong: Any) -> Mapping[str, Any]:
    missing, unseen = np.isnan(column), (column == UNSEEN) & (field.kind is Kind.CATEGORY)
    usable = column[~missing & ~unseen & ~wrong]
    counts = {"n": len(usable), "missing": int(missing.sum()), "invalid": int(wrong.sum()), "unseen": int(unseen.sum())}
    if field.kind is Kind.CATEGORY:
        found = np.bincount(usable.astype(np.int64), minlength=len(field.levels)).tolist()
        return {**counts, "levels": dict(zip(field.levels, found, strict=True))}
    if not len(usable):
        return counts
    quantiles = dict(zip(map(str, QUANTILES), np.quantile(usable, QUANTILES).tolist(), strict=True))
    return {
        **counts,
        "mean": float(usable.mean()),
        "sd": float(usable.std()),
        "min": float(usable.min()),
        "max": float(usable.max()),
        "quantiles": quantiles,
    }


def _in_file(file: Path, connection: Connection) -> Matrix:
    contract = connection.contract()
    return matrix(loan_tables.read(file, contract, connection.table_dialect()), contract)


def _on_topic(connection: Connection, since: datetime | None, until: datetime | None, last: int) -> Matrix:
    # A file needs neither decoders nor the kernels' compiler.
    from loanctl.reports.decision_log import span
    from schemas.codec.application_decoder import ApplicationReader
    from schemas.registry_client import WriterSchemas
    from streams.kafka.topics.topic_reader import blocks, partition_ranges
    from streams.runtime.application_keys import application_keys

    topic, chosen = connection.topics().applications.name, span(since, until, last)
    lying = partition_ranges(connection, [topic], chosen.begins)
    records = (record for block in blocks(connection, lying) for record in block if record.timestamp in chosen)
    # A topic may hold more than memory does.
    latest = sorted(heapq.nlargest(chosen.most or 0, records, key=PLACE), key=PLACE)
    values = [record.value for record in latest]
    writers = WriterSchemas(connection.registry(), topic).of(schema_ids(values))
    reader = ApplicationReader(connection.contract(), connection.record_limits(), application_keys(connection))
    found = reader.read(values, writers).applications.values
    if not len(found):
        problem = f"no application on {topic}{chosen}"
        raise NoApplicantsError(problem)
    return found
