"""The TLS context of a client, made from files."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path

from stanlocal.access.login import TlsFiles
from stanlocal.errors import LoginError


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """Return the context of a client; raises `LoginError` that names the file which cannot be used.

    A context is kept until one of its files changes.
    """
    named = (files.ca, files.certificate, files.key)
    return _context(files, tuple(_changed(path) for path in named))


def _changed(path: str | None) -> tuple[int, int] | None:
    if path is None:
        return None
    try:
        stat = Path(path).stat()
    except OSError as error:
        raise LoginError(f"{path} cannot be read: {error.strerror}; check the path and its owner") from error
    return stat.st_mtime_ns, stat.st_ino


@lru_cache(maxsize=16)
def _context(files: TlsFiles, changed: tuple[tuple[int, int] | None, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context() if files.ca is None else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if files.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    elif files.ca is not None:
        # A server's own certificate may be the only one that is known, as with `openssl req -x509`.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        _load(files.ca, "certificates", lambda: context.load_verify_locations(files.ca))
    if files.certificate is not None:
        certificate = files.certificate
        _load(
            f"{certificate} with the key {files.key or certificate}",
            "a certificate and its key",
            lambda: context.load_cert_chain(certificate, files.key, password=_no_password),
        )
    return context


def _no_password() -> str:
    """Keep OpenSSL from asking for a key's password on the terminal."""
    raise ValueError("the key is encrypted")


def _load(what: str, kind: str, load: object) -> None:
    assert callable(load)
    try:
        load()
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise LoginError(f"{what} cannot be used as {kind} in PEM: {reason}; check the file") from error
