"""A broker that speaks TLS, asks for a password, and denies whatever nobody allowed."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from loanctl.stack import processes
from loanctl.stack.artifact_cache import Cache, cache_dir
from loanctl.stack.artifacts import artifact_lock
from loanctl.stack.ports import HOST, free_ports
from loanctl.stack.process_guard import ProcessGuard
from loanctl.stack.progress import SILENCE
from loanctl.stack.services.kafka_broker import Kafka
from loanctl.stack.services.stack_service import await_ready
from schemas.access import KafkaPrincipal
from tests.doubles.certificates import Issuer, subject

ADMINISTRATOR: Final = "administrator"
USERS: Final = (ADMINISTRATOR, *(principal.value for principal in KafkaPrincipal))
UNSIGNED_TOKENS: Final = (
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required"
    f' unsecuredLoginStringClaim_sub="{ADMINISTRATOR}";'
)


@dataclass(frozen=True)
class SecuredBroker:
    """Where it is, and how to speak to it as one of its users."""

    bootstrap_servers: str
    mutual_servers: str
    """Where a client's certificate is its user."""
    authority: Path
    issuer: Issuer
    folder: Path

    def settings(self, user: str) -> dict[str, str]:
        """Settings of a process that connects as `user`."""
        return {
            "bootstrap_servers": self.bootstrap_servers,
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_mechanism": "PLAIN",
            "kafka_sasl_username": user,
            "kafka_sasl_password": password(user),
            "kafka_ssl_ca_location": str(self.authority),
        }

    def certificate_settings(self, user: str) -> dict[str, str]:
        """The same with a client certificate of the authority in place of a password."""
        own = self.folder / f"{user}.pem"
        own.write_bytes(self.issuer.issue(subject(user)))
        return {
            "bootstrap_servers": self.mutual_servers,
            "kafka_security_protocol": "SSL",
            "kafka_ssl_ca_location": str(self.authority),
            "kafka_ssl_certificate_location": str(own),
            "kafka_ssl_key_location": str(own),
        }

    def token_settings(self, user: str, endpoint: str) -> dict[str, str]:
        """The same with a token of the provider at this address in place of a password."""
        given = {"token.endpoint.url": endpoint, "client.id": user, "client.secret": password(user)}
        return {
            "bootstrap_servers": self.bootstrap_servers,
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_mechanism": "OAUTHBEARER",
            "kafka_ssl_ca_location": str(self.authority),
            "kafka_properties": ";".join(f"sasl.oauthbearer.{name}={value}" for name, value in given.items()),
        }


@contextmanager
def secured_broker(folder: Path) -> Iterator[SecuredBroker]:
    """One broker for the length of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    issuer, authority, keystore = Issuer(), folder / "authority.pem", folder / "broker.pem"
    authority.write_bytes(issuer.certificate.public_bytes(Encoding.PEM))
    keystore.write_bytes(issuer.issue(subject("broker")))
    cache, archives = Cache(cache_dir(os.environ)), artifact_lock().kafka
    cache.fetch(archives, SILENCE)
    *own, mutual = free_ports(3)
    kafka = Kafka(
        folder / "kafka",
        folder / "log",
        tuple(own),
        tuple(cache.path(archive) for archive in archives),
        extra={**_properties(authority, keystore), **_mutual(own, mutual)},
    )
    with ProcessGuard() as guard:
        kafka.prepare()
        running = processes.start(kafka.command())
        guard.watch(running)
        try:
            await_ready(kafka, running)
            yield SecuredBroker(kafka.bootstrap_servers, f"{HOST}:{mutual}", authority, issuer, folder)
        finally:
            running.stop()


def password(user: str) -> str:
    return f"{user}-secret"


def _properties(authority: Path, keystore: Path) -> dict[str, object]:
    users = " ".join(f'user_{user}="{password(user)}"' for user in USERS)
    own = f'username="{ADMINISTRATOR}" password="{password(ADMINISTRATOR)}"'
    login = f"org.apache.kafka.common.security.plain.PlainLoginModule required {own} {users};"
    return {
        # The listener keeps its name; what it speaks is another matter.
        "listener.security.protocol.map": "PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT,MUTUAL:SSL",
        "inter.broker.listener.name": "PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN,OAUTHBEARER",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.plaintext.plain.sasl.jaas.config": login,
        # Kafka's development mode: takes tokens that nobody has signed.
        "listener.name.plaintext.oauthbearer.sasl.jaas.config": UNSIGNED_TOKENS,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": keystore,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": authority,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{ADMINISTRATOR};User:ANONYMOUS",
    }


def _mutual(ports: Sequence[int], mutual: int) -> dict[str, object]:
    """A listener that asks for a client certificate, whose common name is the user's."""
    clients, controller = ports
    open_ = f"PLAINTEXT://{HOST}:{clients},MUTUAL://{HOST}:{mutual}"
    return {
        "listeners": f"{open_},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": open_,
        "listener.name.mutual.ssl.client.auth": "required",
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
    }
