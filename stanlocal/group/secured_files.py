"""The files of a secured group: its CA, certificates and password, made where they are missing.

The CA with its key, the certificate for clients and the password are in the folder of the group's secrets;
each node's certificate is beside its stan.conf, where its server reads it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stanlocal.access.secrets_folder import SecretsFolder
from stanlocal.certificates.authority import KeyPair, expiry, is_good, issue, make_authority
from stanlocal.certificates.hosts import node_hosts
from stanlocal.certificates.secured import PASSWORD, USER, Files, secured
from stanlocal.errors import GroupError
from stanlocal.group.home import GroupHome
from stanlocal.model.plan import GroupPlan, NodePlan

_AUTHORITY, _AUTHORITY_KEY = "ca.pem", "ca.key"
_CLIENT, _CLIENT_KEY = "client.pem", "client.key"
_SERVER, _SERVER_KEY = "server.pem", "server.key"
OF_NODE = (_SERVER_KEY, _SERVER, _AUTHORITY)
"""Files beside the stan.conf of a secured group's node."""
_RENEWED_BEFORE = timedelta(days=30)
"""Time left of a certificate below which `up` issues it again."""


def keep_files(
    home: GroupHome, plan: GroupPlan, *, only: Collection[str] | None = None, now: datetime | None = None
) -> list[str]:
    """Make what is missing, ends soon, or does not fit the plan; return the nodes with a new certificate.

    `only` names the nodes to look at; the others get a certificate only where the CA is a new one.
    """
    at = (now or datetime.now(UTC)) + _RENEWED_BEFORE
    folder = home.secrets
    authority = _pair(folder, _AUTHORITY, _AUTHORITY_KEY)
    if authority is None or not _lasts(authority.certificate, at):
        authority = make_authority(f"CA of the group {plan.group}", now=now)
        folder.put(_AUTHORITY_KEY, authority.key)
        folder.put(_AUTHORITY, authority.certificate)
    client = _pair(folder, _CLIENT, _CLIENT_KEY)
    if not _fits(client, authority, [USER], at):
        client = issue(authority, USER, hosts=[USER], now=now)
        folder.put(_CLIENT_KEY, client.key)
        folder.put(_CLIENT, client.certificate)
    if not folder.content(PASSWORD):
        folder.put(PASSWORD, secrets.token_urlsafe(24).encode())
    renewed = []
    for node in plan.nodes:
        beside = SecretsFolder(Path(plan.conf_dir(node)))
        found, hosts = _pair(beside, _SERVER, _SERVER_KEY), node_hosts(plan, node)
        known = beside.content(_AUTHORITY) == authority.certificate
        if known and only is not None and node.name not in only:
            continue
        if not (known and _fits(found, authority, hosts, at)):
            give_certificate(home, plan, node, issue(authority, node.name, hosts=hosts, now=now))
            renewed.append(node.name)
    return renewed


def authority_of(home: GroupHome) -> KeyPair:
    """Return the group's CA; raise `GroupError` if its files are gone."""
    authority = _pair(home.secrets, _AUTHORITY, _AUTHORITY_KEY)
    if authority is None:
        raise GroupError(f"{home.secrets.folder} does not hold the group's CA; run 'stanlocal up' to make it")
    return authority


def give_certificate(home: GroupHome, plan: GroupPlan, node: NodePlan, pair: KeyPair) -> None:
    """Write a certificate where the node reads it at its next start or reload, with the group's CA."""
    trusted = authority_of(home).certificate
    files = {_SERVER_KEY: pair.key, _SERVER: pair.certificate, _AUTHORITY: trusted}
    home.write_for_server(plan, node, files)


def secured_for_node(
    home: GroupHome, plan: GroupPlan, node: NodePlan, streaming: Mapping[str, Any], nats: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the settings, which hold secrets, as the node's configuration has them."""
    if not plan.secure:
        return streaming, nats
    password = (home.secrets.content(PASSWORD) or b"").decode("ascii")
    return secured(streaming, nats, Files.of_node(plan.server_conf_dir(node)), password)


def _pair(folder: SecretsFolder, certificate: str, key: str) -> KeyPair | None:
    """Return the pair that two files hold; None if one of them is missing."""
    found = folder.content(certificate), folder.content(key)
    return None if found[0] is None or found[1] is None else KeyPair(found[0], found[1])


def _fits(pair: KeyPair | None, authority: KeyPair, hosts: Collection[str], at: datetime) -> bool:
    return pair is not None and is_good(pair.certificate, authority.certificate, hosts, at=at)


def _lasts(certificate: bytes, at: datetime) -> bool:
    try:
        return expiry(certificate) > at
    except ValueError:
        return False
