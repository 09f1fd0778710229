"""A certificate authority (CA) and the certificates that it signs, as PEM text in memory.

The library `cryptography` is loaded when the first certificate is made or read: few commands need one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ORGANIZATION = "stanlocal"
"""Organization in every certificate, unless another is asked for."""
AUTHORITY_LASTS = timedelta(days=3650)
LEAF_LASTS = timedelta(days=825)
"""Longest life of a server certificate that every TLS library accepts (Apple's limit for private CAs)."""
_CLOCK_SKEW = timedelta(hours=1)
"""Time by which certificates begin in the past: the clock of an engine's machine may be behind."""
_LONGEST_COMMON_NAME = 64
"""Characters that X.509 allows in a common name."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, both as PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


def make_authority(name: str, *, now: datetime | None = None, lasts: timedelta = AUTHORITY_LASTS) -> KeyPair:
    """Make a CA whose certificate bears `name`; it can sign certificates of servers and clients only."""
    from cryptography import x509

    key = _new_key()
    subject = _subject(name)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(subject, subject, key, now or datetime.now(UTC), lasts)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
    )
    return _signed(builder, key, key)


def issue(
    authority: KeyPair,
    name: str,
    *,
    hosts: Collection[str],
    organization: str = ORGANIZATION,
    now: datetime | None = None,
    lasts: timedelta = LEAF_LASTS,
) -> KeyPair:
    """Issue a certificate for `name`, valid at each of `hosts` (host names and IP addresses).

    It is good for servers and for clients: a server that opens a route shows it as a client. Kubernetes takes
    `organization` for a group of which `name` is a member. `now` is by default the present; a negative
    `lasts` makes one that has expired already.
    """
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = _new_key()
    signer, signer_key = _load(authority)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    signer_id = signer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(_subject(name, organization), signer.subject, key, now or datetime.now(UTC), lasts)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer_id), critical=False
        )
    )
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in sorted(hosts)])
        builder = builder.add_extension(names, critical=False)
    return _signed(builder, key, signer_key)


def expiry(certificate: bytes) -> datetime:
    """Return when the certificate ends; raise `ValueError` if the text holds none."""
    return _read(certificate).not_valid_after_utc


def is_good(certificate: bytes, authority: bytes, hosts: Collection[str], *, at: datetime) -> bool:
    """Return whether the certificate is signed by the CA, valid at that time, and names all `hosts`.

    False for text that holds no certificate.
    """
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    try:
        found, signer = _read(certificate), _read(authority)
        found.verify_directly_issued_by(signer)
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    named = {str(name.value) for name in names}
    return found.not_valid_before_utc <= at < found.not_valid_after_utc and named.issuperset(hosts)


def _read(certificate: bytes) -> x509.Certificate:
    from cryptography import x509

    return x509.load_pem_x509_certificate(certificate)


def _load(pair: KeyPair) -> tuple[x509.Certificate, EllipticCurvePrivateKey]:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(pair.key, password=None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise ValueError("the key of the CA is not an elliptic curve's")
    return _read(pair.certificate), key


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    return generate_private_key(SECP256R1())


def _subject(name: str, organization: str = ORGANIZATION) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, name[:_LONGEST_COMMON_NAME]),
        ]
    )


def _general_name(host: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, now: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    from cryptography import x509

    public = key.public_key()
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + min(lasts, timedelta()) - _CLOCK_SKEW)
        .not_valid_after(now + lasts)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _signed(
    builder: x509.CertificateBuilder, key: EllipticCurvePrivateKey, signer: EllipticCurvePrivateKey
) -> KeyPair:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    certificate = builder.sign(signer, hashes.SHA256())
    return KeyPair(
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
