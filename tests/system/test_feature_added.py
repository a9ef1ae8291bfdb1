"""A feature is added to a running product, in the order of docs/new-feature.md."""

import json
from collections import Counter
from pathlib import Path

import fastavro
import pytest

from loanctl.commands.cluster import schemas
from schemas.codec.wire_format import frame
from schemas.events.decisions import LoanDecision
from streams.runtime.settings import Connection
from tests.builders import a_longer_contract, an_application
from tests.system.processes import Processes
from tests.system.scorecards import Champions
from tests.system.wait import wait_for
from tests.system.workers import Answers, Applicants, start_worker

LONGER = a_longer_contract()


@pytest.fixture
def longer(connection: Connection, tmp_path: Path) -> Connection:
    """The same product with one more feature."""
    path = tmp_path / "longer.avsc"
    path.write_text(json.dumps(LONGER.schema), encoding="utf-8")
    return connection.model_copy(update={"product": str(path)})


def features(decisions: list[LoanDecision], version: str) -> set[bool]:
    """Whether decisions of a version speak of the new feature."""
    names = [{item.feature for item in one.contributions} for one in decisions if one.scorecard_version == version]
    return {"dependents" in each for each in names}


def test_a_worker_decides_on_while_a_feature_is_added(
    connection: Connection, longer: Connection, processes: Processes, champions: Champions
) -> None:
    champions.promote(champions.register(1.0))
    usual, answers = Applicants(connection), Answers(connection)
    worker = start_worker(processes)
    usual.apply(range(10))

    schemas.register(longer)  # backward compatible: the registry takes it
    worker.process.stop()
    worker = start_worker(processes, product=longer.product)
    usual.apply(range(10, 20))
    asked = Applicants(longer)
    parsed = fastavro.parse_schema(dict(LONGER.schema))

    def apply_with_dependents(numbers: range) -> None:
        for number in numbers:
            record = {**an_application(application_id=f"a-{number}"), "dependents": 2}
            asked.send(f"a-{number}".encode(), frame(asked.schema_id, parsed, record))
        asked.flush()

    usual.flush()
    apply_with_dependents(range(20, 30))
    wait_for(lambda: len(answers.counts()) == 30, 60, "decisions of the old champion under the new contract")
    second = champions.promote(champions.register(2.0, contract=LONGER))
    champions.announce(second)
    wait_for(lambda: worker.health()[1]["champion"]["version"] == second.version, 60, "the swap")
    apply_with_dependents(range(30, 40))
    wait_for(lambda: len(answers.counts()) == 40, 60, "decisions of the new champion")

    decisions = answers.decisions()
    assert Counter(one.application_id for one in decisions) == Counter(f"a-{number}" for number in range(40))
    assert Counter(one.scorecard_version for one in decisions) == {"1": 30, "2": 10}
    assert features(decisions, "1") == {False}
    assert features(decisions, "2") == {True}
    valued = {item.value for one in decisions for item in one.contributions if item.feature == "dependents"}
    assert valued == {2}
