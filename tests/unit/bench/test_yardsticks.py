"""The measurements measure what they say: the per-event way gives the same answers, and ratios point the right way."""

import io
import json
from decimal import Decimal
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest

from schemas.codec.event_codec import avro_schema
from schemas.codec.wire_format import unframe
from schemas.events.decisions import LoanDecision
from scorecard.decisions.scoring import score_batch
from tests.bench import measurement
from tests.bench.measurement import Way, comparison, line
from tests.bench.per_event import PerEvent
from tests.builders import (
    WRITERS,
    a_batch,
    a_champion,
    a_wire,
    an_application,
    application_bytes,
    applications,
    feature_space,
)
from training.families.family_registry import compile_model

SCHEMA: Any = fastavro.parse_schema(dict(avro_schema(LoanDecision)))


def decode(value: bytes | None) -> dict[str, Any]:
    record: Any = fastavro.schemaless_reader(io.BytesIO(unframe(value)[1]), SCHEMA)
    return dict(record)


def test_the_per_event_way_of_the_libraries_gives_our_margins_and_contributions(tmp_path: Path):
    import xgboost

    space = feature_space()
    rng = np.random.default_rng(0)
    values = applications(
        *[an_application(person_emp_length=float(years)) for years in rng.integers(0, 40, 200)]
    ).values
    model = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 3, "nthread": 1},
        xgboost.DMatrix(space.encode(values), rng.integers(0, 2, 200)),
        5,
    )
    model.save_model(tmp_path / "model.ubj")
    value = application_bytes(person_emp_length=12.0)

    theirs = decode(PerEvent(tmp_path / "model.ubj").answer(value))

    champion = a_champion(forest=compile_model(model, len(space.columns)))
    scored = score_batch(a_batch(value), WRITERS, champion, champion.scorecard.policy, a_wire())
    ours = decode(scored.decisions[0].value)
    assert theirs["margin"] == pytest.approx(ours["margin"], abs=1e-5)
    assert theirs["base_value"] == pytest.approx(ours["base_value"], abs=1e-5)
    for mine, other in zip(ours["contributions"], theirs["contributions"], strict=True):
        assert (other["feature"], other["value"]) == (mine["feature"], mine["value"])
        assert other["contribution"] == pytest.approx(mine["contribution"], abs=1e-5)


def test_the_per_event_way_states_reasons_of_a_feature_that_shares_anothers(tmp_path: Path):
    import xgboost

    space = feature_space()
    incomes = np.linspace(10_000, 200_000, 200)
    values = applications(*[an_application(person_income=Decimal(round(income))) for income in incomes]).values
    model = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 2, "eta": 1.0, "nthread": 1},
        xgboost.DMatrix(space.encode(values), incomes < 50_000),
        5,
    )
    model.save_model(tmp_path / "model.ubj")

    decision = decode(PerEvent(tmp_path / "model.ubj").answer(application_bytes(person_income=Decimal(12_000))))

    assert decision["outcome"] == "DECLINE"
    strongest = decision["reasons"][0]
    assert (strongest["code"], strongest["features"]) == ("INCOME_AND_AMOUNT", ["person_income"])


def test_a_ratio_above_one_is_better_for_times_and_for_rates():
    times = line("attribution", "us/row", "library", [(2.0, 60.0), (2.0, 40.0), (1.0, 50.0)])
    rates = line("drain", "applications/s", "floor", [(50.0, 100.0)], rate=True)

    assert (times.value, times.against_value, times.ratio, times.rounds) == (2.0, 50.0, 30.0, 3)
    assert times.spread == pytest.approx((50.0 - 20.0) / 30.0, abs=1e-3)
    assert rates.ratio == 0.5


def test_both_ways_are_timed_in_turn_by_row(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.bench.measurement.time.process_time", partial(next, count()))
    called: list[str] = []

    found = comparison("x", Way("a", lambda: called.append("a"), 2), Way("b", lambda: called.append("b"), 1), rounds=2)

    assert called == ["a", "b", "a", "b", "a", "b"]
    assert found.rounds == 2


def test_lines_are_kept_beside_older_ones_and_replace_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measurement, "BUILD", tmp_path / "build")
    first, second = (line(name, "us", "b", [(1.0, 2.0)]) for name in ("one", "two"))
    better = line("one", "us", "b", [(1.0, 4.0)])

    measurement.write_lines([first, second])
    path = measurement.write_lines([better])

    assert {item["name"]: item["ratio"] for item in json.loads(path.read_text())} == {"one": 4.0, "two": 2.0}
    assert set(json.loads(path.read_text())[0]) >= {"value", "unit", "against", "against_value", "rounds", "spread"}
