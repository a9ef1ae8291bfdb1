"""What an earlier release wrote to the topics is read by this one: schemas of before are kept in `tests/releases`.

At a release its schemas are copied there; nothing in those folders ever changes.
"""

import io
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest

from schemas.codec.application_decoder import ApplicationReader
from schemas.codec.event_codec import SCHEMA_FILES, avro_schema, from_record
from schemas.codec.wire_format import frame
from schemas.contract.contract import load
from schemas.release import code_version
from tests.builders import a_batch, an_application

RELEASES = Path(__file__).parents[2] / "releases"
FILES = sorted(RELEASES.glob("*/*.avsc"))
EVENTS = {file: event for event, file in SCHEMA_FILES.items()}
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
PLAIN = {"string": "text", "bytes": b"x", "int": 1, "long": 1, "float": 0.5, "double": 0.5, "boolean": True}
LOGICAL = {"decimal": Decimal("1.00"), "timestamp-millis": MOMENT}


def sample(schema: Any, named: dict[str, Any], *, bare: bool) -> Any:
    """Data of a schema; with `bare` nothing that may be absent is there."""
    if isinstance(schema, list):
        one = next(each for each in schema if each != "null")
        return None if bare and "null" in schema else sample(one, named, bare=bare)
    if isinstance(schema, str):
        return PLAIN[schema] if schema in PLAIN else sample(named[schema], named, bare=bare)
    if "name" in schema:
        named[schema["name"]] = schema
    return composite(schema, named, bare=bare)


def composite(schema: dict[str, Any], named: dict[str, Any], *, bare: bool) -> Any:
    kind = schema["type"]
    if kind == "record":
        return {field["name"]: sample(field["type"], named, bare=bare) for field in schema["fields"]}
    if kind == "enum":
        return schema["symbols"][-1]
    if kind == "array":
        return [] if bare else [sample(schema["items"], named, bare=bare)]
    if kind == "map":
        return {} if bare else {"key": sample(schema["values"], named, bare=bare)}
    return LOGICAL[schema["logicalType"]] if "logicalType" in schema else sample(kind, named, bare=bare)


def encode(schema: Any, record: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), record)
    return out.getvalue()


@pytest.mark.parametrize("bare", [False, True], ids=["whole", "bare"])
@pytest.mark.parametrize(
    "path", [each for each in FILES if each.name in EVENTS], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_an_event_of_an_earlier_release_is_read(path: Path, bare: bool) -> None:
    written, event = json.loads(path.read_text(encoding="utf-8")), EVENTS[path.name]
    record = sample(written, {}, bare=bare)
    reader = fastavro.parse_schema(dict(avro_schema(event)))

    read = fastavro.schemaless_reader(io.BytesIO(encode(written, record)), fastavro.parse_schema(written), reader)
    found = from_record(event, read)

    same = [field["name"] for field in written["fields"] if isinstance(record[field["name"]], str | float | bool)]
    assert same
    assert [getattr(found, name) for name in same] == [record[name] for name in same]


@pytest.mark.parametrize("release", sorted(path.name for path in RELEASES.iterdir() if path.is_dir()))
def test_an_application_of_an_earlier_release_is_read(release: str) -> None:
    written = json.loads((RELEASES / release / "loan_application.avsc").read_text(encoding="utf-8"))
    value = frame(3, fastavro.parse_schema(written), an_application(person_age=41))
    contract = load("credit_risk")

    read = ApplicationReader(contract).read_batch(a_batch(value), {3: fastavro.parse_schema(written)})

    assert read.unreadable == []
    assert read.applications.ids == ["a-1"]
    assert read.applications.values[0, contract.position["person_age"]] == 41


def test_the_schemas_of_this_release_are_kept() -> None:
    assert (RELEASES / code_version()).is_dir(), "copy schemas/avro to tests/releases at a release"


def test_the_changelog_s_newest_release_is_this_one() -> None:
    changelog = (RELEASES.parents[1] / "CHANGELOG.md").read_text(encoding="utf-8")

    newest, *_ = re.findall(r"^## \[(\d[^\]]*)\] - \d{4}-\d{2}-\d{2}$", changelog, re.MULTILINE)

    assert newest == code_version()
