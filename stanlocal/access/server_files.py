"""The files that settings name for the servers (certificates, keys, seeds), as the servers get them.

A server's user may not read the caller's keys, and a container sees no file of its host. So each file is
copied beside the node's stan.conf, which names the copy. Where `nats.tls` stands alone, the streaming
server's trust in it is added: it connects to the NATS server inside itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stanlocal.access.certificate_check import name_for, problem_of_pair
from stanlocal.errors import SettingsError
from stanlocal.model.plan import GroupPlan, NodePlan
from stanlocal.settings.layer import Key
from stanlocal.settings.paths import copied_files
from stanlocal.settings.rules import without_certificates, without_passwords
from stanlocal.util.addresses import LOOPBACK
from stanlocal.util.small_files import read_small

_CERTIFICATE, _KEY, _AUTHORITY = "nats.tls.cert_file", "nats.tls.key_file", "nats.tls.ca_file"
_TRUSTED = "streaming.tls.client_cacert"
_OF_ROUTES = "nats.cluster.tls.cert_file"
_PAIRS = (
    (_CERTIFICATE, _KEY),
    (_OF_ROUTES, "nats.cluster.tls.key_file"),
    ("streaming.tls.client_cert", "streaming.tls.client_key"),
)


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """The content of the files by the dotted name of their setting, and what follows from them."""

    content: Mapping[str, bytes]
    trusted: bytes | None = None
    """Certificates that a client of the nodes checks theirs against; None: they have none of their own."""
    name: str | None = None
    """Name in the nodes' certificate by which it is checked; None: their addresses are in it."""

    @property
    def of_routes(self) -> bytes | None:
        """The certificate that nodes show each other, which has to name them; None if there is none."""
        return self.content.get(_OF_ROUTES)


def read_server_files(
    streaming: Mapping[str, Any], nats: Mapping[str, Any], host: str, *, secure: bool = False
) -> ServerFiles:
    """Read the files for nodes that clients reach at `host`.

    Those of a `secure` group have certificates of its own instead. Raises `SettingsError` with each setting
    that is missing, or whose file cannot be used.
    """
    content: dict[str, bytes] = {}
    problems = list(without_passwords(nats))
    problems += [] if secure else without_certificates(streaming, nats)
    for name, path in copied_files(streaming, nats).items():
        try:
            content[name] = read_small(Path(path))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            problems.append(f"{name} names {path}, which cannot be read: {reason}")
    paths = copied_files(streaming, nats)
    for certificate, key in _PAIRS:
        if certificate in content and key in content:
            reason = problem_of_pair(
                paths[certificate], paths[key], content[certificate], now=datetime.now(UTC)
            )
            if reason:
                problems.append(f"{certificate} and {key}: {reason}")
    if problems:
        raise SettingsError(problems)
    if _CERTIFICATE not in content or streaming.get("nats_server_url"):
        return ServerFiles(content)
    own = streaming.get("tls", {})
    trusted = content.get(_TRUSTED) or b"\n".join(
        content[name] for name in (_AUTHORITY, _CERTIFICATE) if name in content
    )
    server_name: str | None = own.get("server_name")
    if server_name is None and not own.get("skip_verify"):
        server_name = name_for(content[_CERTIFICATE], (LOOPBACK, host), setting=_CERTIFICATE)
    return ServerFiles(content, trusted, server_name)


def trusting(streaming: Mapping[str, Any], nats: Mapping[str, Any]) -> dict[str, Any]:
    """Return the streaming options with trust in the NATS server inside each node, for servers elsewhere.

    They are what the nodes of an engine here get, with the certificate's own file as the authority. Raises
    `SettingsError` for a certificate that cannot be read, or that clients cannot check.
    """
    path = nats.get("tls", {}).get("cert_file")
    own = streaming.get("tls", {})
    if path is None or streaming.get("nats_server_url"):
        return dict(streaming)
    trust = {"client_cacert": path}
    if "server_name" not in own and not own.get("skip_verify"):
        try:
            name = name_for(read_small(Path(path)), (LOOPBACK,), setting=_CERTIFICATE)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SettingsError([f"{_CERTIFICATE} names {path}, which cannot be read: {reason}"]) from error
        trust |= {} if name is None else {"server_name": name}
    return {**streaming, "tls": {**trust, **own}}


def settings_of_node(
    plan: GroupPlan, node: NodePlan, streaming: Mapping[str, Any], nats: Mapping[str, Any], files: ServerFiles
) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
    """Return the settings as a node's configuration has them, and the files to write beside it.

    The settings hold secrets.
    """
    copies = dict(files.content)
    own: dict[str, Any] = {}
    if files.trusted is not None:
        copies[_TRUSTED] = files.trusted
        own["client_cacert"] = ""
        if files.name is not None:
            own["server_name"] = files.name
    elif host := _replaced_host(plan, streaming):
        own["server_name"] = host
    if own:
        streaming = {**streaming, "tls": {**own, **streaming.get("tls", {})}}
    tree: dict[str, Any] = {"streaming": streaming, "nats": nats}
    for name in copies:
        tree = _with(tree, tuple(name.split(".")), f"{plan.server_conf_dir(node)}/{name}")
    return tree["streaming"], tree["nats"], copies


def _replaced_host(plan: GroupPlan, streaming: Mapping[str, Any]) -> str | None:
    """Return the name in an external NATS server's certificate where a node has to use another for it."""
    if plan.engine != "docker" or not (streaming.get("tls") or streaming.get("secure")):
        return None
    host = next((urlsplit(url).hostname for url in plan.external_nats), None)
    is_loopback = host is not None and (host.startswith("127.") or host in ("localhost", "::1"))
    return host if is_loopback else None


def _with(tree: Mapping[str, Any], key: Key, value: Any) -> dict[str, Any]:
    """Return the tree with another value."""
    first, *rest = key
    return {**tree, first: _with(tree.get(first, {}), tuple(rest), value) if rest else value}
