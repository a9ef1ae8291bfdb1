"""A ratio is one number, whether a source rounds it or leaves it out: computed from its parts."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from drift.binning.binner import ApplicationCells
from drift.binning.reference import Reference
from schemas.applications import Fault, faults, from_records
from scorecard import bundle
from scorecard.bulk.scorer_package import ScorerPackage
from scorecard.decisions.scoring import RegisteredScorecard, score_batch
from scorecard.features import FeatureSpace
from tests.builders import (
    CONTRACT,
    WRITERS,
    a_batch,
    a_champion,
    a_wire,
    an_application,
    application_bytes,
    feature_space,
    scorecard_parts,
    some_values,
)
from tests.unit.scorecard.bulk.applicants import a_package, a_table, arrow
from tests.unit.training.builders import made_up_rows
from training.pipeline.pipeline import train_candidate
from training.pipeline.plan import Material, Plan
from training.rows.labelled_rows import LabelledRows
from training.search.budget import Budget

RATIO = CONTRACT.position["loan_percent_income"]
AMOUNT, INCOME = CONTRACT.position["loan_amnt"], CONTRACT.position["person_income"]
AS_GIVEN = FeatureSpace.of(CONTRACT, feature_space().names, exact_ratios=False)
"""Of a scorecard of before."""


def applicants() -> list[dict[str, Any]]:
    """With ratios around the forest's question, .25, and so near to it that two decimals answer otherwise."""
    return [
        an_application(application_id=f"a-{amount}", loan_amnt=Decimal(amount)) for amount in range(12_000, 13_000, 25)
    ]


def with_rounded_ratio(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "loan_percent_income": round(float(record["loan_amnt"]) / 50_000, 2)}


def without_ratio(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "loan_percent_income": None}


def outcome_codes(champion: RegisteredScorecard, records: list[dict[str, Any]]) -> list[int]:
    batch = a_batch(*(application_bytes(**record) for record in records))
    scored = score_batch(batch, WRITERS, champion, champion.scorecard.policy, a_wire())
    return [int(code) for code in scored.outcomes]


def test_a_rounded_ratio_is_decided_as_one_that_the_stream_leaves_out() -> None:
    people = applicants()
    former = a_champion(features=AS_GIVEN)

    assert outcome_codes(a_champion(), [with_rounded_ratio(one) for one in people]) == outcome_codes(
        a_champion(), [without_ratio(one) for one in people]
    )
    assert outcome_codes(former, [with_rounded_ratio(one) for one in people]) != outcome_codes(
        former, [without_ratio(one) for one in people]
    )


def test_the_rows_of_a_table_are_decided_as_the_stream_decides(tmp_path: Path) -> None:
    package: ScorerPackage = a_package(tmp_path)
    table = a_table()
    table["loan_percent_income"] = (table["loan_amnt"].round(2) / table["person_income"].round(2)).round(2)
    given, absent = (
        pa.Table.from_batches([package.scorer().decisions(arrow(each))])
        for each in (table, table.drop(columns="loan_percent_income"))
    )

    assert given["probability"].equals(absent["probability"])
    assert given["outcome"].equals(absent["outcome"])


@pytest.fixture(scope="module")
def rows() -> LabelledRows:
    """Each with an id: a row without one is named by what it holds."""
    people = made_up_rows(1_500)
    return replace(people, ids=np.arange(1, len(people) + 1, dtype=np.uint64))


@pytest.mark.slow
def test_training_makes_one_scorecard_of_a_table_with_rounded_ratios_and_one_without(
    tmp_path: Path, rows: LabelledRows
) -> None:
    values = rows.values.copy()
    values[:, RATIO] = np.round(values[:, AMOUNT] / values[:, INCOME], 2)
    exact = rows.values.copy()
    exact[:, RATIO] = values[:, AMOUNT] / values[:, INCOME]
    plan = Plan(name="test", budget=Budget(trials=1, folds=2, most_trees=30, jobs=1))

    one, other = (
        train_candidate(Material(CONTRACT, replace(rows, values=each), tmp_path / name), plan)
        for name, each in (("rounded", values), ("exact", exact))
    )

    assert not np.array_equal(values, exact)
    assert one.scorecard.digest == other.scorecard.digest
    assert np.array_equal(one.probability, other.probability)


def test_a_ratio_that_contradicts_its_parts_is_still_at_fault() -> None:
    values = from_records(CONTRACT, [an_application(loan_percent_income=0.45)]).values

    assert feature_space().faults(CONTRACT, values).codes == [Fault.CONTRADICTORY]
    assert feature_space().with_computed_ratios(values) is values
    assert faults(CONTRACT, values).codes == [Fault.CONTRADICTORY]


def test_a_rounded_ratio_falls_into_the_bin_of_the_computed_one() -> None:
    exact = some_values(500)
    coarse = exact.copy()
    coarse[:, RATIO] = np.round(coarse[:, RATIO], 2)

    def cells(*, exact_ratios: bool) -> tuple[list[int], list[int]]:
        profile = replace(scorecard_parts().profile, exact_ratios=exact_ratios)
        counted = ApplicationCells(CONTRACT, Reference.of(0, "1", "d", profile, CONTRACT))
        return counted.cells(exact)[:, RATIO].tolist(), counted.cells(coarse)[:, RATIO].tolist()

    computed, given = cells(exact_ratios=True)
    former_computed, former_given = cells(exact_ratios=False)
    assert given == computed == former_computed
    assert former_given != former_computed


def test_a_bundle_says_whether_its_ratios_are_computed(tmp_path: Path) -> None:
    profile = replace(scorecard_parts().profile, exact_ratios=True)
    for name, features in (("now", feature_space()), ("before", AS_GIVEN)):
        parts = scorecard_parts(features=features, profile=replace(profile, exact_ratios=bool(features.ratios)))
        bundle.write(parts, CONTRACT, some_values(), tmp_path / name)

    now, before = (bundle.read(tmp_path / name, CONTRACT) for name in ("now", "before"))

    assert (now.features.ratios, before.features.ratios) == (feature_space().ratios, ())
    assert (now.profile.exact_ratios, before.profile.exact_ratios) == (True, False)
