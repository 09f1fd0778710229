"""Checks of certificates that a user has named, before a server refuses them less clearly.

The library `cryptography` is loaded only where there is a certificate to check.
"""

from __future__ import annotations

import ssl
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

from stanlocal.errors import SettingsError


def problem_of_pair(certificate: str, key: str, content: bytes, *, now: datetime) -> str | None:
    """Return why a certificate, which is `content`, and its key cannot be used; None if they can."""
    from cryptography import x509

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
        found = x509.load_pem_x509_certificates(content)[0]
    except ssl.SSLError as error:
        mismatch = error.reason == "KEY_VALUES_MISMATCH"
        return "the key is not that of the certificate" if mismatch else "no certificate or key in PEM"
    except (OSError, ValueError) as error:
        return f"{certificate} and {key}: {error}"
    if found.not_valid_after_utc <= now:
        return f"{certificate} has expired at {found.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    return None


def _no_password() -> str:
    raise ValueError("the key is encrypted, and the server cannot ask for its password")


def name_for(certificate: bytes, hosts: Collection[str], *, setting: str) -> str | None:
    """Return a name in the certificate for clients that connect to `hosts`; None if it has all of them.

    Raises `SettingsError` for a certificate without any name that clients check.
    """
    names = names_in(certificate)
    if names is None:
        raise SettingsError(
            [
                f"{setting}: the certificate has no subjectAltName, and clients check no other name; issue "
                "one with '-addext subjectAltName=DNS:localhost,IP:127.0.0.1'"
            ]
        )
    if all(names.have(host) for host in hosts):
        return None
    chosen = [*(name.replace("*", "stan", 1) for name in names.dns), *names.addresses]
    return chosen[0] if chosen else None


@dataclass(frozen=True, slots=True)
class Names:
    """The names in a certificate that TLS clients check, in its order."""

    dns: tuple[str, ...]
    """Host names; one may begin with `*.`, for any one label."""
    addresses: tuple[str, ...]

    def have(self, host: str) -> bool:
        """Return whether the certificate is valid at the host, a name or an IP address."""
        try:
            return str(ip_address(host)) in self.addresses
        except ValueError:
            _, _, domain = host.partition(".")
            return not {host.lower(), f"*.{domain}".lower()}.isdisjoint(map(str.lower, self.dns))


def names_in(certificate: bytes) -> Names | None:
    """Return the names in a certificate in PEM; None if it has no subjectAltName."""
    from cryptography import x509

    found = x509.load_pem_x509_certificates(certificate)[0]
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    addresses = names.get_values_for_type(x509.IPAddress)
    return Names(tuple(names.get_values_for_type(x509.DNSName)), tuple(map(str, addresses)))


def is_for_clients(certificate: bytes) -> bool:
    """Return whether a client may prove itself by the certificate."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    found = x509.load_pem_x509_certificates(certificate)[0]
    try:
        usage = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return not {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}.isdisjoint(usage)
