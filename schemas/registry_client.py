"""Events to and from bytes through the schema registry, by confluent-kafka's own serializers.

A shell: this queries the registry. Schemas are registered by `loanctl schemas register`, never by a
producer. For the bulk path of applications and decisions see `schemas.codec.application_decoder`.
"""

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Generic

import httpx2
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

from schemas.avro_resolution.writer_schemas import Writers, WriterSchema
from schemas.codec.event_codec import Event, as_record, avro_schema, from_record
from schemas.codec.event_decoder import EventDecoder
from schemas.codec.wire_format import ForeignSchemaError, IncompatibleSchemaError, UndecodableError, schema_ids
from schemas.errors import OutageError, RecordError, SetupError

BY_TOPIC: Final = {"subject.name.strategy.type": "TOPIC"}
"""The default strategy (ASSOCIATED) first calls a path that other registries answer with an error."""

UNKNOWN: Final = frozenset({40401, 40402, 40403})
"""The registry's own codes for a subject, a version and a schema that it does not have. Any other 404 is somebody
else's, a proxy's say, and tells nothing of schemas."""
REFUSED: Final = frozenset({401, 403})
FORGET_UNKNOWN_AFTER_S: Final = 30.0
"""Poison bytes ask for a new schema id each: an id that was not found is not asked for again for so long."""
MOST_REFERENCES: Final = 50


class RegistryAwayError(OutageError):
    """The schema registry does not answer, or something else answers in its place."""

    dependency = "registry"


class NotRegisteredError(SetupError):
    """A schema that this process writes is not in the registry."""


class RegistryRefusesError(SetupError):
    """The registry rejects the credentials."""


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
        self._writers = WriterSchemas(registry, topic)
        self._decoder = EventDecoder(avro_schema(event))

    def encode(self, event: Event) -> bytes:
        """The event in wire format.

        Raises:
            NotRegisteredError: its schema is not in the registry.
            RegistryAwayError: the registry does not answer.
        """
        encoded: bytes = _call(lambda: self._serializer(event, self._context))
        return encoded

    def decode(self, value: bytes | None) -> Event:
        """The event from its bytes.

        Raises:
            RecordError: the bytes are none.
            RegistryAwayError: the registry does not answer.
        """
        record = self._decoder.decode(value, self._writers.of(schema_ids([value])))
        try:
            return from_record(self._event, record)
        except ValueError as cause:
            raise UndecodableError from cause


class WriterSchemas:
    """Writer schemas of one topic by id, remembered; blocking, so to be called in a thread.

    Only what is registered under the topic's own subject may be read by: anybody may register anything elsewhere.
    """

    def __init__(self, registry: SchemaRegistryClient, topic: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._subject = subject_of(topic)
        self._clock = clock
        self._known: dict[int, WriterSchema] = {}
        self._refused: dict[int, tuple[float, type[RecordError] | None]] = {}
        """Time until which an id is not requested again, and why it cannot be used; None if there is none."""

    def of(self, ids: frozenset[int]) -> Writers:
        """The known facts about these ids.

        Raises:
            RegistryAwayError: the registry does not answer.
            RegistryRefusesError: it rejects the credentials.
        """
        for schema_id in ids - self._known.keys():
            if self._clock() >= self._refused.get(schema_id, (0.0, None))[0]:
                self._ask(schema_id)
        return {schema_id: self._known.get(schema_id) or self._refused[schema_id][1] for schema_id in ids}

    def _ask(self, schema_id: int) -> None:
        try:
            subjects = _call(lambda: self._registry.get_subjects_by_schema_id(schema_id))
            if self._subject not in subjects:
                self._refuse(schema_id, ForeignSchemaError)
                return
            self._known[schema_id] = self._whole(_call(lambda: self._registry.get_schema(schema_id)))
        except NotRegisteredError:
            self._refuse(schema_id, None)
        except (ValueError, RecursionError):
            self._refuse(schema_id, IncompatibleSchemaError)

    def _whole(self, schema: Schema) -> WriterSchema:
        """With what it refers to, each after what that refers to itself.

        Raises:
            ValueError: it is no JSON, or refers to too much.
        """
        found: dict[tuple[str, int], Any] = {}
        self._collect(schema, found)
        return WriterSchema(json.loads(schema.schema_str or ""), tuple(found.values()))

    def _collect(self, schema: Schema, found: dict[tuple[str, int], Any]) -> None:
        for reference in schema.references or ():
            place = (reference.subject or "", reference.version or 0)
            if place in found:
                continue
            if len(found) >= MOST_REFERENCES:
                raise ValueError(MOST_REFERENCES)
            found[place] = None
            registered = _call(partial(self._registry.get_version, *place))
            self._collect(registered.schema, found)
            # Behind what it refers to.
            del found[place]
            found[place] = json.loads(registered.schema.schema_str)

    def _refuse(self, schema_id: int, why: type[RecordError] | None) -> None:
        now = self._clock()
        live = {known: until for known, until in self._refused.items() if until[0] > now}
        self._refused = {**live, schema_id: (now + FORGET_UNKNOWN_AFTER_S, why)}


def subject_of(topic: str) -> str:
    """Under which the schemas of a topic's values are registered."""
    return f"{topic}-value"


def registered_id(registry: SchemaRegistryClient, subject: str, schema: Mapping[str, Any]) -> int:
    """The id under which a subject holds exactly this schema.

    Raises:
        NotRegisteredError: it does not; names the command that registers it.
        RegistryAwayError: the registry does not answer.
    """
    found = _call(lambda: registry.lookup_schema(subject, Schema(json.dumps(schema), "AVRO")), subject)
    schema_id: int = found.schema_id
    return schema_id


def _call(question: Callable[[], Any], what: str = "a schema") -> Any:
    try:
        return question()
    except SchemaRegistryError as cause:
        if cause.error_code in UNKNOWN:
            problem = f"{what} is not in the schema registry: run `loanctl schemas register`"
            raise NotRegisteredError(problem) from cause
        if cause.http_status_code in REFUSED:
            problem = f"the schema registry refuses us ({cause.http_status_code}): look at LOAN_REGISTRY_BASIC_AUTH"
            raise RegistryRefusesError(problem) from cause
        raise RegistryAwayError(str(cause.http_status_code)) from cause
    except (httpx2.HTTPError, ValueError, TypeError, KeyError) as cause:
        # The last three are the client's over an answer that is none of a registry's.
        raise RegistryAwayError(type(cause).__name__) from cause
