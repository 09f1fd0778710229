"""The settings of a secured group: TLS and a login, as its plan leaves them out. Pure.

A plan says only that the group is secured. Where the certificates are depends on who reads them, and the
password is a secret, so both are filled in where a server's configuration or a client's login is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stanlocal.settings.protection import has_login

USER = "stanlocal"
"""The user of the login that a secured group gets unless its settings have one."""
PASSWORD = "password"
"""File of that login's password, in the folder of the group's secrets."""
_HANDSHAKE_S = 5
"""Seconds for a handshake; the server's own 2 are short on a busy machine."""


@dataclass(frozen=True, slots=True)
class Files:
    """Paths of the files with which one party of TLS proves itself, and checks the other."""

    authority: str
    certificate: str
    key: str

    @classmethod
    def of_node(cls, folder: str) -> Files:
        """Return the files of a node, in the folder of its configuration."""
        return cls(f"{folder}/ca.pem", f"{folder}/server.pem", f"{folder}/server.key")

    @classmethod
    def of_client(cls, folder: str) -> Files:
        """Return the files for clients, in the folder of the group's secrets."""
        return cls(f"{folder}/ca.pem", f"{folder}/client.pem", f"{folder}/client.key")


def secured(
    streaming: Mapping[str, Any], nats: Mapping[str, Any], files: Files, password: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings with TLS by `files`, and the login of `USER` where they have no other.

    The login becomes one of `users`, also a single `user` of the settings: a server that has such a one
    closes all connections when it reads its configuration again (0.25.6), as it has to for a new certificate.
    """
    tls = {"cert_file": files.certificate, "key_file": files.key, "ca_file": files.authority}
    own_tls = {
        "client_cert": files.certificate,
        "client_key": files.key,
        "client_cacert": files.authority,
    }
    streaming = {**streaming, "secure": True, "tls": own_tls}
    nats = {**nats, "tls": {"timeout": _HANDSHAKE_S, **nats.get("tls", {}), **tls}}
    rules = dict(nats.get("authorization", {}))
    if not has_login(nats):
        user = {"user": USER, "password": password}
    elif rules.get("user"):
        user = {"user": rules.pop("user"), "password": rules.pop("password", "")}
    else:
        return streaming, nats
    streaming = {"username": user["user"], "password": user["password"], **streaming}
    return streaming, {**nats, "authorization": {**rules, "users": [user]}}
