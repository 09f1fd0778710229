"""An `Access` as the options of a NATS connection that `stan.connect` takes."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stanlocal.access.login import Access
from stanlocal.access.tls_context import client_context
from stanlocal.errors import LoginError

LOGINS = frozenset(
    {
        "user",
        "password",
        "token",
        "user_credentials",
        "nkeys_seed",
        "nkeys_seed_str",
        "signature_cb",
        "user_jwt_cb",
    }
)
"""Options of `stan.connect` that say who logs in."""


def nats_options(access: Access) -> dict[str, Any]:
    """Return the options; raises `LoginError` for a file that cannot be used."""
    options: dict[str, Any] = {
        "user": access.user,
        "password": access.password,
        "token": access.token,
        "nkeys_seed": _readable(access.nkey_seed),
        "user_credentials": _readable(access.credentials),
    }
    if access.tls is not None:
        options["tls"] = client_context(access.tls)
        options["tls_hostname"] = access.tls.server_name
    if (access.nkey_seed or access.credentials) and find_spec("nkeys") is None:
        raise LoginError(
            "logging in with an NKey or a credentials file needs the package nkeys; "
            "pip install 'stanlocal[nkeys]'"
        )
    return {name: value for name, value in options.items() if value is not None}


def _readable(path: str | None) -> str | None:
    """Return the path of a key's file; raise `LoginError` if it cannot be read."""
    if path is not None:
        try:
            with Path(path).open("rb") as file:
                file.read(1)
        except OSError as error:
            raise LoginError(f"{path} cannot be read: {error.strerror}; check the path") from error
    return path
