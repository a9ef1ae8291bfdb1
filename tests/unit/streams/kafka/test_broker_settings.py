"""Settings of a broker that are too small for our records are told."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from structlog.testing import capture_logs

from streams.kafka import broker_settings
from streams.kafka.broker_settings import report_small_topics, short_offset_retention
from streams.runtime.settings import Connection

CONNECTION = Connection(_env_file=None)


class Broker:
    """Answers what was put in; refuses where nothing was."""

    def __init__(self, **settings: str) -> None:
        self._settings = {name.replace("_", "."): SimpleNamespace(value=value) for name, value in settings.items()}

    def list_topics(self, timeout: float) -> Any:
        return SimpleNamespace(brokers={1: None})

    def describe_configs(self, resources: list[Any], request_timeout: float) -> Any:
        return {resource: self._answer() for resource in resources}

    def _answer(self) -> "Future[Any]":
        future: Future[Any] = Future()
        if self._settings:
            future.set_result(self._settings)
        else:
            future.set_exception(KafkaException(KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED)))
        return future


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda **settings: monkeypatch.setattr(broker_settings, "admin_of", lambda _: Broker(**settings))


def test_offsets_that_are_dropped_before_the_applications_are_told(broker: Any) -> None:
    broker(offsets_retention_minutes="10080")

    assert short_offset_retention(CONNECTION) == (
        "the broker drops the offsets of a group that is away for 7 days (offsets.retention.minutes=10080), and "
        "loan.applications.v1 keeps 30 days: a group away for longer reads all of it again; "
        "set offsets.retention.minutes=43200 on the brokers"
    )


def test_offsets_that_are_kept_as_long_are_not(broker: Any) -> None:
    broker(offsets_retention_minutes="43200")

    assert short_offset_retention(CONNECTION) == ""


def test_a_topic_that_takes_less_than_we_send_is_logged(broker: Any) -> None:
    broker(max_message_bytes="10000")

    with capture_logs() as logs:
        report_small_topics(CONNECTION, ["letters"])

    assert [(line["event"], line["topic"], line["max_message_bytes"]) for line in logs] == [
        ("topic.limited", "letters", 10_000)
    ]


@pytest.mark.parametrize("told", [{"max_message_bytes": "1048588"}, {}])
def test_a_topic_of_the_usual_limit_or_one_that_is_not_told_is_not(broker: Any, told: dict[str, str]) -> None:
    broker(**told)

    with capture_logs() as logs:
        report_small_topics(CONNECTION, ["letters"])

    assert logs == []
    assert short_offset_retention(CONNECTION) == ""
