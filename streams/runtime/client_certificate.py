"""The name in a client's certificate: whom a broker takes the client for."""

from pathlib import Path

from schemas.errors import SetupError


class CertificateError(SetupError):
    """A client certificate cannot be read; names the file."""


def subject_name(path: Path) -> str:
    """The subject's common name of the first certificate in a PEM file; empty where it has none.

    Raises:
        CertificateError: the file cannot be read, or holds no certificate.
    """
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as cause:
        problem = f"{path} is no certificate that can be read (LOAN_KAFKA_SSL_CERTIFICATE_LOCATION)"
        raise CertificateError(problem) from cause
    return next((str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)), "")
