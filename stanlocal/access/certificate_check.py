"""Checks of certificates that a user has named, before a server refuses them less clearly.

The library `cryptography` is loaded only where there is a certificate to check.
"""

from __future__ import annotations

import ssl
from collections.abc import Collection
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
    from cryptography import x509

    found = x509.load_pem_x509_certificates(certificate)[0]
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise SettingsError(
            [
                f"{setting}: the certificate has no subjectAltName, and clients check no other name; issue "
                "one with '-addext subjectAltName=DNS:localhost,IP:127.0.0.1'"
            ]
        ) from None
    dns = names.get_values_for_type(x509.DNSName)
    addresses = names.get_values_for_type(x509.IPAddress)
    if all(_is_named(host, dns, {str(address) for address in addresses}) for host in hosts):
        return None
    chosen = [name.replace("*", "stan", 1) for name in dns] + [str(address) for address in addresses]
    return chosen[0] if chosen else None


def _is_named(host: str, dns: Collection[str], addresses: Collection[str]) -> bool:
    try:
        return str(ip_address(host)) in addresses
    except ValueError:
        return host in dns
