import numpy as np
import pytest

from scorecard.policy import OUTCOMES, Policy, PolicyError, outcomes


def test_cut_offs_are_approved_below_and_declined_from():
    codes = outcomes(Policy(0.2, 0.6), np.array([0.1999, 0.2, 0.5999, 0.6]))

    assert [OUTCOMES[code] for code in codes] == ["APPROVE", "REFER", "REFER", "DECLINE"]


def test_equal_cut_offs_leave_nothing_to_people():
    codes = outcomes(Policy(0.5, 0.5), np.array([0.49, 0.5]))

    assert [OUTCOMES[code] for code in codes] == ["APPROVE", "DECLINE"]


def test_a_version_names_the_cut_offs():
    assert Policy(0.2, 0.6).version == Policy(0.2, 0.6).version
    assert Policy(0.2, 0.6).version != Policy(0.2, 0.61).version


@pytest.mark.parametrize("cut_offs", [(-0.1, 0.5), (0.6, 0.5), (0.5, 1.1), (float("nan"), 0.5)])
def test_cut_offs_out_of_order_are_refused(cut_offs):
    with pytest.raises(PolicyError, match="approve_below <= decline_from"):
        Policy(*cut_offs)
