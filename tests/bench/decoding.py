"""Applications to columns: by a writer whose schema has moved on, against our own, and record by record."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import fastavro

from schemas.codec.application_decoder import ApplicationReader
from schemas.codec.wire_format import frame
from tests.bench.measurement import Line, Way, comparison
from tests.builders import APPLICATION_SCHEMA_ID, CONTRACT, PARSED, OneByOne, an_application

SIZE: Final = 5_000
FEW: Final = 500
ROUNDS: Final = 9


def lines() -> Iterator[Line]:
    """Two fields more, one less, in reverse order."""
    moved = [field for field in reversed(CONTRACT.schema["fields"]) if field["name"] != "loan_grade"]
    more = [{"name": "branch", "type": "string"}, {"name": "rate", "type": ["float", "null"]}]
    evolved: Any = fastavro.parse_schema({**CONTRACT.schema, "fields": [*moved, *more]})
    theirs = Way("ours", _read_call(ApplicationReader(CONTRACT), evolved, SIZE), SIZE)
    own = Way("our own schema", _read_call(ApplicationReader(CONTRACT), PARSED, SIZE), SIZE)
    single = Way("record by record", _read_call(OneByOne(CONTRACT), evolved, FEW), FEW)
    yield comparison("decoding, a writer who added, dropped and moved fields", theirs, own, ROUNDS)
    yield comparison("decoding, a writer who added, dropped and moved fields, one by one", theirs, single, ROUNDS)


def _read_call(reader: ApplicationReader, schema: Any, count: int) -> Any:
    values: Sequence[bytes] = [
        frame(
            APPLICATION_SCHEMA_ID,
            schema,
            {**an_application(application_id=f"a-{place}"), "branch": "north", "rate": 0.5},
        )
        for place in range(count)
    ]
    return lambda: reader.read(values, {APPLICATION_SCHEMA_ID: schema})
