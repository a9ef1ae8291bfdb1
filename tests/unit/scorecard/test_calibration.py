import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorecard.calibration import CalibrationError, Identity, Isotonic, Platt, calibration_of, logit, sigmoid

ISOTONIC = Isotonic((0.1, 0.4, 0.9), (0.0, 0.5, 1.0), rows=98)
CALIBRATIONS = [Identity(), Platt(slope=0.8, intercept=-0.3), ISOTONIC]


def test_platt_of_slope_one_and_no_intercept_changes_nothing():
    raw = np.array([0.1, 0.5, 0.9])

    assert Platt(slope=1.0, intercept=0.0).apply(raw) == pytest.approx(raw)


def test_an_isotonic_map_is_clipped_by_the_rows_it_was_fitted_on():
    probability = ISOTONIC.apply(np.array([0.0, 1.0]))

    assert probability == pytest.approx([1 / 100, 99 / 100])


@pytest.mark.parametrize("calibration", CALIBRATIONS)
@given(raw=st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_any_calibration_keeps_order_and_stays_inside_zero_and_one(calibration, raw):
    ordered = np.sort(np.array(raw))

    probability = calibration.apply(ordered)

    assert np.all(np.diff(probability) >= 0)
    assert np.all((probability > 0) & (probability < 1))


@pytest.mark.parametrize("calibration", CALIBRATIONS)
def test_a_calibration_comes_back_from_its_plain_data(calibration):
    assert calibration_of(calibration.to_dict()) == calibration


@pytest.mark.parametrize(
    "described",
    [{"kind": "magic"}, {}, {"kind": "isotonic", "raw": [0.1, 0.2], "calibrated": [0.9, 0.1], "rows": 5}],
)
def test_a_calibration_we_do_not_know_or_that_falls_is_refused(described):
    with pytest.raises(CalibrationError):
        calibration_of(described)


@given(st.floats(-10, 10))
def test_log_odds_and_probability_undo_each_other(margin):
    assert logit(sigmoid(np.array([margin]))) == pytest.approx([margin], abs=1e-9)
