"""`loanctl decisions verify` over topics in memory: the same, or what has changed; and nothing held in between."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastavro
import pytest
from typer.testing import CliRunner

from loanctl.audit.verification_summary import VerificationSummary
from loanctl.commands.decisions import decisions
from loanctl.commands.decisions.decisions import verification_summary
from loanctl.console import FINDING
from schemas.codec.event_codec import avro_schema
from schemas.codec.wire_format import frame
from schemas.events.decisions import LoanDecision
from scorecard.decisions.reproduction import own_decision
from scorecard.policy import Policy
from tests.builders import DECISION_SCHEMA_ID, a_champion, application_bytes
from tests.unit.loanctl.audit.topics import SCHEMAS, SETTINGS, TOPICS, Shelf, Topics

SCHEMA = avro_schema(LoanDecision)
RELEASES = Path(__file__).parents[3] / "releases"
EARLIER_ID = 90
DECISIONS, APPLICATIONS = TOPICS.decisions.name, TOPICS.applications.name


def summary_of(*offsets: int | None) -> VerificationSummary:
    return verification_summary(SETTINGS, *(offsets or (None, None, None)))


def test_decisions_that_come_out_to_the_byte_are_the_same(topics: Topics) -> None:
    topics.decide([*topics.apply("a", "b"), *topics.apply("c", partition=2, loan_percent_income=0.3)])

    found = summary_of()

    assert (found.decisions, found.same, found.different, found.clean) == (3, 3, 0, True)
    assert found.from_values == 0


def test_two_scorecards_and_two_policies_in_one_stretch_are_each_asked(topics: Topics, shelf: Shelf) -> None:
    shelf.champions["2"] = a_champion("2", policy=Policy(0.1, 0.5))
    topics.decide(topics.apply("a"))
    topics.decide(topics.apply("b"), shelf.champions["2"])
    topics.decide(topics.apply("c"))

    assert summary_of().same == 3


def test_only_the_stretch_that_is_named_is_looked_at(topics: Topics) -> None:
    topics.decide(topics.apply("a", "b", "c"))
    topics.replace(DECISIONS, 2, b"no decision")

    assert (summary_of(0, 0, 2).decisions, summary_of(0, 0, 2).clean) == (2, True)
    assert (summary_of(0, 2, None).unreadable, summary_of(0, 2, None).clean) == (1, False)


def test_decisions_of_a_release_with_an_earlier_schema_are_the_same_by_their_values(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = json.loads((RELEASES / "first" / "loan_decision.avsc").read_text(encoding="utf-8"))
    monkeypatch.setitem(SCHEMAS, EARLIER_ID, earlier)
    topics.decide(topics.apply("a"))
    [record] = topics.records[DECISIONS][0]
    topics.replace(DECISIONS, 0, frame(EARLIER_ID, fastavro.parse_schema(earlier), own_decision(record.value)))

    assert (summary_of().same, summary_of().clean) == (1, True)


def test_an_application_decided_twice_has_two_decisions_that_are_the_same(topics: Topics) -> None:
    applied = topics.apply("a")
    topics.decide(applied)
    topics.decide(applied)

    assert summary_of().same == 2


def _alter_probability(topics: Topics) -> None:
    [record] = topics.records[DECISIONS][0]
    altered = {**own_decision(record.value), "probability": 0.01}
    topics.replace(DECISIONS, 0, frame(DECISION_SCHEMA_ID, fastavro.parse_schema(dict(SCHEMA)), altered))


def _alter_application(topics: Topics) -> None:
    topics.replace(APPLICATIONS, 0, application_bytes(application_id="a", loan_percent_income=0.11))


def _damage_application(topics: Topics) -> None:
    topics.replace(APPLICATIONS, 0, b"damaged")


@pytest.mark.parametrize(
    ("alter", "changed"),
    [(_alter_probability, "code"), (_alter_application, "bytes"), (_damage_application, "bytes")],
)
def test_an_altered_record_is_found(topics: Topics, alter: Any, changed: str) -> None:
    topics.decide(topics.apply("a"))
    alter(topics)

    found = summary_of()

    assert (found.different, found.findings[0]["changed"]) == (1, [changed])
    assert (found.findings[0]["partition"], found.findings[0]["offset"]) == (0, 0)


def test_a_scorecard_that_the_registry_has_no_longer_is_found(topics: Topics) -> None:
    topics.decide(topics.apply("a"), a_champion("7"))

    found = summary_of()

    assert (found.different, found.not_computable) == (1, 0)
    assert (found.findings[0]["changed"], found.findings[0]["problem"]) == (["scorecard"], "no version 7")


def test_a_version_under_another_digest_is_found(topics: Topics, shelf: Shelf) -> None:
    topics.decide(topics.apply("a"))
    kept = shelf.champions["1"]
    shelf.champions["1"] = replace(kept, scorecard=replace(kept.scorecard, digest="e" * 64))

    assert summary_of().findings[0]["changed"] == ["scorecard"]


def test_code_that_decides_otherwise_is_found_with_the_fields(topics: Topics, shelf: Shelf) -> None:
    topics.decide(topics.apply("a"))
    shelf.champions["1"] = _other_code()

    [finding] = summary_of().findings

    assert finding["changed"] == ["code"]
    assert {"probability", "margin"} <= set(finding["fields"])


def _other_code() -> Any:
    # The same bundle by name and digest, which scores otherwise: what another release would do.
    kept = a_champion()
    return replace(kept, scorecard=replace(kept.scorecard, explainer=_BentExplainer(kept)))


class _BentExplainer:
    def __init__(self, champion: Any) -> None:
        self._explainer = champion.scorecard.explainer
        self.base_value = self._explainer.base_value

    def explain(self, matrix: Any) -> Any:
        margin, contributions = self._explainer.explain(matrix)
        return margin + 0.5, contributions


def test_applications_that_retention_took_are_computed_from_the_values(topics: Topics) -> None:
    topics.decide(topics.apply("a", "b", person_emp_length=None))
    topics.lose(APPLICATIONS, 1)

    found = summary_of()

    assert (found.same, found.from_values, found.clean) == (2, 1, True)


def test_an_altered_decision_is_found_by_its_values_alone(topics: Topics) -> None:
    topics.decide(topics.apply("a"))
    _alter_probability(topics)
    topics.put(APPLICATIONS, b"")
    topics.lose(APPLICATIONS, 1)

    found = summary_of()

    assert (found.different, found.findings[0]["from"]) == (1, "values")


def test_what_was_never_scored_cannot_be_computed_once_its_application_is_gone(topics: Topics) -> None:
    topics.decide(topics.apply("a", cb_person_cred_hist_length=-1))
    topics.put(APPLICATIONS, b"")
    topics.lose(APPLICATIONS, 1)

    found = summary_of()

    assert (found.decisions, found.not_computable, found.different, found.clean) == (1, 1, 0, True)


def test_a_long_stretch_is_taken_in_chunks(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "CHUNK", 2)
    for _ in range(3):
        topics.decide(topics.apply("a", "b"))
        topics.decide(topics.apply("c", partition=1))

    assert summary_of().same == 9


@pytest.mark.parametrize("clean", [True, False])
def test_a_difference_is_a_finding_to_a_pipeline(topics: Topics, clean: bool) -> None:
    topics.decide(topics.apply("a"))
    if not clean:
        _alter_application(topics)

    ran = CliRunner().invoke(decisions.app, ["verify", "--json"])
    told = CliRunner().invoke(decisions.app, ["verify"])

    assert (ran.exit_code, told.exit_code) == ((0, 0) if clean else (FINDING, FINDING))
    assert json.loads(ran.output)["changed"]["bytes"] == (0 if clean else 1)
    assert ("0@0 a: bytes changed" in told.output) is not clean
