"""The reason of a failed connection in words. Pure."""

from __future__ import annotations

import os
import ssl


def failure_text(error: Exception) -> str:
    """Return why a connection to a NATS server failed, without Python's own notation of system errors."""
    if isinstance(error, ssl.SSLCertVerificationError):  # its number is none of the system's
        return f"certificate verify failed: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLError):
        return str(error)
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return str(error).removeprefix("nats: ")
