"""What a training asks of the champion before it compares."""

from dataclasses import replace

import numpy as np

from scorecard.registry.registered_version import RegisteredVersion
from tests.builders import CONTRACT, a_champion, some_values
from tests.unit.training.builders import made_up_rows
from training.promotion.champion_comparison import Incomparable
from training.promotion.current_champion import CurrentChampion, doubtful_ranges
from training.rows.labelled_rows import CleanRows, LabelledRows

CHAMPION = CurrentChampion(RegisteredVersion("scorecard", "1", "d", "xgboost", "r"), a_champion().scorecard, None)
INCOME = CONTRACT.position["person_income"]


def rows_with_incomes_times(factor: float, *, recent: bool = False) -> LabelledRows:
    values = some_values(600, seed=2)
    values[:, INCOME] *= factor
    return replace(made_up_rows(600), values=values, recent=np.full(600, recent))


def test_a_table_in_another_unit_is_doubtful_and_named() -> None:
    rows = rows_with_incomes_times(1 / 12)

    doubts = doubtful_ranges(CleanRows(rows, "loans.csv", len(rows)), CHAMPION, CONTRACT)

    assert [doubt.split(" ")[:2] for doubt in doubts] == [["loans.csv:", "person_income:"]]


def test_rows_from_the_topics_neither_hide_it_nor_are_judged() -> None:
    table, topics = rows_with_incomes_times(1 / 12), rows_with_incomes_times(1.0, recent=True)
    mixed = table.then(topics).then(topics).then(topics)

    assert doubtful_ranges(CleanRows(mixed, "loans.csv and the topics", len(mixed)), CHAMPION, CONTRACT)
    assert not doubtful_ranges(
        CleanRows(replace(table, recent=~table.recent), "the topics", len(table)), CHAMPION, CONTRACT
    )


def test_without_a_champion_that_can_be_read_nothing_is_doubted() -> None:
    monthly = CleanRows(rows_with_incomes_times(1 / 12), "loans.csv", 600)

    assert doubtful_ranges(monthly, None, CONTRACT) == []
    assert doubtful_ranges(monthly, Incomparable(champion_digest="d", why="damaged"), CONTRACT) == []
