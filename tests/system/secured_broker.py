"""A broker that speaks TLS, asks for a password, and denies whatever nobody allowed."""

import datetime
import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from loanctl.stack import processes
from loanctl.stack.artifact_cache import Cache, cache_dir
from loanctl.stack.artifacts import artifact_lock
from loanctl.stack.ports import HOST, free_ports
from loanctl.stack.process_guard import ProcessGuard
from loanctl.stack.progress import SILENCE
from loanctl.stack.services.kafka_broker import Kafka
from loanctl.stack.services.stack_service import await_ready
from schemas.access import KafkaPrincipal

ADMINISTRATOR: Final = "administrator"
USERS: Final = (ADMINISTRATOR, *(principal.value for principal in KafkaPrincipal))
UNSIGNED_TOKENS: Final = (
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required"
    f' unsecuredLoginStringClaim_sub="{ADMINISTRATOR}";'
)
DAY: Final = datetime.timedelta(days=1)


@dataclass(frozen=True)
class SecuredBroker:
    """Where it is, and how to speak to it as one of its users."""

    bootstrap_servers: str
    authority: Path

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
    authority, keystore = _certificates(folder)
    cache, archives = Cache(cache_dir(os.environ)), artifact_lock().kafka
    cache.fetch(archives, SILENCE)
    kafka = Kafka(
        folder / "kafka",
        folder / "log",
        free_ports(2),
        tuple(cache.path(archive) for archive in archives),
        extra=_properties(authority, keystore),
    )
    with ProcessGuard() as guard:
        kafka.prepare()
        running = processes.start(kafka.command())
        guard.watch(running)
        try:
            await_ready(kafka, running)
            yield SecuredBroker(kafka.bootstrap_servers, authority)
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
        "listener.security.protocol.map": "PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT",
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


def _certificates(folder: Path) -> tuple[Path, Path]:
    """The authority's certificate, and the broker's key with its certificate, as PEM files."""
    authority_key, broker_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name, now = _name("authority"), datetime.datetime.now(datetime.UTC)
    authority = (
        x509.CertificateBuilder(authority_name, authority_name, authority_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST)), x509.DNSName("localhost")])
    broker = (
        x509.CertificateBuilder(authority_name, _name("broker"), broker_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(addresses, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = broker_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    folder.mkdir(parents=True, exist_ok=True)
    authority_file, keystore = folder / "authority.pem", folder / "broker.pem"
    authority_file.write_bytes(authority.public_bytes(pem))
    keystore.write_bytes(private + broker.public_bytes(pem))
    return authority_file, keystore


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
