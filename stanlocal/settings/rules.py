"""Rules over several settings: combinations that the server refuses, or that surprise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stanlocal.settings.cluster import misplaced
from stanlocal.settings.layer import value_at, variable
from stanlocal.settings.protection import has_users
from stanlocal.settings.tool_options import MAX_PORT
from stanlocal.settings.values import format_size, parse_duration

_MAX_PAYLOAD = 1024**2
_MAX_PENDING = 64 * 1024**2
_LAME_DUCK_DURATION = "2m"
_LAME_DUCK_GRACE = "10s"
_TLS = ("tls", "cluster.tls")
_OWN_FILES = ("cert_file", "key_file", "ca_file")
_ENDS_REDACTION = frozenset('",}\r\n')
"""Characters at which the server ends a password that it leaves out of a trace; the rest is written."""
_WITHOUT_NATS = {"debug", "trace", "tls"}
"""NATS options that a node without a NATS server inside still uses."""


def broken(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the combinations that cannot work, one line each; `values` is the tree of all settings."""
    yield from _ports(values)
    yield from _store(values["streaming"])
    yield from _login(values["streaming"], values["nats"])
    yield from _nats(values["nats"])
    yield from _trace(values["nats"])
    yield from _proxy(values)
    yield from _secure(values)
    yield from misplaced(values["kubernetes"])


def surprising(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the combinations that work, but not as a fault-tolerant group is expected to."""
    if values["nodes"] == 1:
        yield "nodes is 1: with a single node there is no failover"
    if values["streaming"].get("nats_server_url"):
        for name in sorted(values["nats"].keys() - _WITHOUT_NATS):
            yield f"nats.{name} does nothing beside streaming.nats_server_url: that server has its own"


def _ports(values: Mapping[str, Any]) -> Iterator[str]:
    port, nodes = values.get("port"), values["nodes"]
    if port is not None and port + nodes > MAX_PORT:
        yield f"port {port} leaves no room for {nodes} nodes: give {MAX_PORT - nodes} or less"


def _proxy(values: Mapping[str, Any]) -> Iterator[str]:
    if values["proxied"] and values["engine"] == "process":
        yield "proxied needs the engine 'docker': local processes have no network with a proxy in it"
    if values["proxied"] and values["streaming"].get("nats_server_url"):
        yield "proxied does not go with streaming.nats_server_url: clients and nodes then meet elsewhere"


def _secure(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what does not go with certificates and a login of the group's own."""
    if not values["secure"]:
        return
    streaming, nats = values["streaming"], values["nats"]
    if streaming.get("nats_server_url"):
        yield "secure does not go with streaming.nats_server_url: that server has its own TLS and logins"
    named = [f"nats.{at}.{name}" for at in _TLS for name in _OWN_FILES if value_at(nats, f"{at}.{name}")]
    named += [f"streaming.tls.{name}" for name in sorted(streaming.get("tls", {}))]
    for name in named:
        yield f"secure makes the group's own certificates; leave out {name}, or secure"
    for name in ("tls.insecure", "cluster.tls.insecure", "allow_non_tls", "no_auth_user"):
        if value_at(nats, name):
            yield f"secure does not go with nats.{name}, which lets in without TLS, its checks or a login"
    if value_at(nats, "tls.verify_and_map"):
        yield "secure does not go with nats.tls.verify_and_map: its certificates name nodes, and not users"
    if streaming.get("secure") is False:
        yield "secure does not go with streaming.secure = false: the NATS server inside then demands TLS"


def _store(streaming: Mapping[str, Any]) -> Iterator[str]:
    limits = streaming["store_limits"]
    channels = limits.get("channels", {})
    if streaming.get("partitioning") and not channels:
        yield "streaming.partitioning needs channels: name them in streaming.store_limits.channels"
    literal = [name for name in channels if not {"*", ">"} & set(name.split("."))]
    if 0 < limits["max_channels"] < len(literal):
        yield (
            f"streaming.store_limits.channels names {len(literal)} channels, more than max_channels "
            f"({limits['max_channels']}); the server would not start"
        )
    if streaming.get("encrypt") and not streaming.get("encryption_key"):
        yield (
            "streaming.encrypt needs streaming.encryption_key; set STANLOCAL_STREAMING__ENCRYPTION_KEY, "
            "STANLOCAL_STREAMING__ENCRYPTION_KEY_FILE or the server's own NATS_STREAMING_ENCRYPTION_KEY"
        )


def _nats(nats: Mapping[str, Any]) -> Iterator[str]:
    """Yield the problems that the server itself finds (nats-server server/server.go, validateOptions)."""
    payload, pending = nats.get("max_payload") or _MAX_PAYLOAD, nats.get("max_pending") or _MAX_PENDING
    if payload > pending:
        yield (
            f"nats.max_payload ({format_size(payload)}) is more than nats.max_pending "
            f"({format_size(pending)}); the server would not start"
        )
    duration = nats.get("lame_duck_duration", _LAME_DUCK_DURATION)
    grace = nats.get("lame_duck_grace_period", _LAME_DUCK_GRACE)
    if parse_duration(grace) >= parse_duration(duration):
        yield (
            f"nats.lame_duck_grace_period ({grace}) is not less than nats.lame_duck_duration ({duration}); "
            "the server would not start"
        )


def without_certificates(streaming: Mapping[str, Any], nats: Mapping[str, Any]) -> Iterator[str]:
    """Yield the certificates that TLS lacks, one line each.

    They are not among `broken`: of an imported deployment they are still to be given, and a secured group
    makes its own.
    """
    tls, own, routes = nats.get("tls", {}), streaming.get("tls", {}), nats.get("cluster", {}).get("tls", {})
    for certificate, key, table, values in (
        ("cert_file", "key_file", "nats.tls", tls),
        ("cert_file", "key_file", "nats.cluster.tls", routes),
        ("client_cert", "client_key", "streaming.tls", own),
    ):
        if bool(values.get(certificate)) != bool(values.get(key)):
            yield f"{table}.{certificate} and {table}.{key} go together; set both"
    if routes and not routes.get("cert_file") and not streaming.get("nats_server_url"):
        yield (
            "nats.cluster.tls needs the certificate that nodes show each other: set "
            "nats.cluster.tls.cert_file and nats.cluster.tls.key_file"
        )
    if tls and not tls.get("cert_file") and not streaming.get("nats_server_url"):
        yield "nats.tls needs the certificate that servers show: set nats.tls.cert_file and nats.tls.key_file"
    asks = "verify" if tls.get("verify") else "verify_and_map" if tls.get("verify_and_map") else None
    if asks and not streaming.get("nats_server_url") and not own.get("client_cert"):
        yield (
            f"nats.tls.{asks} asks every client for a certificate, the streaming server too: set "
            "streaming.tls.client_cert and streaming.tls.client_key"
        )


def without_passwords(nats: Mapping[str, Any]) -> Iterator[str]:
    """Yield the users who would be let in without a password, one line each.

    They are not among `broken`: of an imported deployment a password may still be to be given.
    """
    if nats.get("tls", {}).get("verify_and_map"):  # a certificate says who it is
        return
    rules = nats.get("authorization", {})
    key = ("nats", "authorization", "password")
    if rules.get("user") and not rules.get("password"):
        yield (
            f"nats.authorization.user {rules['user']!r} has no password: the name alone would let in; "
            f"set {variable(key)} or {variable(key)}_FILE"
        )
    for place, user in _users(nats):
        name = user.get("user") or user.get("username")
        if name and not (user.get("password") or user.get("pass") or name == nats.get("no_auth_user")):
            yield f"{place} names {name!r} without a password: the name alone would let in"


def _users(nats: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the users of `authorization` and of each account, each with the setting that lists it."""
    accounts = nats.get("accounts")
    tables = {"nats.authorization": nats.get("authorization", {})}
    if isinstance(accounts, Mapping):
        tables |= {f"nats.accounts.{name}": each for name, each in accounts.items()}
    for place, table in tables.items():
        users = table.get("users") if isinstance(table, Mapping) else None
        for user in users if isinstance(users, (list, tuple)) else ():
            if isinstance(user, Mapping):
                yield f"{place}.users", user


def _trace(nats: Mapping[str, Any]) -> Iterator[str]:
    """Yield the secrets that the server would write into its log, where it traces logins."""
    if not (nats.get("trace") or nats.get("trace_verbose")):
        return
    rules = nats.get("authorization", {})
    if rules.get("token"):
        yield (
            "nats.trace would write nats.authorization.token into the logs at each login; leave it out, or "
            "let clients log in with a user and password"
        )
    passwords = [rules.get("password"), *(user.get("password", user.get("pass")) for _, user in _users(nats))]
    if any(not _ENDS_REDACTION.isdisjoint(each) for each in passwords if isinstance(each, str)):
        yield (
            "nats.trace would write a part of a password into the logs at each login, as it has a comma, "
            "quote or brace; leave it out, or choose another password"
        )


def _login(streaming: Mapping[str, Any], nats: Mapping[str, Any]) -> Iterator[str]:
    rules = nats.get("authorization", {})
    for user in rules.get("users", ()):
        if not user.get("user") and not user.get("nkey"):
            yield "nats.authorization.users has an entry without a user"
        elif user.get("nkey") and (user.get("user") or user.get("password")):
            yield "nats.authorization.users has an entry with both an nkey and a user or password"
    kinds = [name for name in ("user", "token", "users") if rules.get(name)]
    if len(kinds) > 1:
        yield f"nats.authorization takes one of user, token and users, not {' and '.join(kinds)}"
    if rules.get("password") and not rules.get("user"):
        yield "nats.authorization.password needs nats.authorization.user"
    names = [user["user"] for user in rules.get("users", ()) if user.get("user")]
    if len(names) != len(set(names)):
        yield "nats.authorization.users names a user twice"
    own = streaming.get("username")
    if (rules.get("users") or has_users(nats.get("accounts"))) and not _logs_in(streaming, nats):
        yield (
            "where nats has users, the streaming server needs a login of its own: set streaming.username and "
            "streaming.password to one of them, or nats.no_auth_user"
        )
    elif names and own and own not in names and "accounts" not in nats:
        yield f"streaming.username {own!r} is none of nats.authorization.users"
    if streaming.get("password") and not own:
        yield "streaming.password needs streaming.username"


def _logs_in(streaming: Mapping[str, Any], nats: Mapping[str, Any]) -> bool:
    ways = ("username", "credentials", "nkey_seed_file")
    mapped = nats.get("tls", {}).get("verify_and_map")
    return any(streaming.get(way) for way in ways) or bool(nats.get("no_auth_user") or mapped)
