"""Prints decisions from the first one on. `pip install faststream "confluent-kafka[avro,schemaregistry]"`."""

import asyncio

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from faststream import FastStream
from faststream.confluent import KafkaBroker

decode = AvroDeserializer(SchemaRegistryClient({"url": "http://localhost:8081/apis/ccompat/v7"}))
broker = KafkaBroker("localhost:9092")
rules = {"group_id": "downstream.faststream", "auto_offset_reset": "earliest", "isolation_level": "read_committed"}


async def decoded(message):
    return await asyncio.to_thread(decode, message.body, None)


@broker.subscriber("loan.decisions.v1", decoder=decoded, **rules)
async def show(decision: dict):
    print(decision["application_id"], decision["outcome"], flush=True)


asyncio.run(FastStream(broker).run())
