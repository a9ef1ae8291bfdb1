"""Properties that an operator adds to librdkafka's, and those that may not be."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.live.latency_probe import LatencyProbe
from streams.kafka.group.batch_reader import ConsumerConfig, Reader
from streams.kafka.group.lag_monitor import LagMonitor
from streams.kafka.producer.delivery import AtLeastOnce, ExactlyOnce
from streams.runtime.client_properties import GUARANTEED, METHOD, OWN_SETTINGS, TOKEN_URL
from streams.runtime.settings import Connection, SettingsError

TOKEN = "sasl.oauthbearer.client.id=worker; sasl.oauthbearer.client.secret=hush"  # noqa: S105 - nobody's
ROOT = Path(__file__).resolve().parents[4]
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


@pytest.mark.parametrize(
    "text", ["linger.mss=5", "linger.ms=soon-hush", "linger.ms", "=hush", "linger.ms=5; hush!=1", "error_cb=hush"]
)
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


class NoClient:
    """Stands where a client would, and lets everything be done to it."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_, **__: None


Make = Callable[[dict[str, Any]], Any]


def _reader(connection: Connection, make: Make) -> None:
    Reader(connection, ConsumerConfig(topics=["in"], group="g", instance_id="one"), make)


def _exactly_once(connection: Connection, make: Make) -> None:
    ExactlyOnce(connection, "one", make).open()


def _at_least_once(connection: Connection, make: Make) -> None:
    AtLeastOnce(connection, make).open()


def _lag_monitor(connection: Connection, make: Make) -> None:
    make(LagMonitor(connection, "in", "g")._properties)


def _latency_probe(connection: Connection, make: Make) -> None:
    make(LatencyProbe(connection, "in", make)._properties)


CLIENTS = (_reader, _exactly_once, _at_least_once, _lag_monitor, _latency_probe)


def properties_of(client: Callable[[Connection, Make], None], given: str = "") -> dict[str, Any]:
    """What a client hands to librdkafka; `given` is not looked at before."""
    found: dict[str, Any] = {}

    def make(properties: dict[str, Any]) -> NoClient:
        found.update(properties)
        return NoClient()

    client(Connection(_env_file=None).model_copy(update={"kafka_properties": SecretStr(given)}), make)
    return found


@pytest.mark.parametrize("client", CLIENTS)
def test_a_property_that_a_client_sets_itself_is_the_operator_s_or_refused(client):
    names = {name for name in properties_of(client) if "." in name}
    free = names - GUARANTEED - OWN_SETTINGS.keys()

    with_all = properties_of(client, ";".join(f"{name}=operator" for name in free))

    assert free
    assert {name for name in free if with_all[name] != "operator"} == set()


def spreads(source: str) -> Iterator[int]:
    """Lines of dictionaries that add to a connection's properties, and so would go before the operator's."""
    shown = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Dict))
    spread = (value for node in shown for key, value in zip(node.keys, node.values, strict=True) if key is None)
    calls = (value for value in spread if isinstance(value, ast.Call))
    yield from (call.lineno for call in calls if ast.unparse(call.func).rpartition(".")[2] in ADDITIVE)


ADDITIVE = {"kafka", "producer", "properties", "producer_properties"}


def test_no_client_adds_its_own_behind_the_operator_s():
    packages = ("streams", "drift", "training", "ledger", "gateway", "loanctl")
    files = [file for package in packages for file in (ROOT / package).rglob("*.py")]

    assert list(spreads('{**self.connection.kafka(), "linger.ms": 0}')) == [1]
    assert [f"{file}:{line}" for file in files for line in spreads(file.read_text(encoding="utf-8"))] == []
