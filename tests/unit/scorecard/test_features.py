import numpy as np
import pytest

from scorecard.features import FeatureSpace
from tests.builders import CONTRACT, an_application, applications, feature_space

SPACE = feature_space()


def encoded(**fields) -> dict[str, float]:
    row = SPACE.encode(applications(an_application(**fields)).values)[0]
    return dict(zip(SPACE.columns, row.tolist(), strict=True))


def test_a_category_is_one_column_per_declared_level():
    row = encoded(loan_intent="VENTURE")

    assert row["loan_intent=VENTURE"] == 1.0
    assert sum(row[name] for name in SPACE.columns if name.startswith("loan_intent=")) == 1.0


def test_an_unseen_category_is_in_no_level_and_a_missing_number_is_nan():
    row = encoded(loan_intent="SPACESHIP", person_emp_length=None)

    assert sum(row[name] for name in SPACE.columns if name.startswith("loan_intent=")) == 0.0
    assert np.isnan(row["person_emp_length"])


def test_columns_of_one_feature_form_one_group():
    groups = dict(zip(SPACE.columns, SPACE.groups.tolist(), strict=True))

    assert SPACE.names[groups["loan_intent=MEDICAL"]] == "loan_intent"
    assert SPACE.names[groups["loan_amnt"]] == "loan_amnt"


def test_features_stand_in_schema_order_whatever_order_they_are_named_in():
    assert FeatureSpace.of(CONTRACT, ["loan_amnt", "person_income"]).names == ("person_income", "loan_amnt")


def test_a_feature_that_the_contract_does_not_observe_is_refused():
    with pytest.raises(KeyError, match="shoe_size"):
        FeatureSpace.of(CONTRACT, ["shoe_size"])
