"""What Kafka's own tools are told."""

import uuid

import pytest

from loanctl.stack.services import kafka_broker


def test_a_cluster_id_that_begins_with_a_dash_is_not_taken_for_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(bytes=b"\xf8" + bytes(15)))

    assert kafka_broker._cluster_id_option() == "--cluster-id=-AAAAAAAAAAAAAAAAAAAAA"
