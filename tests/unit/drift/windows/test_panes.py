"""What an agent holds does not grow with the applications it has counted."""

from drift.binning.binned_records import Shape
from drift.windows.panes import PanePosition, PartitionPanes
from tests.builders import some_values
from tests.unit.drift.stream import PANES, a_reference, applicants, between, observations


def test_only_the_ids_of_open_panes_are_remembered() -> None:
    reference = a_reference()
    log = observations(applicants(some_values(3_000, seed=2)), reference)
    panes = PartitionPanes(PANES, Shape(reference.applications.size), PanePosition())
    held = []

    for first in range(0, 3_000, 100):
        panes.observe(between(log, first, first + 100))
        panes.pop_panes()
        held.append(panes.remembered_ids)

    # A second and the lateness of two, at a hundred a second; the pane that is just beginning.
    assert max(held) <= 400
    assert held[-1] <= held[5] + 100
