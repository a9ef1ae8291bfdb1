"""Who rests, and who goes on."""

from hypothesis import given
from hypothesis import strategies as st

from drift.binning.binned_records import NO_TIME
from drift.windows.alignment import ReadProgress, partitions_to_pause

AHEAD = 1_000
NOBODY: frozenset[tuple[str, int]] = frozenset()


def places(*each: ReadProgress) -> dict[tuple[str, int], ReadProgress]:
    return {("t", number): progress for number, progress in enumerate(each)}


def test_who_is_too_far_ahead_of_one_with_a_backlog_rests_until_half_of_it_is_made_up() -> None:
    far = places(
        ReadProgress(5_001, waiting=True), ReadProgress(4_000, waiting=True), ReadProgress(5_000, waiting=False)
    )

    assert partitions_to_pause(far, NOBODY, AHEAD) == {("t", 0)}
    nearer = {**far, ("t", 1): ReadProgress(4_500, waiting=True)}
    assert partitions_to_pause(nearer, frozenset({("t", 0)}), AHEAD) == {("t", 0)}
    assert (
        partitions_to_pause({**far, ("t", 1): ReadProgress(4_501, waiting=True)}, frozenset({("t", 0)}), AHEAD)
        == NOBODY
    )


def test_nobody_waits_for_a_partition_that_was_read_to_its_end() -> None:
    assert (
        partitions_to_pause(
            places(ReadProgress(9_000, waiting=True), ReadProgress(1_000, waiting=False)), NOBODY, AHEAD
        )
        == NOBODY
    )


def test_for_one_that_was_not_read_yet_nobody_runs_away() -> None:
    unread = places(
        ReadProgress(9_000, waiting=True), ReadProgress(NO_TIME, waiting=True), ReadProgress(5_000, waiting=False)
    )

    assert partitions_to_pause(unread, NOBODY, AHEAD) == {("t", 0)}


@given(
    st.lists(st.builds(ReadProgress, st.one_of(st.just(NO_TIME), st.integers(0, 10_000)), waiting=st.booleans())),
    st.sets(st.integers(0, 5)),
)
def test_there_is_always_one_with_a_backlog_that_goes_on(found: list[ReadProgress], rested: set[int]) -> None:
    all_of = places(*found)
    rest = partitions_to_pause(all_of, frozenset(("t", number) for number in rested), AHEAD)
    waiting = {place for place, each in all_of.items() if each.waiting}

    assert not waiting or waiting - rest
