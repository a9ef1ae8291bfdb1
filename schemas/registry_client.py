"""Events to and from bytes through the schema registry, by confluent-kafka's own serializers.

A shell: this asks the registry. Schemas are registered by `loanctl schemas register`, never by a
producer. For the bulk path of applications and decisions see `schemas.application_decoder`.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic

import fastavro
import httpx2
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

from schemas.errors import OutageError, SetupError
from schemas.event_codec import Event, as_record, avro_schema, from_record
from schemas.wire_format import UndecodableError, unframe

BY_TOPIC: Final = {"subject.name.strategy.type": "TOPIC"}
"""The default strategy (ASSOCIATED) first calls a path that other registries answer with an error."""

NOT_FOUND: Final = 404
FORGET_UNKNOWN_AFTER_S: Final = 30.0
"""Poison bytes ask for a new schema id each: an id that was not found is not asked for again for so long."""


class RegistryAwayError(OutageError):
    """The schema registry does not answer."""


class NotRegisteredError(SetupError):
    """A schema that this process writes is not in the registry."""


class EventSerde(Generic[Event]):
    """Bytes of one event type on one topic."""

    def __init__(self, registry: SchemaRegistryClient, event: type[Event], topic: str) -> None:
        schema = json.dumps(avro_schema(event))
        self._event = event
        self._context = SerializationContext(topic, MessageField.VALUE)
        self._serializer = AvroSerializer(
            registry,
            schema,
            lambda value, _: as_record(value),
            conf={"auto.register.schemas": False, "validate.strict.allow.default": True, **BY_TOPIC},
        )
        self._deserializer = AvroDeserializer(
            registry, schema, lambda record, _: from_record(event, record), conf=BY_TOPIC
        )

    def encode(self, event: Event) -> bytes:
        """The event in wire format.

        Raises:
            NotRegisteredError: its schema is not in the registry.
            RegistryAwayError: the registry does not answer.
        """
        encoded: bytes = _asked(lambda: self._serializer(event, self._context))
        return encoded

    def decode(self, value: bytes | None) -> Event:
        """The event that the bytes stand for.

        Raises:
            RecordError: the bytes are none.
            RegistryAwayError: the registry does not answer.
        """
        unframe(value)
        try:
            event: Event = _asked(lambda: self._deserializer(value, self._context))
        except (RegistryAwayError, NotRegisteredError):
            raise
        except Exception as cause:
            raise UndecodableError from cause
        return event


class WriterSchemas:
    """Writer schemas by id, remembered; blocking, so to be called in a thread."""

    def __init__(self, registry: SchemaRegistryClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._clock = clock
        self._known: dict[int, Mapping[str, Any]] = {}
        self._unknown_until: dict[int, float] = {}

    def of(self, ids: frozenset[int]) -> Mapping[int, Mapping[str, Any] | None]:
        """Parsed schemas of these ids, None for one that the registry does not have.

        Raises:
            RegistryAwayError: the registry does not answer.
        """
        for schema_id in ids - self._known.keys():
            if self._clock() >= self._unknown_until.get(schema_id, 0.0):
                self._ask(schema_id)
        return {schema_id: self._known.get(schema_id) for schema_id in ids}

    def _ask(self, schema_id: int) -> None:
        try:
            schema = _asked(lambda: self._registry.get_schema(schema_id))
            self._known[schema_id] = fastavro.parse_schema(json.loads(schema.schema_str))  # type: ignore[assignment]
        except NotRegisteredError:
            self._remember_unknown(schema_id)
        except (ValueError, fastavro.schema.SchemaParseException, fastavro.schema.UnknownType):
            self._remember_unknown(schema_id)

    def _remember_unknown(self, schema_id: int) -> None:
        now = self._clock()
        live = {known: until for known, until in self._unknown_until.items() if until > now}
        self._unknown_until = {**live, schema_id: now + FORGET_UNKNOWN_AFTER_S}


def registered_id(registry: SchemaRegistryClient, subject: str, schema: Mapping[str, Any]) -> int:
    """The id under which a subject holds exactly this schema.

    Raises:
        NotRegisteredError: it does not; says which command registers it.
        RegistryAwayError: the registry does not answer.
    """
    found = _asked(lambda: registry.lookup_schema(subject, Schema(json.dumps(schema), "AVRO")), subject)
    schema_id: int = found.schema_id
    return schema_id


def _asked(question: Callable[[], Any], what: str = "a schema") -> Any:
    try:
        return question()
    except SchemaRegistryError as cause:
        if cause.http_status_code == NOT_FOUND:
            problem = f"{what} is not in the schema registry: run `loanctl schemas register`"
            raise NotRegisteredError(problem) from cause
        raise RegistryAwayError(str(cause.http_status_code)) from cause
    except httpx2.TransportError as cause:
        raise RegistryAwayError(type(cause).__name__) from cause
