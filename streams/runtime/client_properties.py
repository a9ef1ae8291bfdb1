"""Properties of librdkafka that an operator adds to those of this project: `name=value; name=value`.

Pure. Names on which a guarantee depends, and names that have a setting of their own, are refused: an addition must not
undo either unnoticed. Every other one goes before what a client of this project sets itself.
"""

import re
from collections.abc import Mapping
from typing import Final

GUARANTEED: Final = frozenset(
    {
        "acks",
        "auto.offset.reset",
        "check.crcs",
        "delivery.report.only.error",
        "delivery.timeout.ms",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.idempotence",
        "enable.partition.eof",
        "group.id",
        "group.instance.id",
        "group.protocol",
        "heartbeat.interval.ms",
        "isolation.level",
        "logger",
        "max.in.flight",
        "max.in.flight.requests.per.connection",
        "message.max.bytes",
        "message.send.max.retries",
        "message.timeout.ms",
        "partition.assignment.strategy",
        "partitioner",
        "request.required.acks",
        "retries",
        "session.timeout.ms",
        "transaction.timeout.ms",
        "transactional.id",
    }
)
"""Set by each client of this project, for a reason."""
OWN_SETTINGS: Final[Mapping[str, str]] = {
    "bootstrap.servers": "BOOTSTRAP_SERVERS",
    "metadata.broker.list": "BOOTSTRAP_SERVERS",
    "security.protocol": "KAFKA_SECURITY_PROTOCOL",
    "sasl.mechanism": "KAFKA_SASL_MECHANISM",
    "sasl.mechanisms": "KAFKA_SASL_MECHANISM",
    "sasl.username": "KAFKA_SASL_USERNAME",
    "sasl.password": "KAFKA_SASL_PASSWORD",
    "ssl.ca.location": "KAFKA_SSL_CA_LOCATION",
    "ssl.certificate.location": "KAFKA_SSL_CERTIFICATE_LOCATION",
    "ssl.key.location": "KAFKA_SSL_KEY_LOCATION",
    "ssl.key.password": "KAFKA_SSL_KEY_PASSWORD",
}
OAUTH: Final = "OAUTHBEARER"
TOKEN_URL: Final = "sasl.oauthbearer.token.endpoint.url"  # noqa: S105 - a property's name
CLIENT_ID: Final = "sasl.oauthbearer.client.id"
CLIENT_SECRET: Final = "sasl.oauthbearer.client.secret"  # noqa: S105 - a property's name
SCOPE: Final = "sasl.oauthbearer.scope"
METHOD: Final = "sasl.oauthbearer.method"
NEEDED_BY_OAUTH: Final = (TOKEN_URL, CLIENT_ID, CLIENT_SECRET)

_PAIR: Final = re.compile(r"\s*([a-z][a-z0-9.]*)\s*=\s*(.*?)\s*", re.DOTALL)
"""Names with an underscore are callbacks of the Python client."""


def client_properties(text: str) -> dict[str, str]:
    """Properties by name.

    Raises:
        ValueError: names each entry that is none or may not be set here, and no value.
    """
    entries = [entry for entry in text.split(";") if entry.strip()]
    pairs = [_PAIR.fullmatch(entry) for entry in entries]
    found = {pair[1]: pair[2] for pair in pairs if pair}
    problems = [
        *(f"entry {place} is not name=value" for place, pair in enumerate(pairs, start=1) if pair is None),
        *(f"{name} is fixed: a guarantee depends on it" for name in found if name in GUARANTEED),
        *(f"{name} has a setting of its own, LOAN_{OWN_SETTINGS[name]}" for name in found if name in OWN_SETTINGS),
    ]
    if problems:
        raise ValueError("; ".join(problems))
    return found


def oauth_properties(mechanism: str | None, given: Mapping[str, str]) -> dict[str, str]:
    """What OAUTHBEARER adds: the method. Nothing for another mechanism.

    Raises:
        ValueError: the mechanism lacks what a token is asked for with.
    """
    if mechanism != OAUTH:
        return {}
    if missing := [name for name in NEEDED_BY_OAUTH if not given.get(name)]:
        message = f"{OAUTH} needs {', '.join(missing)} in LOAN_KAFKA_PROPERTIES"
        raise ValueError(message)
    return {METHOD: "oidc"}
