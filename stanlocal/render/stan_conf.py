"""A node's configuration, `stan.conf`, as text. Pure.

One file serves both halves of the process: the top level is read by the NATS server inside, `streaming {}`
by the streaming server. The language is nats-server 2.9.24's conf package. Every string is written in
double quotes, where nothing but the escapes has a meaning: no `$VARIABLE`, no comment, no number in
disguise (a bare `5m` would be five million). Keys in quotes have no escapes, so some cannot be written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stanlocal.errors import SettingsError
from stanlocal.model import proxy_routes
from stanlocal.model.plan import HOST_GATEWAY, STORE_DIR, GroupPlan, Listen, NodePlan
from stanlocal.settings.nats import NATS
from stanlocal.settings.schema import Kind, Option, Table
from stanlocal.settings.tool_options import SETTINGS
from stanlocal.settings.values import format_size, is_unicode, spellable_key
from stanlocal.util.integers import INT64_MAX

CONNECT_RETRIES = 10
"""Number of attempts to dial a route that is not there yet (the seed document's value)."""

_SPELLED = {"cluster_id": "id"}
"""Names that the seed document writes in another of the server's spellings."""
_LOOPBACK_URL = re.compile(r"^(\w+://(?:[^@/]*@)?)(?:127\.[0-9.]+|localhost|\[::1\])(?=:|/|$)")
_PLAIN_VALUE = re.compile(r"[A-Za-z][A-Za-z0-9._-]*(:[0-9]+)?|[0-9]+(\.[0-9]+){3}:[0-9]+")
_WORDS = {"true", "false", "yes", "no", "on", "off"}
_BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that the server takes from its environment; there it is written in this same language."""

    name: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The values in which nodes' configurations differ."""

    server_name: str | Variable
    client_advertise: str | Variable
    cluster_advertise: str | Variable


def identity(plan: GroupPlan, node: NodePlan) -> Identity:
    """Return the identity that `plan` gives the node."""
    return Identity(
        node.name, address(plan.host, node.client_port), proxy_routes.cluster_advertise(plan, node)
    )


def render(plan: GroupPlan, node: NodePlan, *, store_dir: str | None = None) -> str:
    """Return the stan.conf of `node`; `store_dir` is the store as the server sees it, by default the plan's.

    Holds every secret of the plan's settings: keep the text where only the server's user reads it.
    Raises `SettingsError` for a value or name that the language cannot spell.
    """
    title = f"Node {quote(node.name)} of the NATS Streaming FT group {quote(plan.group)}, from stanlocal."
    own, routes = identity(plan, node), proxy_routes.routes(plan, node)
    return _render(title, plan, own, routes, node.listen, store_dir or plan.server_store_dir)


def render_shared(plan: GroupPlan, identity: Identity, include: str | None = None) -> str:
    """Return one stan.conf for all nodes, which differ only by the variables in `identity`.

    `include` is a file, relative to the configuration's folder, that sets variables. Raises like `render`.
    """
    title = f"Every node of the NATS Streaming FT group {quote(plan.group)}, from stanlocal."
    if include is not None:
        title += f"\n\n# Variables below whose names are not set for each node.\ninclude {quote(include)}"
    return _render(title, plan, identity, plan.routes, plan.nodes[0].listen, STORE_DIR)


def in_environment(text: str) -> str:
    """Return the environment variable's text for which a `Variable` has the value `text`."""
    return text if _PLAIN_VALUE.fullmatch(text) and text.lower() not in _WORDS else quote(text)


def _render(
    title: str, plan: GroupPlan, identity: Identity, routes: Sequence[str], listen: Listen, store_dir: str
) -> str:
    streaming = {_SPELLED.get(name, name): value for name, value in plan.streaming.items()}
    if plan.external_nats:
        own = _without_nats(plan, identity, listen)
        urls = plan.streaming["nats_server_url"]  # with their logins; a variable in an export
        if isinstance(urls, str):
            streaming["nats_server_url"] = ",".join(
                _as_nodes_see(url.strip(), plan) for url in urls.split(",")
            )
    else:
        own = _with_nats(plan, identity, routes, listen)
    lines = [
        f"# {title}",
        "",
        *own,
        "",
        "# One store for all nodes: who holds its lock is active, the others are standby.",
        *_entry("streaming", {**streaming, "dir": store_dir}, SETTINGS.find("streaming"), 0),
    ]
    if nats := {name: value for name, value in plan.nats.items() if name != "cluster"}:
        lines += ["", "# Options of the NATS server.", *_entries(nats, NATS, 0)]
    return "\n".join(lines) + "\n"


def _with_nats(plan: GroupPlan, identity: Identity, routes: Sequence[str], listen: Listen) -> list[str]:
    """Return the options of a node with a NATS server inside."""
    own = {
        "server_name": identity.server_name,
        "listen": address(listen.host, listen.client),
        _monitor(plan): address(listen.host, listen.monitor),
        "client_advertise": identity.client_advertise,
    }
    login = plan.nats.get("cluster", {}).get("authorization", {})
    return [
        "# Where this node listens, and the address that it gives to clients.",
        *(f"{name}: {_scalar(value)}" for name, value in own.items()),
        "",
        "# Routes to every node; the cluster's name keeps nodes from first rejecting each other.",
        "cluster {",
        f"  name: {quote(plan.group)}",
        f"  host: {quote(listen.host)}",
        f"  port: {listen.cluster}",
        *_entry("routes", [_with_login(route, login) for route in routes], None, 1),
        f"  cluster_advertise: {_scalar(identity.cluster_advertise)}",
        f"  connect_retries: {CONNECT_RETRIES}",
        *(_entry("authorization", login, None, 1) if login else ()),
        *_route_tls(plan),
        "}",
    ]


def _with_login(route: str, login: Mapping[str, str]) -> str:
    """Return the URL of a route with the login there."""
    return route.replace("://", f"://{login['user']}:{login['password']}@", 1) if login else route


def _monitor(plan: GroupPlan) -> str:
    """Return the name of the option with the monitor's address."""
    return "https" if plan.monitor_tls else "http"


def _route_tls(plan: GroupPlan) -> Iterator[str]:
    """Yield TLS for routes: a secured group's nodes show each other the certificates that clients see.

    A certificate without an authority is its own.
    """
    tls = dict(plan.nats.get("cluster", {}).get("tls", {}))
    if plan.secure:
        tls |= {name: plan.nats["tls"][name] for name in ("cert_file", "key_file", "ca_file")}
        tls.setdefault("timeout", plan.nats["tls"]["timeout"])
    if tls:
        tls.setdefault("ca_file", tls.get("cert_file"))
        yield from _entry("tls", tls, NATS.at(("cluster", "tls")), 1)


def _without_nats(plan: GroupPlan, identity: Identity, listen: Listen) -> list[str]:
    """Return the options of a node that uses an external NATS server, and listens only for its monitor."""
    return [
        "# Where this node's monitor listens; clients and nodes meet at the NATS server named below.",
        f"server_name: {_scalar(identity.server_name)}",
        f"{_monitor(plan)}: {quote(address(listen.host, listen.monitor))}",
    ]


def _as_nodes_see(url: str, plan: GroupPlan) -> str:
    """Return the URL for the nodes: a container reaches this machine's loopback at the engine's gateway."""
    return _LOOPBACK_URL.sub(rf"\g<1>{HOST_GATEWAY}", url) if plan.engine == "docker" else url


def address(host: str, port: int) -> str:
    """Return `host:port`, with the brackets that an IPv6 address needs."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def quote(text: str) -> str:
    """Return the string literal that the server reads as `text`.

    Unprintable characters are written as bytes (`\\x1b`).
    Raises `SettingsError` for text that has no UTF-8 form.
    """
    if not is_unicode(text):
        raise SettingsError(
            ["a string that is not valid UTF-8 cannot be written in the server's configuration"]
        )
    return f'"{"".join(map(_escaped, text))}"'


def quote_key(key: str) -> str:
    """Return the name as the server reads it; raise `SettingsError` if unprintable or with both quotes."""
    if _BARE_KEY.fullmatch(key) and key.lower() != "include":
        return key
    if not spellable_key(key):
        raise SettingsError([f"{key!a} cannot be a name in the server's configuration"])
    return f"'{key}'" if '"' in key else f'"{key}"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if char.isprintable() else "".join(f"\\x{byte:02x}" for byte in char.encode())


def _entries(values: Mapping[str, Any], table: Table | None, depth: int) -> Iterator[str]:
    """Yield the lines of a table's options, in the table's order: equal settings give equal text."""
    for name in sorted(values, key=lambda name: (_rank(table, name), name)):
        yield from _entry(name, values[name], None if table is None else table.find(name), depth)


def _rank(table: Table | None, name: str) -> int:
    option = None if table is None else table.find(name)
    return 0 if table is None or option is None else table.options.index(option)


def _entry(name: str, value: Any, option: Option | None, depth: int) -> Iterator[str]:
    """Yield the lines of `name: value`; `option` says whether it is a size, and has a table's options."""
    margin, key = _INDENT * depth, quote_key(name)
    table = None if option is None else option.table
    if isinstance(value, Mapping):
        yield f"{margin}{key} {{"
        if option is not None and option.kind is Kind.MAP:
            for each in sorted(value):
                yield from _entry(each, value[each], Option(each, Kind.TABLE, "", table=table), depth + 1)
        else:
            yield from _entries(value, table, depth + 1)
        yield f"{margin}}}"
    elif isinstance(value, (list, tuple)):
        yield f"{margin}{key} ["
        for item in value:
            yield from _item(item, table, depth + 1)
        yield f"{margin}]"
    elif option is not None and option.kind is Kind.SIZE:
        yield f"{margin}{key}: {format_size(value)}"
    else:
        yield f"{margin}{key}: {_scalar(value)}"


def _item(item: Any, table: Table | None, depth: int) -> Iterator[str]:
    """Yield the lines of a list's element; a number that touched the list's `]` would become a string."""
    margin = _INDENT * depth
    if isinstance(item, Mapping):
        yield f"{margin}{{"
        yield from _entries(item, table, depth + 1)
        yield f"{margin}}}"
    elif isinstance(item, (list, tuple)):
        yield f"{margin}["
        for inner in item:
            yield from _item(inner, table, depth + 1)
        yield f"{margin}]"
    else:
        yield f"{margin}{_scalar(item)}"


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, Variable):
        return f"${value.name}"
    if isinstance(value, int) and abs(value) <= INT64_MAX:
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return _decimal(value)
    raise SettingsError([f"a {type(value).__name__} cannot be written in the server's configuration"])


def _decimal(value: float) -> str:
    """Return the number in the language's form: no exponent, digits on both sides of the point."""
    text = format(Decimal(repr(value)), "f")
    return text if "." in text else f"{text}.0"
