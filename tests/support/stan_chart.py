"""A small renderer of the nats/stan chart 0.13: the stan.conf in its ConfigMap, from values.

Helm reads values as JSON, so that every number is a float, and its templates print values without quotes
unless they say so. Only what `export helm` uses is rendered; the rest of the file is the chart's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_TLS = {
    "client_cert": "/etc/nats/certs/tls.crt",
    "client_key": "/etc/nats/certs/tls.key",
    "client_ca": "/etc/nats/certs/ca.crt",
    "timeout": 3,
}


def stan_conf(values: Mapping[str, Any], given: Mapping[str, str] | None = None) -> str:
    """The stan.conf of a release; `given` are values of `helm --set-file`, by their paths."""
    stan, store = values["stan"], values["store"]
    file_options = store["file"]["options"]
    lines = [
        "streaming {",
        f"  ns: {_go(stan['nats']['url'])}",
        f"  id: {_go(stan['clusterID'])}",
        *(["  sd: true"] if stan["logging"]["debug"] else []),
        *(["  sv: true"] if stan["logging"]["trace"] else []),
        *_login(stan, given or {}),
        f"  ft_group_name: {_go(store['ft']['group'])}",
        '  store: "file"',
        f"  dir: {_go(store['file']['path'])}",
        *([f"  file_options: {_json(file_options)}"] if file_options else []),
        f"  partitioning: {_go(store.get('partitioning', {'enabled': False})['enabled'])}",
        *_limits(store["limits"]),
        "}",
        "http: 8222",
        "server_name: $POD_NAME",
    ]
    return "\n".join(lines) + "\n"


def _login(stan: Mapping[str, Any], given: Mapping[str, str]) -> Iterator[str]:
    if "credentials" in stan:
        yield f'  credentials: "/etc/stan-creds/{stan["credentials"]["secret"]["key"]}"'
    auth = dict(stan.get("auth", {}))
    auth |= {path.rpartition(".")[2]: text for path, text in given.items()}
    if auth.get("enabled"):
        if auth.get("username") and auth.get("password"):
            yield f"  username: {_go(auth['username'])}"
            yield f"  password: {_go(auth['password'])}"
        if auth.get("token"):
            yield f"  token: {_go(auth['token'])}"
        if auth.get("nkeySeedFile"):
            yield '  nkey_seed_file: "/etc/nkey-seed-file"'
    tls = stan.get("tls", {})
    if tls.get("enabled") and tls.get("secretName"):
        merged = {**_TLS, **tls["settings"]}
        yield f"  tls: {json.dumps({name: value for name, value in merged.items() if value is not None})}"


def _limits(limits: Mapping[str, Any]) -> Iterator[str]:
    if not limits:
        return
    yield "  store_limits: {"
    yield from _each_limit(limits, ("max_channels", "max_msgs", "max_subs"))
    if limits.get("channels"):
        yield "    channels {"
        for name in sorted(limits["channels"]):
            yield f"      {name}: {{"
            yield from _each_limit(limits["channels"][name] or {}, ("max_msgs", "max_subs"))
            yield "      }"
        yield "    }"
    yield "  }"


def _each_limit(limits: Mapping[str, Any], numbers: tuple[str, ...]) -> Iterator[str]:
    for name in numbers:
        if type(limits.get(name)) in (int, float):
            yield f"      {name}: {int(float(limits[name]))}"
    if limits.get("max_bytes"):
        yield f"      max_bytes: {_go(limits['max_bytes'])}"
    for name in ("max_age", "max_inactivity"):
        if limits.get(name):
            yield f"      {name}: {json.dumps(_go(limits[name]), ensure_ascii=False)}"


def _go(value: object) -> str:
    """The value as a template of Go prints it: a number of a million or more gets an exponent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        short = repr(float(value)).replace("e+", "e").partition("e")[0].removesuffix(".0")
        return short if abs(value) < 1e6 else _with_exponent(float(value))
    return "<nil>" if value is None else str(value)


def _with_exponent(value: float) -> str:
    return next(text for places in range(17) if float(text := f"{value:.{places}e}") == value)


def _json(value: Mapping[str, Any]) -> str:
    """The value as `toPrettyJson` has it: Go escapes what is special in HTML."""
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text
