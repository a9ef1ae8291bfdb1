"""Addresses and credentials of Kafka, the schema registry and MLflow: settings that every process shares.

Each process has one frozen settings class that inherits `Connection`. Nothing connects here
before it is needed.
"""

import getpass
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, TypeVar, get_args

import structlog
from pydantic import Field, PositiveFloat, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict

from schemas import topics
from schemas.codec.record_limits import RecordLimits
from schemas.contract import contract
from schemas.contract.contract import Contract
from schemas.errors import SetupError
from schemas.tables.dialect import Dialect
from schemas.topics import Topics
from streams.runtime import logs
from streams.runtime.client_certificate import subject_name
from streams.runtime.client_properties import CLIENT_ID, client_properties, oauth_properties
from streams.runtime.setting_names import PREFIX, former, misspelt, rename_warnings

if TYPE_CHECKING:
    from confluent_kafka.schema_registry import SchemaRegistryClient

RECONNECT_MAX_MS: Final = 1_000
"""librdkafka waits up to ten seconds between attempts; a restarted broker should be found sooner."""
METADATA_MS: Final = 5_000
"""Time until added partitions are found; librdkafka's default is five minutes."""
PARTITIONER: Final = "murmur2_random"
"""That of Java's clients, Kafka Streams among them: what they join must lie in the same partitions. librdkafka's own is
another (CRC32). A record without a key goes anywhere."""
CONNECT_TIMEOUT_MS: Final = 6_000
"""librdkafka's default of thirty seconds is longer than a session."""

CREDENTIALS: Final = ("MLFLOW_", "AWS_", "GOOGLE_", "AZURE_", "OTEL_")
"""Beginnings of variables that clients of MLflow, of the stores and OpenTelemetry read from the environment alone."""

Settings = TypeVar("Settings", bound=BaseSettings)

log = structlog.get_logger(__name__)


class SettingsError(SetupError):
    """Settings are missing or malformed; names every one of them at once."""


class Connection(BaseSettings):
    """Endpoints and credentials, from `LOAN_...` variables or a `.env` file; frozen once read."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", frozen=True, extra="ignore", use_attribute_docstrings=True
    )

    product: str = "credit_risk"
    """A packaged product's name, or the path of an application schema."""
    topic_prefix: str = ""
    """Empty for the contract's own."""
    bootstrap_servers: str = "localhost:9092"
    registry_url: str = "http://localhost:8081"
    mlflow_uri: str = "http://localhost:5000"
    model_name: str = ""
    """The registered model; empty for one named after the product."""

    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")
    kafka_ssl_ca_location: str = ""
    kafka_ssl_certificate_location: str = ""
    kafka_ssl_key_location: str = ""
    kafka_ssl_key_password: SecretStr = SecretStr("")
    kafka_properties: SecretStr = SecretStr("")
    """Further properties of librdkafka, `name=value; name=value`: those of an OAUTHBEARER token, sizes, timeouts."""

    max_value_bytes: Annotated[int, Field(ge=1_024, le=500_000)] = 65_536
    """A larger application becomes a dead letter that names its coordinates, and nothing of it is parsed."""
    max_header_bytes: Annotated[int, Field(ge=256, le=100_000)] = 8_192
    """The same limit for all its headers together, and for its key."""

    keys_url: SecretStr = SecretStr("")
    """Database of the keys of sealed applications, `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`, for
    all processes that read applications. With it the gateway seals what it publishes. Empty: nothing is sealed."""

    registry_basic_auth: SecretStr = SecretStr("")
    """`user:password`."""
    registry_ssl_ca_location: str = ""
    registry_timeout_s: PositiveFloat = 3.0

    table_delimiter: str = Field(default="", max_length=1)
    """Delimiter of text tables; empty for the one that the header shows."""
    table_encoding: str = ""
    """Encoding of text tables; empty for UTF-8 or the byte order mark's, and Windows-1252 if the text is not UTF-8."""
    table_decimal: Literal["", ".", ","] = ""
    """Decimal sign of text tables; empty for the one that the numbers prove."""
    label_default: str = ""
    """A table's word for a loan that defaulted; empty for the contract's."""
    label_repaid: str = ""
    """A table's word for a loan that was repaid; empty for the contract's."""
    principal: str = ""
    """Who acts by `loanctl`, in the audit log; empty for the user's name at the operating system."""
    standby: bool = False
    """A second process with the name of a running one: true, it waits until that one is gone; false, it exits."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    traces: bool = False
    """Spans by OpenTelemetry, of the gateway, the worker and the ledger, to the collector that
    `OTEL_EXPORTER_OTLP_ENDPOINT` names; needs the extra `otel`."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: dict[str, Any]) -> dict[str, Any]:
        # As `.env.example` shows a setting that may be without a value; Compose passes on such variables, too.
        optional = {name for name, field in cls.model_fields.items() if NoneType in get_args(field.annotation)}
        return {name: value for name, value in given.items() if value != "" or name not in optional}

    @model_validator(mode="after")
    def _nothing_in_the_clear(self) -> Self:
        # The protocol decides which of these librdkafka uses: it ignores the rest, without a message.
        unheeded = [
            *([] if "SASL" in self.kafka_security_protocol else self._set_names("kafka_sasl_")),
            *([] if "SSL" in self.kafka_security_protocol else self._set_names("kafka_ssl_")),
        ]
        if unheeded:
            names = ", ".join(PREFIX + name.upper() for name in unheeded)
            message = f"{self.kafka_security_protocol} does not heed {names}: set {PREFIX}KAFKA_SECURITY_PROTOCOL"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _known_properties(self) -> Self:
        given = self.client_properties()
        if given:
            _refuse_unknown(given)
        oauth_properties(self.kafka_sasl_mechanism, given)
        return self

    @classmethod
    def read(cls, **given: Any) -> Self:
        """The settings of the environment; what is given goes before it.

        Raises:
            SettingsError: names every setting that is missing or malformed.
        """
        return read(cls, **given)

    def actor(self) -> str:
        """The person who acts, for the audit log.

        The name by which the broker knows this connection is proven; `principal` beside it is what they say.

        Raises:
            SettingsError: the operating system has no name for the user.
            CertificateError: the client certificate cannot be read.
        """
        proven = self._proven_name()
        if proven:
            return f"{self.principal} (as {proven})" if self.principal not in ("", proven) else proven
        try:
            return self.principal or getpass.getuser()
        except (OSError, KeyError):
            problem = f"this user has no name: say who acts by {PREFIX}PRINCIPAL"
            raise SettingsError(problem) from None

    def _proven_name(self) -> str:
        """Of SASL, or the client certificate's subject; empty for neither."""
        name = self.kafka_sasl_username or self.client_properties().get(CLIENT_ID, "")
        certificate = self.kafka_ssl_certificate_location
        return subject_name(Path(certificate)) if certificate and not name else name

    def _set_names(self, prefix: str) -> list[str]:
        values = {name: getattr(self, name) for name in type(self).model_fields if name.startswith(prefix)}
        return [name for name, value in values.items() if _plain(value)]

    def client_properties(self) -> dict[str, str]:
        """The operator's additions to the properties of librdkafka."""
        return client_properties(self.kafka_properties.get_secret_value())

    def kafka(self, own: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
        """Properties of librdkafka for a client, with limited error output.

        Args:
            own: what the client sets itself; the operator's `kafka_properties` go before it.
        """
        given = self.client_properties()
        return {
            "bootstrap.servers": self.bootstrap_servers,
            "security.protocol": self.kafka_security_protocol,
            "reconnect.backoff.max.ms": RECONNECT_MAX_MS,
            "socket.connection.setup.timeout.ms": CONNECT_TIMEOUT_MS,
            "topic.metadata.refresh.interval.ms": METADATA_MS,
            "logger": logs.client_logger(),
            **_present(
                {
                    "sasl.mechanism": self.kafka_sasl_mechanism,
                    "sasl.username": self.kafka_sasl_username,
                    "sasl.password": self.kafka_sasl_password.get_secret_value(),
                    "ssl.ca.location": self.kafka_ssl_ca_location,
                    "ssl.certificate.location": self.kafka_ssl_certificate_location,
                    "ssl.key.location": self.kafka_ssl_key_location,
                    "ssl.key.password": self.kafka_ssl_key_password.get_secret_value(),
                }
            ),
            **oauth_properties(self.kafka_sasl_mechanism, given),
            **own,
            **given,
        }

    def producer(self, own: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
        """The same for a client that produces: acknowledged by all replicas, keyed as in Java."""
        return self.kafka({"acks": "all", "enable.idempotence": True, "partitioner": PARTITIONER, **own})

    def registry(self) -> "SchemaRegistryClient":
        """A client that gives up early: its callers retry, and know what to do meanwhile."""
        # It brings clients of HTTP and OAuth with it, a third of a second that a command on files does without.
        from confluent_kafka.schema_registry import SchemaRegistryClient

        return SchemaRegistryClient.new_client(
            {
                "url": self.registry_url,
                "timeout": self.registry_timeout_s,
                "max.retries": 1,
                "retries.wait.ms": 200,
                **_present(
                    {
                        "basic.auth.user.info": self.registry_basic_auth.get_secret_value(),
                        "ssl.ca.location": self.registry_ssl_ca_location,
                    }
                ),
            }
        )

    def contract(self) -> Contract:
        """The product's feature contract.

        Raises:
            ContractError: there is no such product.
        """
        return _contract(self.product, self.label_default, self.label_repaid)

    def record_limits(self) -> RecordLimits:
        """The bound at the door of the applications topic."""
        return RecordLimits(value_bytes=self.max_value_bytes, header_bytes=self.max_header_bytes)

    def table_dialect(self) -> Dialect:
        """How text files of rows are written."""
        return Dialect(delimiter=self.table_delimiter, encoding=self.table_encoding, decimal=self.table_decimal)

    def registered_model(self) -> str:
        """The name of the product's scorecards in MLflow."""
        return self.model_name or f"{self.contract().product}-scorecard"

    def topics(self) -> Topics:
        return topics.topics_of(self.contract(), self.topic_prefix)


# By value: what is cached on an instance goes with `model_copy` into a copy that has another product.
@lru_cache(maxsize=4)
def _contract(product: str, default: str, repaid: str) -> Contract:
    loaded = contract.load(product)
    label = replace(loaded.label, default=default or loaded.label.default, repaid=repaid or loaded.label.repaid)
    return replace(loaded, label=label)


def read(settings: type[Settings], **given: Any) -> Settings:
    """Settings of one process, all faults reported in one message.

    Credentials that clients of MLflow and of object stores look for in the environment are put there from the `.env`
    file, unless they are there: one file holds all.

    Raises:
        SettingsError: names every setting that is missing, malformed or misspelt, and never a value.
    """
    variables = {**DotEnvSettingsSource(settings, case_sensitive=True).env_vars, **os.environ}
    for name, value in variables.items():
        if name.startswith(CREDENTIALS) and value is not None:
            os.environ[name] = value
    unknown = misspelt(variables, settings.model_fields)
    for line in rename_warnings(variables):
        log.warning("setting.outdated", why=line)
    try:
        found = settings(**{**former(variables, settings.model_fields), **given})
    except ValidationError as cause:
        problems = [_problem(error["loc"], error["msg"]) for error in cause.errors()]
        raise SettingsError("; ".join((*unknown, *problems))) from None
    if unknown:
        raise SettingsError("; ".join(unknown))
    return found


def environment(connection: Connection) -> dict[str, str]:
    """This process' environment with the connection's endpoints, for a process to be started."""
    endpoints = {name: str(getattr(connection, name)) for name in ENDPOINTS}
    return {**os.environ, **{PREFIX + name.upper(): value for name, value in endpoints.items()}}


ENDPOINTS: Final = ("product", "topic_prefix", "bootstrap_servers", "registry_url", "mlflow_uri", "model_name")
"""Variables that a child process needs; it has the credentials from the same environment."""


def _refuse_unknown(given: Mapping[str, str]) -> None:
    # librdkafka knows its properties, and tells without connecting anywhere.
    from confluent_kafka import Consumer, KafkaException

    silent = logging.getLogger("librdkafka.properties")
    silent.setLevel(logging.CRITICAL)
    for name, value in given.items():
        try:
            Consumer({"group.id": "properties", "logger": silent, name: value}).close()
        except KafkaException:
            message = f"LOAN_KAFKA_PROPERTIES: librdkafka refuses {name}, or its value"
            raise ValueError(message) from None


def _problem(location: tuple[int | str, ...], message: str) -> str:
    name = "_".join(str(part) for part in location).upper()
    return f"{PREFIX}{name}: {message}" if name else message


def _plain(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value or ""


def _present(properties: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in properties.items() if value}
