"""The kinds of protection that a group can have: the columns of the table in docs/security.md."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nkeys

from stanlocal.certificates.authority import KeyPair, issue, make_authority

PASSWORD = "s3cret-4f9a1b7d"
TOKEN = "t0ken-8c2e5d61"


@dataclass(frozen=True, slots=True)
class Protected:
    """A settings file, and what no other file of a group may hold."""

    toml: str
    secrets: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    """Options of a login with which `pub --url` reaches the group's servers, beside what `env` gives."""


def _plain(folder: Path, nats: str) -> Protected:
    return Protected("")


def _user(folder: Path, nats: str) -> Protected:
    toml = f'[nats.authorization]\nuser = "stan"\npassword = "{PASSWORD}"\n'
    return Protected(toml, (PASSWORD,), _login(folder, "stan", PASSWORD))


def _token(folder: Path, nats: str) -> Protected:
    (folder / "token").write_text(TOKEN)
    toml = f'[nats.authorization]\ntoken = "{TOKEN}"\n'
    return Protected(toml, (TOKEN,), ("--token-file", str(folder / "token")))


def _permissions(folder: Path, nats: str) -> Protected:
    """The streaming server's own user may not publish as a client does: another one has to be chosen."""
    return Protected(
        f"""
[streaming]
username = "server"
password = "{PASSWORD}1"
[[nats.authorization.users]]
user = "core"
password = "{PASSWORD}2"
permissions.publish = "orders.>"
[[nats.authorization.users]]
user = "server"
password = "{PASSWORD}1"
permissions.publish.deny = "_STAN.pub.>"
[[nats.authorization.users]]
user = "client"
password = "{PASSWORD}3"
permissions.publish = ["_STAN.>", "_INBOX.>"]
permissions.subscribe = ["_STAN.>", "_INBOX.>"]
""",
        (PASSWORD,),
        _login(folder, "client", f"{PASSWORD}3"),
    )


def _nkey(folder: Path, nats: str) -> Protected:
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
    public = nkeys.from_seed(bytearray(seed)).public_key.decode()
    (folder / "stan.nk").write_bytes(bytes(seed))
    (folder / "stan.nk").chmod(0o600)
    return Protected(
        f'[streaming]\nnkey_seed_file = "stan.nk"\n[nats.authorization]\nusers = [{{ nkey = "{public}" }}]\n',
        (bytes(seed).decode(),),
        ("--nkey", str(folder / "stan.nk")),
    )


def _tls(folder: Path, nats: str) -> Protected:
    pair = issue(make_authority("test"), "server", hosts=["localhost", "127.0.0.1"])
    toml = f"[nats.tls]\n{_named(folder, 'server', pair)}"
    return Protected(toml, (_secret(pair),))


def _mutual_tls(folder: Path, nats: str) -> Protected:
    """The certificate has another name than the address, as one of production has."""
    authority = make_authority("test")
    (folder / "ca.pem").write_bytes(authority.certificate)
    server = issue(authority, "server", hosts=["*.stan.example"])
    client = issue(authority, "client", hosts=["client"])
    return Protected(
        f'[nats.tls]\nca_file = "ca.pem"\nverify = true\n{_named(folder, "server", server)}'
        f"[streaming.tls]\n{_named(folder, 'client', client, 'client_cert', 'client_key')}",
        (_secret(server), _secret(client)),
        ("--tls-name", "any.stan.example"),
    )


def _routes(folder: Path, nats: str) -> Protected:
    """The certificate has the address of processes; containers get names below its wildcard."""
    authority = make_authority("test")
    (folder / "ca.pem").write_bytes(authority.certificate)
    pair = issue(authority, "routes", hosts=["127.0.0.1", "*.stan.example"])
    toml = f'[nats.cluster.tls]\nca_file = "ca.pem"\n{_named(folder, "routes", pair)}'
    return Protected(toml, (_secret(pair),))


def _secure(folder: Path, nats: str) -> Protected:
    """TLS everywhere, routes and monitors too, and a login, all of the group's own."""
    return Protected("secure = true\n")


def _external(folder: Path, nats: str) -> Protected:
    return Protected(
        f'[streaming]\nnats_server_url = "{nats}"\nusername = "stan"\npassword = "{PASSWORD}"\n',
        (PASSWORD,),
        _login(folder, "stan", PASSWORD),
    )


def _login(folder: Path, user: str, password: str) -> tuple[str, ...]:
    """Write the password to a file; return the options that name it."""
    (folder / "password").write_text(f"{password}\n")
    return ("--user", user, "--password-file", str(folder / "password"))


def _named(
    folder: Path, name: str, pair: KeyPair, certificate: str = "cert_file", key: str = "key_file"
) -> str:
    """Write a pair, its key readable by the caller alone; return the settings that name it."""
    (folder / f"{name}.pem").write_bytes(pair.certificate)
    (folder / f"{name}.key").write_bytes(pair.key)
    (folder / f"{name}.key").chmod(0o600)
    return f'{certificate} = "{name}.pem"\n{key} = "{name}.key"\n'


def _secret(pair: KeyPair) -> str:
    """A line of a key."""
    return pair.key.decode().splitlines()[1]


COLUMNS: Mapping[str, Callable[[Path, str], Protected]] = {
    "plain": _plain,
    "user": _user,
    "token": _token,
    "users with permissions": _permissions,
    "NKey": _nkey,
    "TLS": _tls,
    "mutual TLS": _mutual_tls,
    "TLS routes": _routes,
    "up --secure": _secure,
    "external NATS with login": _external,
}
"""Makes the settings, given a folder for files and the URL of an external NATS server."""
