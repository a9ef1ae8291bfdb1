"""Prints decisions from the first one on."""

from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer

decode = AvroDeserializer(SchemaRegistryClient({"url": "http://localhost:8081/apis/ccompat/v7"}))
rules = {"group.id": "downstream.confluent-kafka", "auto.offset.reset": "earliest"}
consumer = Consumer({"bootstrap.servers": "localhost:9092", **rules})
consumer.subscribe(["loan.decisions.v1"])  # committed records alone: librdkafka's default
while True:
    if (message := consumer.poll(1)) and not message.error():
        decision = decode(message.value(), None)
        print(decision["application_id"], decision["outcome"], flush=True)
