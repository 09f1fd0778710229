"""A stan.conf as settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from stanlocal.imports import kinds, routes
from stanlocal.imports.import_result import Found, with_value
from stanlocal.model.plan import CLIENT_PORT, CLUSTER_PORT, MONITOR_PORT
from stanlocal.natsconf import Entry, Missing, Place, Table, Value, plain
from stanlocal.render.stan_conf import CONNECT_RETRIES
from stanlocal.settings.coerce import coerce, shown
from stanlocal.settings.layer import Key, Layer, dotted, variable
from stanlocal.settings.nats import NATS
from stanlocal.settings.presets import DEFAULTS
from stanlocal.settings.schema import Kind, Option
from stanlocal.settings.schema import Table as Options
from stanlocal.settings.streaming import STREAMING
from stanlocal.settings.tool_options import SETTINGS

_STREAMING: Key = ("streaming",)
_NATS: Key = ("nats",)
_CLUSTER = Options(tuple(each for each in (NATS.at(("cluster", "tls")),) if each is not None))

_WHO_MAY = (("nats", "authorization"), ("nats", "accounts"))
"""Logins: a deployment can be read for something else without those that its caller gives."""
_SAME: Mapping[Key, tuple[object, ...]] = {
    ("cluster", "port"): (CLUSTER_PORT,),
    ("cluster", "listen"): tuple(f"{host}:{CLUSTER_PORT}" for host in ("0.0.0.0", "nats://0.0.0.0")),
    ("cluster", "connect_retries"): (CONNECT_RETRIES,),
    ("nats", "port"): (CLIENT_PORT,),
    ("nats", "listen"): (f"0.0.0.0:{CLIENT_PORT}",),
    ("nats", "host"): ("0.0.0.0",),
    ("nats", "http_port"): (MONITOR_PORT,),
    ("nats", "http"): (MONITOR_PORT, f"0.0.0.0:{MONITOR_PORT}"),
    ("nats", "logtime"): (True,),
}
"""Options that stanlocal writes itself, with the values that it writes: these are not reported."""
_FILE_STORE = "--store file runs it over a file store"
NATS_ELSEWHERE = (
    "the nodes use the NATS server inside each of them; for one of yours set "
    "STANLOCAL_STREAMING__NATS_SERVER_URL"
)
_RAFT = (
    "this is a Raft cluster, where each node has its own store; stanlocal runs FT groups over one store, for "
    "which ft_group_name stands instead"
)


def read_conf(conf: Table, start: Place, found: Found) -> None:
    """Put the settings of `conf` into `found`; `start` is its beginning.

    Like the server, read a file without `streaming {}` as streaming options only.
    """
    asking = {option.name for name in conf if (option := NATS.find(name))} & {
        "authorization",
        "accounts",
        "tls",
    }
    found.nats_asks = frozenset(asking)
    section = next((entry for name, entry in conf.items() if name.lower() == "streaming"), None)
    if section is not None and isinstance(section.value, dict):
        rest = {name: entry for name, entry in conf.items() if entry is not section}
        _nats(rest, found)
        _streaming(section.value, section.place, found)
        return
    nats_only = {
        name: entry for name, entry in conf.items() if STREAMING.find(name) is None and NATS.find(name)
    }
    _nats(nats_only, found)
    _streaming({name: conf[name] for name in conf if name not in nats_only}, start, found)


def _nats(conf: Table, found: Found) -> None:
    cluster = next((name for name in conf if name.lower() == "cluster"), None)
    if cluster is not None:
        _routes(conf[cluster], conf, found)
    options(NATS, {name: entry for name, entry in conf.items() if name != cluster}, _NATS, found)


def _routes(cluster: Entry, conf: Table, found: Found) -> None:
    """Put the number of nodes and the TLS of routes; all else of routes is the local nodes' own."""
    if not isinstance(cluster.value, dict):
        found.left_out(cluster.place, "cluster", "it is no table")
        return
    for name, entry in cluster.value.items():
        what = f"cluster.{name}"
        if NATS.at(("cluster", name)) is not None:  # what else is there may be a password with a typing error
            what = with_value(what, entry.value)
        if name.lower() == "routes":
            routes.put(cluster.value, conf, what, found)
        elif name.lower() == "tls" and isinstance(entry.value, dict):
            options(_CLUSTER, {name: entry}, (*_NATS, "cluster"), found)
        elif not _agrees(("cluster", name.lower()), entry.value):
            found.left_out(entry.place, what, "stanlocal writes the routes between the nodes")


def _streaming(conf: Table, start: Place, found: Found) -> None:
    by_option = {option.name: entry for name, entry in conf.items() if (option := STREAMING.find(name))}
    if "cluster" in by_option:
        found.problem(by_option["cluster"].place, _RAFT)
        return
    put_store(by_option.get("store"), start, found)
    rest = {name: entry for name, entry in conf.items() if entry is not by_option.get("store")}
    options(STREAMING, rest, _STREAMING, found)
    if "ft_group_name" not in by_option:
        found.changed(start, "streaming.ft_group_name", no_group())


def no_group() -> str:
    """Return what a deployment without an FT group means, and what runs here."""
    group = DEFAULTS["streaming"]["ft_group_name"]
    return f"it is not set there, so that each server serves alone; here it is {group!r}"


def put_store(store: Entry | None, start: Place, found: Found) -> None:
    """Put the kind of store; note a problem for one that cannot be run, unless a file store was asked for."""
    kind = "" if store is None else str(plain(store.value))
    place = start if store is None else store.place
    what = f"streaming.store is {shown(kind)}" if kind else "streaming.store is not set: it is memory"
    if found.file_store:
        if kind.lower() != "file":
            found.changed(place, "streaming.store", f"{what}; here it is a file store, as --store asks")
    elif kind.lower() != "file":
        why = {
            "": "an FT group needs a store that outlives its active node",
            "memory": "an FT group needs a store that outlives its active node",
            "sql": "the server could, but stanlocal runs FT groups over a file store only",
        }.get(kind.lower(), "the server knows file, memory and sql")
        found.problem(place, f"{what}: {why}; {_FILE_STORE}")
        return
    found.put(("streaming", "store"), "file", place)


def options(table: Options, conf: Table, at: Key, found: Found) -> None:
    """Put the entries that `table` knows under `at`, and note the reason for each other one."""
    for name, entry in conf.items():
        option = table.find(name)
        what = dotted((*at, name)).removeprefix("nats.")  # in the file they are at the top
        if option is None:
            near = found.nearest(table, name)
            meant = "" if near is None else f"; it knows {near}"
            found.left_out(entry.place, what, f"the server does not know it and ignores it{meant}")
        elif _agrees((*at, option.name), entry.value):
            continue
        elif (why := _reason(option, (*at, option.name), found.nats_asks)) is not None:
            found.left_out(entry.place, with_value(what, entry.value), why)
        elif option.kind is Kind.PATH:
            _put_file(entry, (*at, option.name), found)
        else:
            _put(option, entry, (*at, option.name), found)


def _agrees(key: Key, value: Value) -> bool:
    """Return whether stanlocal writes the option with this value itself."""
    return key in _SAME and plain(value) in _SAME[key]


def _reason(option: Option, key: Key, asks: frozenset[str]) -> str | None:
    """Return the reason why the option's value cannot be imported; None when it can."""
    if key == ("streaming", "clustered"):
        return "the server's configuration does not know it and ignores it; it is a flag"
    if option.refused:
        return option.refused
    if key == ("streaming", "nats_server_url"):
        return NATS_ELSEWHERE
    if option.executes:
        return f"a file cannot make anything run; set {variable(key)} yourself"
    if key[:2] in (("streaming", "tls"), ("streaming", "secure")) and "tls" not in asks:
        return "the NATS server inside each node asks for no TLS"
    if key == ("streaming", "nkey_seed_file") and not asks & {"authorization", "accounts"}:
        return "the NATS server inside each node asks for no login"
    if key == ("streaming", "credentials"):
        return "it is a login by JWT, which the NATS server inside each node does not know"
    return None


def _put_file(entry: Entry, key: Key, found: Found) -> None:
    """Put a certificate, key or seed that lies beside the configuration; ask for any other."""
    path = str(plain(entry.value))
    local = found.local_file(path)
    if local is not None:
        found.put(key, str(local), entry.place)
    else:
        found.need(key, entry.place, f"is {shown(path)} there, a file of another machine")


def _put(option: Option, entry: Entry, key: Key, found: Found) -> None:
    value = entry.value
    if missing := next(_missing(value), None):
        what = f"is ${missing}, which is set neither there nor in the environment"
        if option.secret:
            found.need(key, entry.place, what)
        elif key[:2] in _WHO_MAY:
            found.need(key, entry.place, what, missing)
        else:
            found.problem(entry.place, f"{dotted(key)} {what}; set {missing}")
    elif option.kind is Kind.TABLE and option.table is not None and isinstance(value, dict):
        options(option.table, value, key, found)
    elif option.kind is Kind.MAP and option.table is not None and isinstance(value, dict):
        for name, limits in value.items():
            if isinstance(limits.value, dict) and limits.value:
                options(option.table, limits.value, (*key, name), found)
            else:
                found.put((*key, name), plain(limits.value), limits.place)
    elif (meant := kinds.converted(option, entry, key, found)) is not None:
        found.put(key, _settled(meant), entry.place)


def _settled(value: Value) -> object:
    """Convert a value to a setting: the server's format has times, settings have not."""
    return value.isoformat() if isinstance(value, datetime) else plain(value)


def _missing(value: Value) -> Iterator[str]:
    """Yield the names of the undefined variables in `value`, at any depth of lists."""
    if isinstance(value, Missing):
        yield value.name
    elif isinstance(value, list):
        for item in value:
            yield from _missing_inside(item)


def _missing_inside(item: Value) -> Iterator[str]:
    if isinstance(item, dict):
        for entry in item.values():
            yield from _missing_inside(entry.value)
    else:
        yield from _missing(item)


def fill_defaults(found: Found, place: Place) -> None:
    """Put the server's own default wherever stanlocal's differs and the file has no value.

    Without this the group would run with stanlocal's defaults where the deployment has the server's.
    """
    _fill(DEFAULTS["streaming"], _STREAMING, found, place)


def _fill(defaults: dict[str, object], at: Key, found: Found, place: Place) -> None:
    for name, value in defaults.items():
        key = (*at, name)
        option = SETTINGS.at(key)
        assert option is not None
        if isinstance(value, dict) and key not in found.places:
            _fill(value, key, found, place)
        elif not found.has(key) and option.default and name != "store":
            found.put(key, coerce(option, option.default, Layer("environment", {})), place)
