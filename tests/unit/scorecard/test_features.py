import numpy as np
import pytest

from scorecard.features import FeatureSpace
from tests.builders import CONTRACT, an_application, applications, feature_space, some_values

SPACE = feature_space()


def encode(**fields) -> dict[str, float]:
    row = SPACE.encode(applications(an_application(**fields)).values)[0]
    return dict(zip(SPACE.columns, row.tolist(), strict=True))


def test_a_category_is_one_column_per_declared_level():
    row = encode(loan_intent="VENTURE")

    assert row["loan_intent=VENTURE"] == 1.0
    assert sum(row[name] for name in SPACE.columns if name.startswith("loan_intent=")) == 1.0


def test_an_unseen_category_is_in_no_level_and_a_missing_number_is_nan():
    row = encode(loan_intent="SPACESHIP", person_emp_length=None)

    assert sum(row[name] for name in SPACE.columns if name.startswith("loan_intent=")) == 0.0
    assert np.isnan(row["person_emp_length"])


def test_a_medical_purpose_is_encoded_as_the_comparable_one_that_the_contract_names():
    medical = some_values(loan_intent="MEDICAL")
    debts = some_values(loan_intent="DEBTCONSOLIDATION")

    assert np.array_equal(SPACE.encode(medical), SPACE.encode(debts), equal_nan=True)


def test_a_scorecard_from_before_that_rule_encodes_as_it_was_made():
    before = FeatureSpace.of(CONTRACT, SPACE.names, {})

    encoded = before.encode(some_values(loan_intent="MEDICAL"))
    assert encoded[:, before.columns.index("loan_intent=MEDICAL")].all()


def test_columns_of_one_feature_form_one_group():
    groups = dict(zip(SPACE.columns, SPACE.groups.tolist(), strict=True))

    assert SPACE.names[groups["loan_intent=MEDICAL"]] == "loan_intent"
    assert SPACE.names[groups["loan_amnt"]] == "loan_amnt"


def test_features_stand_in_schema_order_whatever_order_they_are_named_in():
    assert FeatureSpace.of(CONTRACT, ["loan_amnt", "person_income"]).names == ("person_income", "loan_amnt")


def test_a_feature_that_the_contract_does_not_observe_is_refused():
    with pytest.raises(KeyError, match="shoe_size"):
        FeatureSpace.of(CONTRACT, ["shoe_size"])
