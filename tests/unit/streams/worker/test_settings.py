"""Settings are read once, and refused all at once."""

import pytest
from pydantic import SecretStr, ValidationError

from streams.kafka.producer.delivery import Mode
from streams.runtime.settings import Connection, SettingsError, environment
from streams.worker.settings import ScoringSettings


def test_defaults_run_on_a_laptop() -> None:
    settings = ScoringSettings(_env_file=None)

    assert settings.delivery is Mode.EXACTLY_ONCE
    assert settings.web_host == "127.0.0.1"
    assert settings.policy() is None
    assert settings.group() == "loan.applications.v1.scoring"


def test_every_fault_is_told_by_its_variable_and_no_value_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOAN_DELIVERY", "twice-a-secret")
    monkeypatch.setenv("LOAN_BATCH_RECORDS", "0")

    with pytest.raises(SettingsError) as refusal:
        ScoringSettings.read()

    assert "LOAN_DELIVERY: " in str(refusal.value)
    assert "LOAN_BATCH_RECORDS: " in str(refusal.value)
    assert "twice-a-secret" not in str(refusal.value)


def test_cut_offs_override_together_or_not_at_all() -> None:
    with pytest.raises(SettingsError, match="together"):
        ScoringSettings.read(approve_below=0.1)

    policy = ScoringSettings.read(approve_below=0.1, decline_from=0.3).policy()

    assert policy is not None
    assert (policy.approve_below, policy.decline_from) == (0.1, 0.3)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        ScoringSettings.read().delivery = Mode.AT_LEAST_ONCE  # type: ignore[misc]  # just what must not be done


def test_security_is_passed_through_and_secrets_are_masked() -> None:
    connection = Connection(
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="u",
        kafka_sasl_password=SecretStr("hush"),
        kafka_ssl_ca_location="/ca.pem",
    )

    properties = connection.kafka()

    assert properties["security.protocol"] == "SASL_SSL"
    assert properties["sasl.password"] == "hush"
    assert properties["ssl.ca.location"] == "/ca.pem"
    assert "ssl.key.location" not in properties
    assert "hush" not in repr(connection)


@pytest.mark.parametrize(
    ("protocol", "unheeded"),
    [
        ("PLAINTEXT", {"kafka_sasl_password": "hush"}),
        ("PLAINTEXT", {"kafka_ssl_ca_location": "/ca.pem"}),
        ("SSL", {"kafka_sasl_username": "u"}),
        ("SASL_PLAINTEXT", {"kafka_ssl_key_location": "/key.pem"}),
    ],
)
def test_what_the_protocol_does_not_heed_is_refused(protocol: str, unheeded: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as refusal:
        Connection.read(kafka_security_protocol=protocol, **unheeded)

    name = f"LOAN_{next(iter(unheeded)).upper()}"
    assert str(refusal.value) == (f"Value error, {protocol} does not heed {name}: set LOAN_KAFKA_SECURITY_PROTOCOL")


def test_topics_and_model_are_the_contract_s_own_unless_told_otherwise() -> None:
    assert Connection().topics().decisions.name == "loan.decisions.v1"
    assert Connection(topic_prefix="t1").topics().decisions.name == "t1.decisions.v1"
    assert Connection().registered_model() == "credit_risk-scorecard"
    assert Connection(model_name="m").registered_model() == "m"


def test_a_child_process_hears_the_endpoints() -> None:
    told = environment(Connection(bootstrap_servers="b:1", topic_prefix="t1"))

    assert told["LOAN_BOOTSTRAP_SERVERS"] == "b:1"
    assert told["LOAN_TOPIC_PREFIX"] == "t1"


def test_a_copy_with_another_label_has_a_contract_of_its_own() -> None:
    usual = Connection(_env_file=None)
    before = usual.contract()

    copy = usual.model_copy(update={"label_default": "bad", "label_repaid": "good"})

    assert (copy.contract().label.default, copy.contract().label.repaid) == ("bad", "good")
    assert usual.contract() is before
