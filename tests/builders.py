"""Values for tests: each builder names only what matters to the test that calls it."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import fastavro
import numpy as np

from schemas.applications import Applications, from_records
from schemas.codec.application_decoder import ApplicationReader
from schemas.codec.wire_format import frame
from schemas.contract.contract import Contract, load
from schemas.events.decisions import ContributionSpace
from schemas.records import RecordBatch
from scorecard.bundle import ScorecardParts, scorecard_of
from scorecard.calibration import Identity
from scorecard.decisions.dead_letter_office import DeadLetterOffice
from scorecard.decisions.decision_records import DecisionWriter
from scorecard.decisions.scoring import DecisionCodec, RegisteredScorecard
from scorecard.features import FeatureSpace
from scorecard.forest.forest import Forest
from scorecard.policy import Policy
from scorecard.profile import Population, Profile, profile_of
from scorecard.reasons import MOST

CONTRACT = load("credit_risk")
APPLICATION_SCHEMA_ID = 7
DECISION_SCHEMA_ID = 9
RELEASE = "0.0.9"
"""Of the worker of the tests: another one than runs them."""
APPLIED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PARSED = fastavro.parse_schema(dict(CONTRACT.schema))
WRITERS = {APPLICATION_SCHEMA_ID: PARSED}
HOMES = ("RENT", "MORTGAGE", "OWN", "OTHER")


class OneByOne(ApplicationReader):
    """The reader without its bulk pass."""

    def _program(self, schema_id: int, writer: Any) -> None:
        return None


def an_application(**fields: Any) -> dict[str, Any]:
    """An application's record that can be scored, but for what is overridden."""
    usual: dict[str, Any] = {
        "application_id": "a-1",
        "applied_at": APPLIED_AT,
        "person_age": 30,
        "person_income": Decimal("50000.00"),
        "person_home_ownership": "RENT",
        "person_emp_length": 4.0,
        "loan_intent": "MEDICAL",
        "loan_grade": None,
        "loan_amnt": Decimal("10000.00"),
        "loan_int_rate": None,
        "loan_percent_income": 0.2,
        "cb_person_default_on_file": "N",
        "cb_person_cred_hist_length": 6,
    }
    return {**usual, **fields}


def application_bytes(schema_id: int = APPLICATION_SCHEMA_ID, **fields: Any) -> bytes:
    """The same, in wire format."""
    return frame(schema_id, PARSED, an_application(**fields))


def applications(*records: dict[str, Any]) -> Applications:
    return from_records(CONTRACT, records)


def a_batch(*values: bytes | None, first_offset: int = 0, **columns: Any) -> RecordBatch:
    """Records of one partition, one after the other."""
    count = len(values)
    usual: dict[str, Any] = {
        "topic": "loan.applications.v1",
        "keys": [f"k-{place}".encode() for place in range(count)],
        "values": list(values),
        "partitions": [0] * count,
        "offsets": list(range(first_offset, first_offset + count)),
        "timestamps": [1_772_366_400_000] * count,
        "headers": [()] * count,
    }
    return RecordBatch(**{**usual, **columns})


def a_stump_forest(feature: int, threshold: float, low: float, high: float, columns: int) -> Forest:
    """One tree with one question: `low` up to the threshold, `high` above it, 60 rows left, 40 right."""
    return Forest(
        feature=np.array([feature, -1, -1], dtype=np.int32),
        threshold=np.array([threshold, 0.0, 0.0]),
        left=np.array([1, -1, -1], dtype=np.int32),
        right=np.array([2, -1, -1], dtype=np.int32),
        missing_left=np.array([True, False, False]),
        value=np.array([0.0, low, high]),
        cover=np.array([100.0, 60.0, 40.0]),
        roots=np.array([0], dtype=np.int32),
        base=0.0,
        columns=columns,
    )


def contract_with(name: str, **attributes: Any) -> Contract:
    """The credit-risk contract with other attributes of one field."""
    fields = [{**spec, **attributes} if spec["name"] == name else spec for spec in CONTRACT.schema["fields"]]
    return Contract.of({**CONTRACT.schema, "fields": fields})


def a_longer_contract(place: int | None = None) -> Contract:
    """The credit-risk contract with one more feature, `dependents`; at the end unless a place is given."""
    fields = list(CONTRACT.schema["fields"])
    more = {"name": "dependents", "type": ["null", "int"], "default": None, "role": "feature", "missing": True}
    reason = {"code": "DEPENDENTS", "text": "Number of dependents"}
    more |= {"range": [0, 20], "reason": reason, "doc": "Persons who live on the applicant's income."}
    fields.insert(len(fields) if place is None else place, more)
    return Contract.of({**CONTRACT.schema, "fields": fields})


def feature_space(contract: Contract = CONTRACT) -> FeatureSpace:
    """All features that a contract lets score."""
    return FeatureSpace.of(contract, [field.name for field in contract.scored()])


def some_values(
    count: int = 64, seed: int = 1, contract: Contract = CONTRACT, **fields: Any
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Scorable values of random applicants, shape (count, observed), all with the given fields."""
    rng = np.random.default_rng(seed)
    amounts, incomes = rng.uniform(500, 35_000, count), rng.uniform(20_000, 150_000, count)
    records = [
        an_application(
            application_id=f"a-{place}",
            person_income=Decimal(f"{incomes[place]:.2f}"),
            loan_amnt=Decimal(f"{amounts[place]:.2f}"),
            loan_percent_income=None,
            person_home_ownership=HOMES[rng.integers(0, len(HOMES))],
            person_emp_length=None if rng.random() < 0.1 else float(rng.integers(0, 12)),
            cb_person_default_on_file="NY"[rng.integers(0, 2)],
            cb_person_cred_hist_length=int(rng.integers(2, 12)),
            **fields,
        )
        for place in range(count)
    ]
    absent = dict.fromkeys(field.name for field in contract.observed)
    return from_records(contract, [{**absent, **record} for record in records]).values


def a_profile(contract: Contract) -> Profile:
    """Of 64 random applicants."""
    space = feature_space(contract)
    values = some_values(contract=contract)
    population = Population(
        values=values,
        probability=np.linspace(0.05, 0.9, len(values)),
        contributions=np.zeros((len(values), len(space.names))),
        reasons=np.full((len(values), MOST), -1),
        outcomes=np.full(len(values), 1, dtype=np.int8),
    )
    codes = list(dict.fromkeys(text.code for field in space.fields for text in field.texts))
    return profile_of(contract, space.names, codes, population)


@cache
def usual_profile() -> Profile:
    """The same under the credit-risk contract, once: it takes most of the time of a scorecard's making."""
    return a_profile(CONTRACT)


def scorecard_parts(contract: Contract = CONTRACT, **overrides: Any) -> ScorecardParts:
    """A scorecard that asks one question: does the loan exceed a quarter of income? Log-odds -2 or 1."""
    space = feature_space(contract)
    column = space.columns.index("loan_percent_income")
    usual: dict[str, Any] = {
        "name": "credit_risk-scorecard",
        "family": "xgboost",
        "space": ContributionSpace.LOG_ODDS,
        "features": space,
        "forest": a_stump_forest(column, 0.25, -2.0, 1.0, len(space.columns)),
        "calibration": Identity(),
        "policy": Policy(approve_below=0.2, decline_from=0.6),
        "reason_baseline": np.zeros(len(space.names)),
        "profile": usual_profile() if contract is CONTRACT else a_profile(contract),
    }
    return ScorecardParts(**{**usual, **overrides})


def a_champion(version: str = "1", **overrides: Any) -> RegisteredScorecard:
    """The scorecard of `scorecard_parts` as champion."""
    return RegisteredScorecard(
        scorecard=scorecard_of(scorecard_parts(**overrides), CONTRACT, digest="d" * 64), version=version
    )


def a_wire(*, keep_bytes: bool = True) -> DecisionCodec:
    """How the tests' worker reads and writes."""
    return DecisionCodec(
        contract=CONTRACT,
        reader=ApplicationReader(CONTRACT),
        writer=DecisionWriter("loan.decisions.v1", DECISION_SCHEMA_ID, RELEASE),
        dead_letters=DeadLetterOffice("loan.applications.v1.dlq", CONTRACT, keep_bytes=keep_bytes),
    )
