"""A refusal of our credentials counts for the question that it answers, and for none that is asked later."""

import pytest
from confluent_kafka import KafkaError

from schemas.access import KafkaPrincipal
from streams.kafka.admin import BrokerAdmin, admin_of, require_topics
from streams.kafka.kafka_errors import BrokerAwayError
from streams.runtime.settings import Connection


def test_a_refusal_of_before_does_not_make_an_outage_a_set_up_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.kafka.admin.ASK_S", 0.2)
    connection = Connection(_env_file=None, bootstrap_servers="127.0.0.1:9")
    admin: BrokerAdmin = admin_of(connection)
    admin._note(KafkaError(KafkaError._AUTHENTICATION))
    assert admin.refusal

    with pytest.raises(BrokerAwayError):
        require_topics(connection, KafkaPrincipal.WORKER)
