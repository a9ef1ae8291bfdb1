"""A level is trained from when it has enough rows, and what becomes of it before is said."""

import numpy as np
import pytest

from tests.builders import CONTRACT, contract_with, some_values
from training.rows.identity import of_ids
from training.rows.labelled_rows import CleanRows, LabelledRows
from training.rows.rare_levels import without_rare_levels

INTENT = CONTRACT.position["loan_intent"]
VENTURE, PERSONAL = 2.0, 3.0


def clean_rows(rare: int) -> CleanRows:
    """Ninety rows, of which `rare` have a level of their own."""
    values = some_values(90)
    values[:, CONTRACT.position["person_home_ownership"]] = 0.0
    values[:, INTENT] = PERSONAL
    values[:rare, INTENT] = VENTURE
    rows = LabelledRows(
        values=values,
        defaulted=np.arange(90) % 3 == 0,
        applied_at=np.zeros(90, dtype=np.int64),
        recent=np.zeros(90, dtype=np.bool_),
        ids=of_ids([f"a-{place}" for place in range(90)]),
    )
    return CleanRows(rows=rows, source="a table", read=90, left_out={"duplicate": 1})


@pytest.mark.parametrize(("rare", "left"), [(9, 81), (10, 90)])
def test_rows_of_a_level_that_has_fewer_than_ten_are_left_out_where_it_is_referred(rare: int, left: int):
    found = without_rare_levels(CONTRACT, clean_rows(rare), with_pricing=False)

    assert len(found.rows) == left
    assert found.left_out == {"duplicate": 1, **({"rare_level": 9} if left == 81 else {})}
    assert any("loan_intent" in note and "VENTURE" in note and "refers" in note for note in found.notes) == (left == 81)


def test_they_are_kept_where_an_unknown_level_is_scored():
    found = without_rare_levels(contract_with("loan_intent", unknown="score"), clean_rows(9), with_pricing=False)

    assert len(found.rows) == 90
    assert any("VENTURE" in note and "as no level" in note for note in found.notes)
