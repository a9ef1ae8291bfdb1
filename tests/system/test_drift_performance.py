"""Performance from decisions and outcomes on a real broker."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from drift.joining import Odd
from drift.settings import DriftSettings
from loanctl.drift_loans import Stretch
from loanctl.drift_performance import of
from streams.connection import Connection
from tests.system.drift_stage import BEGAN, DriftStage
from tests.system.processes import Processes

SINCE = ("--since", "2026-03-01", "--until", "2026-03-02")


def test_performance_is_observed_as_outcomes_come_and_estimated_before(
    connection: Connection, processes: Processes, tmp_path: Path
) -> None:
    stage, rng = DriftStage(connection, tmp_path), np.random.default_rng(1)
    names, probability = [f"a-{nth}" for nth in range(400)], rng.beta(1, 3, 400)
    defaulted = rng.random(400) < probability
    settings, stretch = DriftSettings(**connection.model_dump()), Stretch(BEGAN, BEGAN + timedelta(days=1))

    stage.decide(names, probability.tolist())
    before = of(settings, [stretch], datetime.now(UTC))
    stage.end(names[:300], defaulted[:300].tolist())
    stage.end(["nobody", "a-0", "a-1"], [True, not defaulted[0], bool(defaulted[1])])
    after = of(settings, [stretch], datetime.now(UTC))
    young = of(settings, [stretch], datetime.now(UTC), age_days=20)
    ran = processes.loanctl("drift", "performance", *SINCE, "--least-auc", "0.99")

    assert before.told[0].performance.observed is None
    assert before.told[0].performance.estimated is not None
    assert before.told[0].performance.estimated.default_rate.value == pytest.approx(probability.mean())
    found = after.told[0].performance
    assert (found.decided, found.with_outcome, found.share_with_outcome) == (400, 300, 0.75)
    assert found.observed is not None
    assert found.observed.auc is not None
    assert found.observed.auc.low < found.observed.auc.value < found.observed.auc.high < 0.99
    assert found.estimated == before.told[0].performance.estimated
    assert (after.notes.unknown, after.notes.contradictory) == (Odd(1, ["nobody"]), Odd(1, ["a-0"]))
    assert after.notes.repeated == 1
    assert (young.told[0].performance.with_outcome, young.notes.too_old) == (0, 302)
    assert ran.status == 1
    assert "outcomes of applications that nobody decided: nobody" in ran.out
