"""Between what is fitted and what is judged lies an embargo as long as the performance window."""

import numpy as np

from training.rows.split_parts import SHARES, SplitPart
from training.rows.time_split import DAY_MS, split_by_time

N = 4_000
GENERATOR = np.random.default_rng(1)
DAYS = np.sort(GENERATOR.uniform(0.0, 1_500.0, N))
APPLIED_AT = np.rint(DAYS * DAY_MS).astype(np.int64)
DRAWN = GENERATOR.random(N)
DEFAULTED = GENERATOR.random(N) < 0.2


def test_no_row_is_fitted_whose_outcome_was_unknown_when_the_first_judged_applied() -> None:
    split = split_by_time(APPLIED_AT, DRAWN, DEFAULTED, window_days=365)

    judged = split.parts == SplitPart.JUDGEMENT
    fitted = (split.parts >= SplitPart.SEARCH) & ~judged
    assert DAYS[fitted].max() + 365.0 <= DAYS[judged].min()
    assert np.array_equal(judged, split_by_time(APPLIED_AT, DRAWN, DEFAULTED).parts == SplitPart.JUDGEMENT)
    left_out = int((split.parts == SplitPart.LEFT_OUT).sum())
    assert split.how == f"time with an embargo of 365 days before judgement ({left_out} rows)"
    shares = [(split.parts == part).sum() / fitted.sum() for part in SHARES if part is not SplitPart.JUDGEMENT]
    assert np.allclose(shares, np.array(list(SHARES.values())[:-1]) / 0.88, atol=0.01)


def test_where_history_is_too_short_no_row_is_lost_and_it_is_said() -> None:
    split = split_by_time(APPLIED_AT, DRAWN, DEFAULTED, window_days=1_300)

    assert split.how == "time, without an embargo of 1300 days: too few rows are older"
    assert (split.parts >= SplitPart.SEARCH).all()


def test_without_a_window_there_is_no_embargo() -> None:
    split = split_by_time(APPLIED_AT, DRAWN, DEFAULTED)

    assert split.how == "time"
    assert (split.parts >= SplitPart.SEARCH).all()
