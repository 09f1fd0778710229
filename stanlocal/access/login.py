"""Login of a client at a NATS server: `Access`, and that of a group's own clients. Pure.

Keys and credentials stay in files, of which an `Access` has the paths; passwords and tokens are never
part of its `repr`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from stanlocal.access.permissions import Permissions, missing

_BCRYPT = re.compile(r"\$2[abxy]?\$")
_URL_LOGIN = re.compile(r"^\s*\w+://(?:(?P<user>[^:@/,\s]*)(?::(?P<password>[^@/,\s]*))?@)?")
_GLOBAL = "$G"
"""Account of the users that no account lists."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths and names with which a client checks a server, and proves itself."""

    ca: str | None = None
    """Certificates that are trusted; None: those of the system."""
    certificate: str | None = None
    key: str | None = None
    server_name: str | None = None
    """Name expected in the server's certificate; None: the host of its URL."""
    insecure: bool = False
    """Whether any certificate of the server is accepted."""


@dataclass(frozen=True, slots=True)
class Access:
    """A login at a NATS server; without any field the client does not log in."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    nkey_seed: str | None = None
    """Path of the file with the NKey's seed."""
    credentials: str | None = None
    """Path of the file with a JWT and its seed."""
    tls: TlsFiles | None = None
    """Files for TLS; None: TLS with the system's certificates, where the server asks for it."""

    @property
    def logs_in(self) -> bool:
        return any((self.user, self.token, self.nkey_seed, self.credentials))


class NoLogin(Exception):
    """The settings let no one in as whom a client could log in; the message says why."""


def access_of(
    streaming: Mapping[str, Any],
    nats: Mapping[str, Any],
    *,
    trusted: str | None = None,
    server_name: str | None = None,
) -> Access:
    """Return the access of a group's own clients, given its settings with their secrets.

    `trusted` is the file with the certificates that the nodes' own are checked against, `server_name` the
    name in them where it is not the address. Of several users it is one whose permissions suffice, the
    streaming server's own first. Raises `NoLogin`.
    """
    if streaming.get("nats_server_url"):
        return _at_external(streaming, tls_of(streaming, nats))
    tls = tls_of(streaming, nats, trusted=trusted, server_name=server_name)
    rules = nats.get("authorization", {})
    if rules.get("token"):
        return Access(token=_plain(rules["token"], "nats.authorization.token"), tls=tls)
    if rules.get("user"):
        password = _plain(rules.get("password", ""), "nats.authorization.password")
        return Access(user=rules["user"], password=password, tls=tls)
    if nats.get("tls", {}).get("verify_and_map"):
        return Access(tls=tls)
    return _of_users(streaming, nats, tls)


def tls_of(
    streaming: Mapping[str, Any],
    nats: Mapping[str, Any],
    *,
    trusted: str | None = None,
    server_name: str | None = None,
) -> TlsFiles | None:
    """Return the TLS files of a group's clients, as `access_of` does; None: its servers ask for no TLS."""
    own = streaming.get("tls", {})
    certificate, key = own.get("client_cert"), own.get("client_key")
    if not streaming.get("nats_server_url"):
        return TlsFiles(trusted, certificate, key, server_name) if nats.get("tls") else None
    secure = streaming.get("secure") or str(streaming["nats_server_url"]).lstrip().startswith("tls://")
    if not (own or secure):
        return None
    insecure = bool(own.get("skip_verify"))
    return TlsFiles(own.get("client_cacert"), certificate, key, own.get("server_name"), insecure)


def _at_external(streaming: Mapping[str, Any], tls: TlsFiles | None) -> Access:
    """Return the access at an external NATS server: the streaming server's own login there."""
    url = str(streaming["nats_server_url"])
    login = next((m for m in map(_URL_LOGIN.match, url.split(",")) if m and m["user"]), None)
    if login is None:
        return _own_login(streaming, tls)
    user, password = unquote(login["user"]), login["password"]  # as the server reads its own URL
    if password is None:
        return Access(token=user, tls=tls)
    return Access(user=user, password=unquote(password), tls=tls)


def _own_login(streaming: Mapping[str, Any], tls: TlsFiles | None) -> Access:
    """Return the streaming server's own login."""
    password = streaming.get("password", "") if streaming.get("username") else None
    return Access(
        user=streaming.get("username"),
        password=password,
        token=streaming.get("token"),
        nkey_seed=streaming.get("nkey_seed_file"),
        credentials=streaming.get("credentials"),
        tls=tls,
    )


# One of several users


@dataclass(frozen=True, slots=True)
class User:
    """A user that the settings of the NATS server list."""

    name: str | None
    password: str | None = field(repr=False)
    nkey: str | None
    permissions: Permissions | None
    """None: the user may do everything."""
    account: str


def users_of(nats: Mapping[str, Any]) -> Iterator[User]:
    """Yield the users of `authorization` and of each account."""
    rules = nats.get("authorization", {})
    if isinstance(rules, Mapping):
        yield from _users(rules, _GLOBAL)
    accounts = nats.get("accounts", {})
    for name, account in accounts.items() if isinstance(accounts, Mapping) else ():
        if isinstance(account, Mapping):
            yield from _users(account, name)


def _users(table: Mapping[str, Any], account: str) -> Iterator[User]:
    default = _first(table, "default_permissions", "default_permission", "permissions")
    users = table.get("users", ())
    for each in users if isinstance(users, (list, tuple)) else ():
        if isinstance(each, Mapping):
            yield User(
                _first(each, "user", "username"),
                _first(each, "password", "pass"),
                each.get("nkey"),
                _first(each, "permissions", "permission", "authorization") or default,
                account,
            )


def _first(table: Mapping[str, Any], *names: str) -> Any:
    return next((table[name] for name in names if table.get(name) is not None), None)


def _of_users(streaming: Mapping[str, Any], nats: Mapping[str, Any], tls: TlsFiles | None) -> Access:
    users = list(users_of(nats))
    if not users:
        return Access(tls=tls)
    choices = sorted(_choices(users, streaming, nats, tls), key=lambda choice: choice[0])
    if choices:
        return choices[0][1]
    raise NoLogin("of no user the password is known, only bcrypt hashes or NKeys")


def _choices(
    users: list[User], streaming: Mapping[str, Any], nats: Mapping[str, Any], tls: TlsFiles | None
) -> Iterator[tuple[int, Access]]:
    """Yield the logins at the streaming server's account, each with the number of missing permissions."""
    own = _own_user(users, streaming, nats)
    account = own.account if own is not None else _GLOBAL
    prefix = streaming.get("discover_prefix")
    rest = [user for user in users if user.account == account and user is not own]
    for user in ([own] if own is not None else []) + rest:
        lacks = len(missing(user.permissions, str(streaming["cluster_id"]), prefix))
        if user is own and _logs_in_by_itself(streaming):
            yield lacks, _own_login(streaming, tls)
        elif user.name is not None and user.name == nats.get("no_auth_user"):
            yield lacks, Access(tls=tls)
        elif user.name is not None and not _BCRYPT.match(user.password or ""):
            yield lacks, Access(user=user.name, password=user.password or "", tls=tls)


def _own_user(users: list[User], streaming: Mapping[str, Any], nats: Mapping[str, Any]) -> User | None:
    """Return the user as whom the streaming server logs in; None if it is not known."""
    name = streaming.get("username") or nats.get("no_auth_user")
    if streaming.get("nkey_seed_file"):
        keys = [user for user in users if user.nkey]
        return keys[0] if len(keys) == 1 else None
    return next((user for user in users if name and user.name == name), None)


def _logs_in_by_itself(streaming: Mapping[str, Any]) -> bool:
    return any(streaming.get(way) for way in ("username", "nkey_seed_file", "credentials"))


def _plain(secret: str, setting: str) -> str:
    """Return a password or token that a client can present; raise `NoLogin` for a hash."""
    if _BCRYPT.match(secret):
        raise NoLogin(f"{setting} is a bcrypt hash, which no client can log in with")
    return secret
