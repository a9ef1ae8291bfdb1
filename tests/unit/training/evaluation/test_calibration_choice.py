"""A calibration is fitted only where it helps on rows that it has not seen."""

import numpy as np

from scorecard.calibration import sigmoid
from training.evaluation.calibration_choice import choose_calibration, isotonic, platt

GENERATOR = np.random.default_rng(3)
TRUE = sigmoid(GENERATOR.normal(-1.0, 1.5, 4_000))
DEFAULTED = GENERATOR.random(4_000) < TRUE
FOLDS = np.arange(4_000) % 5


def test_what_is_calibrated_is_left_as_it_is() -> None:
    assert choose_calibration(TRUE, DEFAULTED, FOLDS).kind == "identity"


def test_what_is_too_sure_of_itself_is_bent_back_by_platt() -> None:
    log_odds = np.log(TRUE / (1 - TRUE))

    found = choose_calibration(sigmoid(2.0 * log_odds + 1.0), DEFAULTED, FOLDS)

    assert found.kind == "platt"
    assert np.allclose(found.calibration.apply(sigmoid(2.0 * log_odds + 1.0)), TRUE, atol=0.03)


def test_what_no_line_can_mend_becomes_isotonic() -> None:
    folded = np.where(TRUE < 0.3, TRUE / 10, 0.5 + TRUE / 2)

    assert choose_calibration(folded, DEFAULTED, FOLDS).kind == "isotonic"


def test_losses_of_all_three_are_told() -> None:
    assert set(choose_calibration(TRUE, DEFAULTED, FOLDS).losses) == {"identity", "platt", "isotonic"}


def test_platt_never_turns_the_ranking_around() -> None:
    assert platt(1.0 - TRUE, DEFAULTED).slope == 0.0


def test_isotonic_never_says_never() -> None:
    raw = np.linspace(0.01, 0.99, 100)
    found = isotonic(raw, raw > 0.5)

    assert found.apply(raw).min() == 1 / 102
    assert found.apply(raw).max() == 1 - 1 / 102
