"""Sends one application; its decision comes on loan.decisions.v1 with the same key."""

from datetime import UTC, datetime
from decimal import Decimal

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

registry = SchemaRegistryClient({"url": "http://localhost:8081/apis/ccompat/v7"})
rules = {"auto.register.schemas": False, "use.latest.version": True, "subject.name.strategy.type": "TOPIC"}
encode = AvroSerializer(registry, registry.get_latest_version("loan.applications.v1-value").schema, conf=rules)
application = {
    "application_id": "from-confluent-kafka",
    "applied_at": datetime.now(UTC),
    "person_income": Decimal("50000.00"),
    "person_home_ownership": "RENT",
    "loan_intent": "MEDICAL",
    "loan_amnt": Decimal("15000.00"),
    "cb_person_default_on_file": "N",
    "cb_person_cred_hist_length": 6,
}
value = encode(application, SerializationContext("loan.applications.v1", MessageField.VALUE))
producer = Producer({"bootstrap.servers": "localhost:9092", "acks": "all", "enable.idempotence": True})
producer.produce("loan.applications.v1", value, key=application["application_id"])
producer.flush()
