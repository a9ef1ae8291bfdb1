"""A topic that cannot be read is named, with what a person must do or with the client's error."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from schemas.errors import LoanError
from streams.kafka.kafka_errors import NotAllowedError
from streams.kafka.topics import topic_reader
from streams.kafka.topics.topic_reader import PartitionRange, UnreadTopicError, blocks, partition_ranges
from streams.runtime.settings import Connection


class FaultyConsumer:
    """A consumer whose every question ends with one error, in the answer or raised."""

    def __init__(self, code: int, *, raises: bool) -> None:
        self.error, self._raises = KafkaError(code), raises
        self.partitions: dict[int, object] = {}

    def list_topics(self, topic: str, timeout: float) -> Any:
        if self._raises:
            raise KafkaException(self.error)
        self.topics = {topic: self}
        return self

    def assign(self, _places: object) -> None:
        raise KafkaException(self.error)

    def close(self) -> None: ...


@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, NotAllowedError),
        (KafkaError._AUTHENTICATION, NotAllowedError),
        (KafkaError._TRANSPORT, UnreadTopicError),
        (KafkaError.LEADER_NOT_AVAILABLE, UnreadTopicError),
    ],
)
def test_an_error_of_the_broker_names_the_topic_and_who_must_act(
    code: int, kind: type[LoanError], raises: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic_reader, "Consumer", lambda _properties: FaultyConsumer(code, raises=raises))

    with pytest.raises(kind, match="inbox"):
        partition_ranges(Connection(_env_file=None), ["inbox"])
    with pytest.raises(kind, match="inbox"):
        list(blocks(Connection(_env_file=None), [PartitionRange("inbox", 0, 0, 1)]))


def test_the_broker_says_soon_that_a_partition_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def consumer(properties: dict[str, Any]) -> FaultyConsumer:
        asked.append(properties)
        return FaultyConsumer(KafkaError._TRANSPORT, raises=True)

    monkeypatch.setattr(topic_reader, "Consumer", consumer)
    with pytest.raises(UnreadTopicError):
        partition_ranges(Connection(_env_file=None), ["inbox"])

    assert asked[0]["fetch.wait.max.ms"] <= 50
