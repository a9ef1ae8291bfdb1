"""Properties that an operator adds to librdkafka's, and those that may not be."""

import pytest

from streams.runtime.client_properties import GUARANTEED, METHOD, OWN_SETTINGS, TOKEN_URL
from streams.runtime.settings import Connection, SettingsError

TOKEN = "sasl.oauthbearer.client.id=worker; sasl.oauthbearer.client.secret=hush"  # noqa: S105 - nobody's
URL = f"{TOKEN_URL}=https://id.example/token?a=b"


def test_properties_reach_every_client_and_are_masked_where_settings_are_shown():
    connection = Connection(kafka_properties=f"linger.ms=20;{TOKEN};")

    assert connection.kafka()["linger.ms"] == "20"
    assert connection.producer()["sasl.oauthbearer.client.secret"] == "hush"
    assert "hush" not in repr(connection)


@pytest.mark.parametrize("name", sorted(GUARANTEED | OWN_SETTINGS.keys()))
def test_a_property_that_a_guarantee_or_a_setting_decides_is_refused(name):
    with pytest.raises(SettingsError, match=name):
        Connection.read(kafka_properties=f"linger.ms=5; {name}=hush")


@pytest.mark.parametrize("text", ["linger.mss=5", "linger.ms=soon-hush", "linger.ms", "=hush", "linger.ms=5; hush!=1"])
def test_what_librdkafka_does_not_know_is_one_line_without_a_value(text):
    with pytest.raises(SettingsError) as refusal:
        Connection.read(kafka_properties=text)

    assert "hush" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_token_is_asked_for_by_client_credentials_or_refused_with_what_is_missing():
    sasl = {"kafka_security_protocol": "SASL_SSL", "kafka_sasl_mechanism": "OAUTHBEARER"}

    with pytest.raises(SettingsError, match=f"OAUTHBEARER needs {TOKEN_URL} in LOAN_KAFKA_PROPERTIES"):
        Connection.read(**sasl, kafka_properties=TOKEN)

    kafka = Connection.read(**sasl, kafka_properties=f"{TOKEN};{URL}").kafka()
    assert kafka[METHOD] == "oidc"
    assert kafka[TOKEN_URL] == "https://id.example/token?a=b"
