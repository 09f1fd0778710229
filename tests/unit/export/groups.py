"""Settings of groups, any option set to anything that it can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from stanlocal.settings.nats import NATS
from stanlocal.settings.schema import Kind, Option, Table
from stanlocal.settings.store import FILE_OPTIONS, STORE_LIMITS
from stanlocal.settings.streaming import STREAMING
from stanlocal.settings.values import format_duration, spellable_key
from stanlocal.util.integers import INT64_MAX

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
"""Passwords and names; the awkward ones are in `WORDS`."""
WORDS = st.sampled_from(
    ["2024", "true", "a,b", "5m", "1e6", "$X", "#a", "a//b", "no", "it's", 'say "hi"', "a\\b", "-1", "{", "π"]
)
STRINGS = st.one_of(WORDS, TEXT)
_PART = st.one_of(
    st.sampled_from(
        ["orders", "2024", "true", "a:b", "a=b", "a,b", "it's", 'a"b', "#x", "$X", "include", "{"]
    ),
    st.text(
        st.characters(codec="utf-8", categories=("L", "N", "P", "S"), exclude_characters=".*>/"),
        min_size=1,
        max_size=6,
    ),
)
SUBJECTS = st.lists(_PART, min_size=1, max_size=3).map(".".join)
CHANNELS = (
    st.tuples(st.lists(st.one_of(_PART, st.just("*")), min_size=1, max_size=2), st.sampled_from(["", ".>"]))
    .map(lambda parts: ".".join(parts[0]) + parts[1])
    .filter(spellable_key)
)


def values(option: Option, largest: int) -> st.SearchStrategy[Any]:
    """Values of an option that is no table."""
    least, most = option.minimum, largest if option.maximum is None else min(option.maximum, largest)
    match option.kind:
        case Kind.BOOLEAN:
            return st.booleans()
        case Kind.INTEGER | Kind.SIZE:
            return st.integers(-5 if least is None else least, most)
        case Kind.DURATION:
            return st.integers(-(10**9) if least is None else least, 2**62).map(format_duration)
        case Kind.CHOICE:
            return st.sampled_from(option.choices)
        case _:
            return SUBJECTS if option.check else STRINGS


def tables(
    table: Table, *, largest: int = INT64_MAX, without: frozenset[str] = frozenset()
) -> st.SearchStrategy[Any]:
    """Tables of the options that are no tables, files or secrets: each there or not, or all of them."""
    plain = {
        option.name: values(option, largest)
        for option in table.options
        if option.kind not in (Kind.TABLE, Kind.TABLES, Kind.MAP, Kind.PATH, Kind.STRUCTURE, Kind.STRINGS)
        and not (option.refused or option.secret or option.executes or option.name in without)
    }
    return st.one_of(st.fixed_dictionaries({}, optional=plain), st.fixed_dictionaries(plain))


_OWN_LOGIN = frozenset({"username", "secure", "encrypt", "nats_server_url", "partitioning"})


@st.composite
def streaming(draw: st.DrawFn, largest: int = INT64_MAX) -> dict[str, Any]:
    """The options of the streaming server."""
    found: dict[str, Any] = draw(tables(STREAMING, without=_OWN_LOGIN, largest=largest))
    per_channel = STORE_LIMITS.at(("channels",))
    assert per_channel is not None
    assert per_channel.table is not None
    channels = draw(
        st.dictionaries(CHANNELS, tables(per_channel.table, largest=largest), max_size=3).filter(_distinct)
    )
    limits = draw(tables(STORE_LIMITS, largest=largest))
    if 0 < limits.get("max_channels", 0) < len(channels):
        limits["max_channels"] = 0
    found["store_limits"] = {**limits, **({"channels": channels} if channels else {})}
    found["file_options"] = draw(tables(FILE_OPTIONS, largest=largest))
    found["partitioning"] = bool(channels) and draw(st.booleans())
    return found


def _distinct(channels: dict[str, Any]) -> bool:
    return len({name.lower() for name in channels}) == len(channels)


SECRETS = st.one_of(WORDS, TEXT).filter(bool)
_PERMISSIONS = st.sampled_from(
    [
        {"publish": ["_STAN.>", "_INBOX.>"], "subscribe": {"allow": ["_INBOX.>", "_STAN.>"]}},
        {"publish": "a.b", "subscribe": ["2024", "true"]},
    ]
)


@st.composite
def _logins(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Logins: what the NATS server asks for, and the streaming server's own."""
    kind = draw(st.sampled_from(["none", "user", "token", "users", "nkeys", "accounts"]))
    own, other = draw(st.lists(STRINGS, min_size=2, max_size=2, unique=True))
    password, another = draw(SECRETS), draw(SECRETS)
    login = {"username": own, "password": password}
    match kind:
        case "user":
            return {"authorization": {"user": own, "password": password, "timeout": 1.5}}, {}
        case "token":
            return {"authorization": {"token": password}}, {}
        case "users":
            users = [
                {"user": own, "password": password},
                {"user": other, "password": another, "permissions": draw(_PERMISSIONS)},
            ]
            return {"authorization": {"users": users, "default_permissions": draw(_PERMISSIONS)}}, login
        case "nkeys":
            users = [{"user": own, "password": password}, {"nkey": "U" + "A" * 55}]
            return {"authorization": {"users": users}}, login
        case "accounts":
            return {"accounts": {"A": {"users": [{"user": own, "password": password}]}}}, login
        case _:
            return {}, {}


@st.composite
def nats(draw: st.DrawFn) -> dict[str, Any]:
    """The options of the NATS server, without logins."""
    found: dict[str, Any] = draw(tables(NATS, without=frozenset({"no_auth_user", "system_account"})))
    if "max_pending" in found:
        found["max_pending"] = max(found["max_pending"], found.get("max_payload", 2**20))
    elif found.get("max_payload", 0) > 2**26:
        found["max_pending"] = found["max_payload"]
    for name in ("lame_duck_duration", "lame_duck_grace_period"):
        found.pop(name, None)
    if draw(st.booleans()):
        found["server_tags"] = draw(st.lists(STRINGS, min_size=1, max_size=2))
    if draw(st.booleans()):
        found["mappings"] = {"a.b": "c.d"}
    return found


_TLS_LISTS = {
    "cipher_suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"],
    "curve_preferences": ["X25519", "CurveP256"],
    "pinned_certs": ["ab" * 32, "cd" * 32],
}


def _tls(table: Table, folder: Path, name: str) -> st.SearchStrategy[dict[str, Any]]:
    """A table `tls`, with files of the folder."""
    found: dict[str, st.SearchStrategy[Any]] = {}
    for option in table.options:
        if option.refused or option.kind is Kind.STRUCTURE:
            continue
        if option.kind is Kind.PATH:
            found[option.name] = st.just(str(folder / f"{name}-{option.name}.pem"))
        elif option.kind is Kind.STRINGS:
            found[option.name] = st.just(_TLS_LISTS[option.name])
        elif option.kind is Kind.NUMBER:
            found[option.name] = st.sampled_from([1, 2.5])
        else:
            found[option.name] = values(option, 1000)
    # Routes without an authority get the certificate's own file for one, so it is always given here.
    always = ("cert_file", "key_file", *(["ca_file"] if name == "routes" else []))
    pair = {each: found.pop(each) for each in always if each in found}
    return st.one_of(st.fixed_dictionaries(pair, optional=found), st.fixed_dictionaries({**pair, **found}))


def _table(table: Table, *path: str) -> Table:
    option = table.at(path)
    assert option is not None
    assert option.table is not None
    return option.table


@st.composite
def _certificates(draw: st.DrawFn, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """TLS of the NATS server and of its routes, and the streaming server's own."""
    asked: dict[str, Any] = {"tls": draw(_tls(_table(NATS, "tls"), folder, "nats"))}
    if draw(st.booleans()):
        asked["cluster"] = {"tls": draw(_tls(_table(NATS, "cluster", "tls"), folder, "routes"))}
    own: dict[str, Any] = {}
    if draw(st.booleans()):
        own["tls"] = draw(_tls(_table(STREAMING, "tls"), folder, "streaming"))
    if draw(st.booleans()):
        own["secure"] = draw(st.booleans())
    return asked, own


@st.composite
def settings(draw: st.DrawFn, folder: Path | None = None) -> dict[str, Any]:
    """A group with logins and an encrypted store, of any number of nodes; with a folder also with TLS."""
    asked, own = draw(_logins())
    if folder is not None:
        certificates, trust = draw(_certificates(folder))
        asked, own = {**asked, **certificates}, {**own, **trust}
        if "users" in asked.get("authorization", {}) and draw(st.booleans()):
            own["nkey_seed_file"] = str(folder / "seed.pem")
    stream = {**draw(streaming()), **own}
    if draw(st.booleans()):
        stream |= {"encrypt": True, "encryption_key": draw(SECRETS)}
    own_nats = draw(nats())
    if "authorization" in asked or "accounts" in asked:  # a trace would write some passwords into the log
        own_nats = {name: value for name, value in own_nats.items() if name not in ("trace", "trace_verbose")}
    return {"nodes": draw(st.integers(2, 5)), "streaming": stream, "nats": {**own_nats, **asked}}
