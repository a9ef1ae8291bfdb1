"""Certificates of an authority of the test's own, for servers and clients on this machine."""

import datetime
import ipaddress
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from loanctl.stack.ports import HOST

DAY: Final = datetime.timedelta(days=1)


class Issuer:
    """An authority, and the certificates that it signs."""

    def __init__(self) -> None:
        self._key, self._subject = ec.generate_private_key(ec.SECP256R1()), subject("authority")
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        self.certificate = self._certificate(self._subject, self._key.public_key(), constraints, critical=True)

    def issue(self, name: x509.Name, until: datetime.timedelta = DAY) -> bytes:
        """A key of its own and the certificate, as PEM; it ends so long from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST)), x509.DNSName("localhost")])
        certificate = self._certificate(name, key.public_key(), addresses, critical=False, until=until)
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        return key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + certificate.public_bytes(pem)

    def _certificate(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePublicKey,
        extension: x509.ExtensionType,
        *,
        critical: bool,
        until: datetime.timedelta = DAY,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder(self._subject, name, key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * DAY)
            .not_valid_after(now + until)
            .add_extension(extension, critical=critical)
            .sign(self._key, hashes.SHA256())
        )


def subject(common: str) -> x509.Name:
    unit = x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "loans")
    return x509.Name([unit, x509.NameAttribute(NameOID.COMMON_NAME, common)])
