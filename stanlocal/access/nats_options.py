"""An `Access` as the options of a NATS connection that `stan.connect` takes."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stanlocal.access.login import Access
from stanlocal.access.tls_context import client_context
from stanlocal.errors import LoginError
from stanlocal.util.small_files import read_small

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

_CREDENTIALS = re.compile(
    rb"BEGIN NATS USER JWT[^\n]*\n[^\n]+\n.*BEGIN USER NKEY SEED[^\n]*\n\s*(?P<seed>[A-Z2-7]+)", re.DOTALL
)


def nats_options(access: Access) -> dict[str, Any]:
    """Return the options; raises `LoginError` for a file that cannot be used."""
    if (access.nkey_seed or access.credentials) and find_spec("nkeys") is None:
        raise LoginError(
            "logging in with an NKey or a credentials file needs the package nkeys; "
            "pip install 'stanlocal[nkeys]'"
        )
    options: dict[str, Any] = {
        "user": access.user,
        "password": access.password,
        "token": access.token,
        "nkeys_seed": access.nkey_seed,
        "user_credentials": access.credentials,
    }
    if access.nkey_seed is not None:
        _check_seed(access.nkey_seed, _content(access.nkey_seed).strip())
    if access.credentials is not None:
        _check_credentials(access.credentials)
    if access.tls is not None:
        options["tls"] = client_context(access.tls)
        options["tls_hostname"] = access.tls.server_name
    return {name: value for name, value in options.items() if value is not None}


def _check_credentials(path: str) -> None:
    """Raise `LoginError` for a file without a JWT and its seed: nats-py would look for them for ever."""
    found = _CREDENTIALS.search(_content(path))
    if found is None:
        raise LoginError(f"{path} holds no credentials (a JWT and the seed of its NKey); check the file")
    _check_seed(path, found["seed"])


def _check_seed(path: str, seed: bytes) -> None:
    import nkeys

    try:
        nkeys.from_seed(bytearray(seed)).wipe()
    except nkeys.NkeysError as error:
        raise LoginError(f"{path} holds no seed of an NKey; check the file") from error


def _content(path: str) -> bytes:
    try:
        return read_small(Path(path))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LoginError(f"{path} cannot be read: {reason}; check the path") from error
