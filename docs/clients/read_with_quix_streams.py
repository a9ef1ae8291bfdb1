"""Prints decisions from the first one on. `pip install "quixstreams[avro]"`."""

from quixstreams import Application
from quixstreams.models.serializers.avro import AvroDeserializer
from quixstreams.models.serializers.schema_registry import SchemaRegistryClientConfig

registry = SchemaRegistryClientConfig(url="http://localhost:8081/apis/ccompat/v7")
app = Application(
    broker_address="localhost:9092",
    consumer_group="downstream.quix-streams",
    auto_offset_reset="earliest",
    auto_create_topics=False,
)
decisions = app.topic("loan.decisions.v1", value_deserializer=AvroDeserializer(schema_registry_client_config=registry))
app.dataframe(decisions).update(lambda each: print(each["application_id"], each["outcome"], flush=True))
app.run()
