"""An act of a person is on the audit log first, or does not take place."""

import dataclasses
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from loanctl.audit import audit_log, audit_record
from loanctl.audit.audit_log import chosen_acts, plain
from loanctl.audit.audit_record import PersonTrail, UnwritableAuditError
from loanctl.commands.drift import drift
from loanctl.commands.scorecards import champion
from schemas.errors import SetupError
from schemas.events.audit import AuditAction, AuditEvent
from schemas.topics import Topic
from streams.kafka.producer.audit_trail import AuditTrail
from streams.kafka.topics.topic_reader import Record
from streams.kafka.topics.topic_scan import WholeTopic
from streams.runtime.settings import Connection
from tests.doubles.certificates import Issuer, subject
from training.settings import TrainingSettings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANN = Connection(_env_file=None, principal="ann", bootstrap_servers="127.0.0.1:9")


def an_act(actor: str = "ann", subject: str = "m", at: datetime = NOW) -> AuditEvent:
    return AuditEvent(
        audit_id="x",
        product="credit_risk",
        actor=actor,
        action=AuditAction.PROMOTE,
        subject=subject,
        why="better",
        before="1",
        after="2",
        acted_at=at,
    )


def test_an_act_says_who_what_why_before_and_after() -> None:
    published: list[tuple[str, str, AuditEvent, str]] = []

    def publish(topic: Topic, key: str, event: Any, event_id: str) -> None:
        published.append((topic.name, key, event, event_id))

    AuditTrail(ANN, publish, ANN.actor()).record(AuditAction.PROMOTE, "m", "better", before="1", after="2")

    [(topic, key, event, event_id)] = published
    assert (topic, key, event_id) == ("loan.audit.v1", "m", event.audit_id)
    assert (event.actor, event.action, event.why, event.before, event.after) == ("ann", "PROMOTE", "better", "1", "2")
    assert abs(event.acted_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_without_a_setting_the_actor_is_the_user_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "bob")

    assert Connection(_env_file=None).actor() == "bob"
    assert ANN.actor() == "ann"


def test_a_user_without_a_name_is_told_which_setting_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nameless)

    with pytest.raises(SetupError, match="LOAN_PRINCIPAL"):
        Connection(_env_file=None).actor()


def test_without_a_broker_nothing_is_done_and_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_record, "reachable", lambda _: False)

    with pytest.raises(UnwritableAuditError, match=r"nothing was done: .*loan.audit.v1 cannot be written .no broker"):
        PersonTrail(ANN).record(AuditAction.RETRAIN, "m", "why")


class Registry:
    name = "m"

    def __getattr__(self, name: str) -> Any:
        if name in ("point", "tag", "drop", "register"):
            pytest.fail(f"{name} was called")
        return lambda *_: VERSIONS["2"]

    def version(self, version: str) -> Any:
        return VERSIONS[version]

    def history(self) -> Any:
        return list(VERSIONS.values())


def _versions() -> dict[str, Any]:
    from scorecard.registry.registered_version import RegisteredVersion

    tags = {"previous_version": "1"}
    return {version: RegisteredVersion("m", version, f"d{version}", "xgboost", "", tags) for version in "12"}


VERSIONS = _versions()


@pytest.mark.parametrize("command", [["promote", "1", "--why", "better"], ["rollback", "--why", "worse"]])
def test_an_alias_stays_where_the_audit_log_does_not_take_the_move(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_record, "reachable", lambda _: False)
    monkeypatch.setattr(TrainingSettings, "model_registry", lambda _: Registry())
    monkeypatch.setenv("LOAN_PRINCIPAL", "ann")

    answer = CliRunner().invoke(champion.app, command)

    assert isinstance(answer.exception, UnwritableAuditError)


@pytest.mark.parametrize("options", [[], ["--why", "I want it"], ["--force"]])
@pytest.mark.parametrize("command", ["promote", "propose"])
def test_what_the_gate_rejected_decides_only_by_force_and_for_a_reason(
    command: str, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rejected = dataclasses.replace(VERSIONS["1"], tags={"verdict": "reject", "why": "no better"})
    monkeypatch.setitem(VERSIONS, "1", rejected)
    monkeypatch.setattr(audit_record, "reachable", lambda _: False)
    monkeypatch.setattr(TrainingSettings, "model_registry", lambda _: Registry())

    refused = CliRunner().invoke(champion.app, [command, "1", *options])
    forced = CliRunner().invoke(champion.app, [command, "1", "--force", "--why", "I want it"])

    assert isinstance(refused.exception, champion.ObjectionError)
    assert "the gate rejected it: no better" in str(refused.exception)
    # It comes as far as the audit log, which is away.
    assert isinstance(forced.exception, UnwritableAuditError)


def test_where_two_people_must_agree_one_alone_promotes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TrainingSettings, "model_registry", lambda _: Registry())
    monkeypatch.setattr(audit_record, "reachable", lambda _: pytest.fail("it was recorded"))
    monkeypatch.setenv("LOAN_PROMOTION_APPROVALS", "2")

    answer = CliRunner().invoke(champion.app, ["promote", "1", "--why", "better"])

    assert isinstance(answer.exception, champion.TwoPeopleError)
    assert "run `loanctl champion propose 1 --why ...`" in str(answer.exception)


@pytest.mark.parametrize(
    ("approver", "done"), [("bob", ["APPROVE", "PROMOTE", "alias", "announced"]), ("ann", [])], ids=["another", "self"]
)
def test_an_approval_by_another_person_moves_the_alias(
    approver: str, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    proposal = replace(an_act(), action=AuditAction.PROPOSE, before="2", after="1")
    monkeypatch.setattr(TrainingSettings, "model_registry", lambda _: Registry())
    monkeypatch.setattr(champion, "audit_events", lambda _: [proposal])
    monkeypatch.setattr(PersonTrail, "record", lambda _, action, *__, **___: said.append(action.value))
    monkeypatch.setattr(Registry, "point", lambda *_: said.append("alias"), raising=False)
    monkeypatch.setattr(champion, "_tell", lambda *_: said.append("announced"))
    monkeypatch.setenv("LOAN_PRINCIPAL", approver)

    answer = CliRunner().invoke(champion.app, ["approve", "1", "--why", "seen"])

    assert said == done
    assert (answer.exception is None) == bool(done)


def test_acts_come_in_the_order_of_the_log_whatever_clocks_say(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (Record("loan.audit.v1", 0, n, 2_000 - n, b"m", str(n).encode()) for n in range(2))
    monkeypatch.setattr(audit_log, "read_topic", lambda *_: WholeTopic((first, second), ()))
    monkeypatch.setattr(audit_log, "RecordDecoder", lambda _: SimpleNamespace(events=lambda _, records: list(records)))

    found = audit_log.audit_events(ANN)

    assert [record.value for record in found] == [b"0", b"1"]  # type: ignore[attr-defined]  # undecoded


def test_an_acknowledgement_is_not_published_where_the_audit_log_does_not_take_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audit_record, "reachable", lambda _: False)
    monkeypatch.setattr(drift, "EventPublisher", lambda *_: pytest.fail("it was published"))

    answer = CliRunner().invoke(drift.app, ["acknowledge", "--why", "a campaign"])

    assert isinstance(answer.exception, UnwritableAuditError)


def test_the_broker_s_name_for_a_person_is_proven_and_another_one_beside_it_is_what_they_say() -> None:
    sasl = {"kafka_security_protocol": "SASL_SSL", "kafka_sasl_username": "operator", "_env_file": None}
    token = "; ".join(
        f"sasl.oauthbearer.{name}" for name in ("client.id=ann", "client.secret=s", "token.endpoint.url=https://id/t")
    )
    oauth = {"kafka_security_protocol": "SASL_SSL", "kafka_sasl_mechanism": "OAUTHBEARER", "kafka_properties": token}

    assert Connection(**sasl).actor() == "operator"
    assert Connection(**sasl, principal="operator").actor() == "operator"
    assert Connection(**sasl, principal="ann").actor() == "ann (as operator)"
    assert Connection(**oauth, _env_file=None).actor() == "ann"


def test_the_name_in_a_client_certificate_is_proven_and_one_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    certificate = tmp_path / "ann.pem"
    certificate.write_bytes(Issuer().issue(subject("ann")))
    ours = Connection(
        kafka_security_protocol="SSL", kafka_ssl_certificate_location=str(certificate), principal="bob", _env_file=None
    )

    assert ours.actor() == "bob (as ann)"
    certificate.write_text("no certificate")
    with pytest.raises(SetupError, match="LOAN_KAFKA_SSL_CERTIFICATE_LOCATION"):
        ours.actor()


def test_acts_are_chosen_by_subject_actor_and_time() -> None:
    acts = [an_act(), an_act(actor="bob"), an_act(subject="a-1"), an_act(at=NOW + timedelta(days=1))]

    assert list(chosen_acts(acts, "", "", None)) == acts
    assert list(chosen_acts(acts, "a-1", "", None)) == [acts[2]]
    assert list(chosen_acts(acts, "", "bob", None)) == [acts[1]]
    assert list(chosen_acts(acts, "", "", NOW + timedelta(hours=1))) == [acts[3]]
    assert list(chosen_acts(acts, "a-1", "bob", None)) == []


def test_an_act_as_json_has_its_time_as_text() -> None:
    assert plain(an_act())["acted_at"] == "2026-03-01T12:00:00.000+00:00"
    assert plain(an_act())["action"] == "PROMOTE"
