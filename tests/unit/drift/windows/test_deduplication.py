"""Which records of a batch count: those of ids not met in their pane."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift.windows import deduplication
from drift.windows.deduplication import fresh_of


def fresh(known: list[dict[str, None]], ids: list[str], group: list[int], counted: list[bool]) -> list[bool]:
    return fresh_of(known, np.array(group, dtype=np.int64), ids, np.arange(len(ids)), np.array(counted)).tolist()


def test_an_id_counts_once_in_a_pane_and_again_in_another() -> None:
    known: list[dict[str, None]] = [{}, {}]

    assert fresh(known, ["a", "b", "a", "a"], [0, 0, 0, 1], [True] * 4) == [True, True, False, True]
    assert fresh(known, ["b", "c"], [0, 0], [True] * 2) == [False, True]
    assert [list(each) for each in known] == [["a", "b", "c"], ["a"]]


def test_what_is_not_counted_is_not_remembered() -> None:
    known: list[dict[str, None]] = [{}]

    assert fresh(known, ["a", "a"], [0, 0], [False, True]) == [False, True]


def test_of_too_many_ids_the_latest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deduplication, "REMEMBERED_IDS", 3)
    known: list[dict[str, None]] = [{}]

    assert fresh(known, list("abcde"), [0] * 5, [True] * 5) == [True] * 5
    assert list(known[0]) == ["c", "d", "e"]
    assert fresh(known, ["e", "a"], [0] * 2, [True] * 2) == [False, True]


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 2), st.booleans()), max_size=30), st.integers(0, 30)
)
def test_batches_and_single_records_come_to_the_same(rows: list[tuple[str, int, bool]], cut: int) -> None:
    at_once: list[dict[str, None]] = [{}, {}, {}]
    one_by_one: list[dict[str, None]] = [{}, {}, {}]

    bulk: list[bool] = []
    for part in (rows[:cut], rows[cut:]):
        bulk += fresh(at_once, *map(list, zip(*part, strict=True))) if part else []
    single = [each for name, group, counted in rows for each in fresh(one_by_one, [name], [group], [counted])]

    assert bulk == single
    assert at_once == one_by_one
