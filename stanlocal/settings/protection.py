"""Protection that settings ask for, compared with what other settings ask for. Pure.

Another login or certificate is no less protection; none at all is, or one that lets in without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stanlocal.settings.layer import value_at

_LOGINS = ("user", "token", "users")

Tree = Mapping[str, Any]
"""All settings as a tree: `secure`, `streaming`, `nats` and others."""
_Check = Callable[[Tree], bool]


def lowered(before: Tree, after: Tree) -> Iterator[str]:
    """Yield what `before` protects and `after` does not, each as what is then the case.

    Where the nodes use a NATS server elsewhere, logins and TLS are that server's, and not compared.
    """
    elsewhere = any(value_at(tree, "streaming.nats_server_url") for tree in (before, after))
    for protects, then in _OF_STORE if elsewhere else (*_OF_NATS, *_OF_STORE):
        if protects(before) and not protects(after):
            yield then
    for protects, weakening, then in _WEAKENED_ANYWHERE if elsewhere else (*_WEAKENED, *_WEAKENED_ANYWHERE):
        if (
            protects(before)
            and protects(after)
            and value_at(after, weakening)
            and not value_at(before, weakening)
        ):
            yield then
    if not elsewhere:
        lost = _unrestricted(after).intersection(_restricted(before))
        yield from (f"the user {name} may publish and subscribe to everything" for name in sorted(lost))


def has_login(nats: Mapping[str, Any]) -> bool:
    """Return whether the settings of the NATS server have logins."""
    rules = nats.get("authorization") or {}
    return any(rules.get(name) for name in _LOGINS) or has_users(nats.get("accounts"))


def has_users(accounts: object) -> bool:
    """Return whether an account has users: without any, accounts ask for no login."""
    return isinstance(accounts, Mapping) and any(
        isinstance(account, Mapping) and account.get("users") for account in accounts.values()
    )


def _asks_for_login(tree: Tree) -> bool:
    nats = tree["nats"]
    asks = tree.get("secure") or has_login(nats) or value_at(nats, "tls.verify_and_map")
    return bool(asks) and not nats.get("no_auth_user")


def _has_tls(tree: Tree) -> bool:
    return bool(tree.get("secure") or value_at(tree, "nats.tls"))


def _is_set(*names: str) -> _Check:
    """Return a check whether one of the settings is on."""
    return lambda tree: any(value_at(tree, name) for name in names)


_has_certificates = _is_set("nats.tls.verify", "nats.tls.verify_and_map")
_OF_NATS: tuple[tuple[_Check, str], ...] = (
    (_asks_for_login, "clients need no login"),
    (_has_tls, "clients need no TLS"),
    (_has_certificates, "clients need no certificate"),
    (_is_set("nats.tls.pinned_certs"), "the certificates of clients may be any"),
    (_is_set("secure", "nats.cluster.tls"), "routes have no TLS"),
    (_is_set("secure"), "monitors have no TLS"),
)
_OF_STORE: tuple[tuple[_Check, str], ...] = (
    (_is_set("streaming.encrypt", "streaming.encryption_key"), "messages are stored in clear"),
)
_WEAKENED: tuple[tuple[_Check, str, str], ...] = (
    (_has_tls, "nats.allow_non_tls", "clients may connect in clear"),
    (_has_certificates, "nats.tls.insecure", "certificates of clients are not checked"),
    (_is_set("nats.cluster.tls"), "nats.cluster.tls.insecure", "certificates of routes are not checked"),
)
"""Protection, the setting that takes its effect away, and what is then the case."""
_WEAKENED_ANYWHERE: tuple[tuple[_Check, str, str], ...] = (
    (
        _is_set("nats.tls", "streaming.secure", "streaming.tls"),
        "streaming.tls.skip_verify",
        "the certificate of the NATS server is not checked",
    ),
)


def _restricted(tree: Tree) -> set[str]:
    return {name for name, restricted in _users(tree["nats"]) if restricted}


def _unrestricted(tree: Tree) -> set[str]:
    return {name for name, restricted in _users(tree["nats"]) if not restricted}


def _users(nats: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield the name of each user of `authorization`, and whether it has permissions."""
    rules = nats.get("authorization") or {}
    for user in rules.get("users") or ():
        if isinstance(user, Mapping) and user.get("user"):
            yield str(user["user"]), bool(user.get("permissions") or rules.get("default_permissions"))
