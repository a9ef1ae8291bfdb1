"""The page of guarantees shows what the last run of the chaos checker found, and nothing else."""

import json

from tests.chaos.__main__ import FULL
from tests.chaos.table import PAGE, RESULTS, table, with_table


def an_outcome(**fields):
    usual = {
        "fault": "kill",
        "seed": 1,
        "delivery": "exactly_once",
        "applications": 1_000,
        "repeated": 0,
        "longest_wait_s": 2.4,
        "recovery_s": 1.0,
        "violations": {},
        "error": "",
    }
    return {**usual, **fields}


def test_a_row_adds_modes_and_seeds_and_tells_each_violation():
    found = an_outcome(seed=2, repeated=3, violations={"decisions_lost": 2, "decisions_altered": 1, "commits_apart": 4})

    outcomes = [an_outcome(full_rate_s=3.14), found, an_outcome(error="stuck")]
    told = table({"day": "2026-03-01", "minutes": 12.4, "outcomes": outcomes})

    assert told.splitlines()[0] == "Run on 2026-03-01, 12 minutes."
    assert told.splitlines()[4] == "| kill | 2 | 3,000 | 2 | 0 | 1 | 0 | 4; 1 unfinished | 3 | 2 s | 1 s | 3.1 s |"


def test_the_page_has_the_table_of_the_committed_results():
    page = PAGE.read_text(encoding="utf-8")
    results = json.loads(RESULTS.read_text(encoding="utf-8"))

    assert with_table(page, results) == page
    assert {one["fault"] for one in results["outcomes"]} <= {fault.name for fault in FULL}
