"""The resolution of layers to `Settings`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from stanlocal.errors import SettingsError
from stanlocal.settings import rules
from stanlocal.settings.environment import SERVER_KEY, read_environment
from stanlocal.settings.file import check_owner, file_layer, find_file, trusted_owners
from stanlocal.settings.layer import Key, Layer, dotted, variable
from stanlocal.settings.paths import host_files
from stanlocal.settings.presets import DEFAULTS, PRESETS
from stanlocal.settings.protection import lowered
from stanlocal.settings.read import LayerReader
from stanlocal.settings.secrets import holds_hidden
from stanlocal.settings.tool_options import SETTINGS
from stanlocal.settings.unset import take_out_unset, within

_PRESET: Key = ("preset",)
_ENCRYPT: Key = ("streaming", "encrypt")
_KEY: Key = ("streaming", "encryption_key")
_AUTHORIZATION: Key = ("nats", "authorization")
_LOGINS = ("user", "token", "users")
"""Kinds of logins of the NATS server, of which there is one."""
_NATS_SERVER_URL: Key = ("streaming", "nats_server_url")
_ALL_LOGINS: frozenset[Key] = frozenset(
    {
        *((*_AUTHORIZATION, name) for name in ("password", *_LOGINS)),
        ("nats", "no_auth_user"),
        *(("streaming", name) for name in ("username", "password", "token", "nkey_seed_file")),
    }
)
"""Logins of the NATS server inside nodes, and that of the streaming server there."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective settings, with the origin of each."""

    group: str
    engine: Literal["auto", "docker", "process", "kubernetes"]
    nodes: int
    image: str
    server_binary: Path | None
    store_dir: Path | None
    """Folder of the store on the host; None: in the group's state folder."""
    store_size: int | None
    """Limit of the store in bytes; None: no limit but the disk."""
    proxied: bool
    """True if clients and routes go through a proxy."""
    secure: bool
    """True if the group has TLS and a login from a CA of its own."""
    kubeconfig: Path | None
    """Kubeconfig of the cluster; None: as kubectl finds it."""
    context: str | None
    """Context of the kubeconfig; None: its current one."""
    namespace: str | None
    """Namespace of the group on the cluster; None: the context's."""
    port: int | None
    """First client port on the host; None unless one was requested."""
    preset: str | None
    unset: tuple[str, ...] | None
    """Settings that count nowhere, by dotted name; None if there are none."""
    streaming: Mapping[str, Any] = field(repr=False)
    """Options of `streaming {}` under the server's names, those of `stanlocal.settings.streaming`."""
    nats: Mapping[str, Any] = field(repr=False)
    """Options of the NATS server under its names, those of `stanlocal.settings.nats`."""
    kubernetes: Mapping[str, Any]
    """Options for groups on a cluster, those of `stanlocal.settings.cluster`."""
    sources: Mapping[str, str]
    """Origin of each value, by dotted name: `{"streaming.store_limits.max_age": "preset seed"}`."""
    warnings: tuple[str, ...] = ()


def load(
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    config_file: Path | None,
    start_dir: Path,
    existing: Mapping[str, Any] | None = None,
    imported: Layer | None = None,
    *,
    keep_hidden: bool = False,
) -> Settings:
    """Load the effective settings; raises `SettingsError` with every problem of every layer.

    `flags` has the settings given on the command line (or as arguments), None for those not given.
    `config_file` is the file named by --config; without one, and without STANLOCAL_CONFIG, the nearest
    stanlocal.toml from `start_dir` upward counts, if it is the caller's own, but it cannot make anything run,
    send logins elsewhere or name a folder. `existing` has the values of an existing group; a secret hidden in
    it that nothing else sets is a problem, as without it the group would let in more than it did, unless
    `keep_hidden`: then the settings are only shown. `imported` has those of a deployment to be run locally
    (`stanlocal.imports`).
    """
    home = Path(environ["HOME"]) if environ.get("HOME") else None
    environment = read_environment(environ, start_dir, home)
    problems = environment.problems
    layers = [Layer("flag", _given(flags), base=start_dir, home=home), environment.layer]
    if imported is not None:
        layers.append(imported)
    if config_file is None and environ.get("STANLOCAL_CONFIG"):
        config_file = Path(environ["STANLOCAL_CONFIG"])
    named = config_file is not None
    path = start_dir / config_file if config_file is not None else find_file(start_dir)
    if path is not None:
        try:
            if not named:
                check_owner(path, trusted_owners(environ, os.geteuid()))
            layers.append(file_layer(path, home, named=named))
        except SettingsError as error:
            problems += error.problems
    if existing is not None:
        kept = existing if keep_hidden else _given(existing)
        layers.append(Layer("running", _set(kept), base=start_dir, home=home))
    return resolve(
        layers,
        problems=problems,
        warnings=environment.warnings,
        is_file=os.path.isfile,
        hidden=[] if keep_hidden else list(_hidden(existing or {})),
        server_key=environ.get(SERVER_KEY),
    )


def resolve(
    layers: Sequence[Layer],
    *,
    problems: Sequence[str] = (),
    warnings: Sequence[str] = (),
    is_file: Callable[[str], bool] = lambda path: True,
    hidden: Sequence[Key] = (),
    server_key: str | None = None,
) -> Settings:
    """Resolve `layers`, of which the first takes precedence, over the defaults.

    A preset takes precedence over the values of an existing group, and no other layer: requested again, it is
    applied again.

    Pure, except for `is_file`, which is called for the files that the servers will read. `problems` and
    `warnings` are those found before, `hidden` the secrets that the layer of an existing group lacks.
    `server_key` is the encryption key if messages are encrypted and no layer has one. Raises `SettingsError`
    if there is any problem.
    """
    found = list(problems)
    read = [_read(layer, found) for layer in layers]
    preset = next((values[_PRESET] for _, values in read if _PRESET in values), None)
    if preset is not None:
        above = [layer.origin for layer, _ in read if layer.origin != "running"]
        read.insert(len(above), _read(Layer("preset", PRESETS[preset], name=preset), found))
    read.append(_read(Layer("default", DEFAULTS), found))

    unset = take_out_unset(read, found)
    replaced = _drop_replaced_logins(read, hidden)
    hidden = [key for key in hidden if not (within(key, unset) or (replaced and within(key, _ALL_LOGINS)))]
    effective: dict[Key, Any] = {}
    sources: dict[str, str] = {}
    for layer, values in reversed(read):
        for key, value in values.items():
            effective[key] = value
            sources[dotted(key)] = layer.source(key)
    if unset:
        sources["unset"] = ", ".join(dict.fromkeys(unset.values()))
    encrypted = effective.get(_ENCRYPT) or _KEY in hidden
    if encrypted and _KEY not in effective and server_key:
        effective[_KEY], sources[dotted(_KEY)] = server_key, f"environment {SERVER_KEY}"
    found += [_is_missing(key) for key in hidden if not within(key, effective)]
    tree = _tree(effective)
    found += rules.broken(tree)
    found += _lowered_by_found(read, tree)
    files = host_files(tree["streaming"], tree["nats"])
    found += [f"{name} is {path}, which is no file" for name, path in files.items() if not is_file(path)]
    if found:
        raise SettingsError(found)
    return Settings(
        group=tree["group"],
        engine=tree["engine"],
        nodes=tree["nodes"],
        image=tree["image"],
        server_binary=_path(tree.get("server_binary")),
        store_dir=_path(tree.get("store_dir")),
        store_size=tree.get("store_size"),
        proxied=tree["proxied"],
        secure=tree["secure"],
        kubeconfig=_path(tree.get("kubeconfig")),
        context=tree.get("context"),
        namespace=tree.get("namespace"),
        port=tree.get("port"),
        preset=preset,
        unset=tuple(map(dotted, unset)) or None,
        streaming=tree["streaming"],
        nats=tree["nats"],
        kubernetes=tree["kubernetes"],
        sources=dict(sorted(sources.items())),
        warnings=(*warnings, *rules.surprising(tree)),
    )


def _read(layer: Layer, problems: list[str]) -> tuple[Layer, dict[Key, Any]]:
    reader = LayerReader(layer)
    values = reader.read(SETTINGS)
    problems += reader.problems
    return layer, values


def _drop_replaced_logins(read: Sequence[tuple[Layer, dict[Key, Any]]], hidden: Sequence[Key]) -> bool:
    """Drop the logins of an existing group if another layer sets some of another kind; return whether so."""
    wanted = {kind for layer, values in read if layer.origin != "running" for kind in _logins(values)}
    running = next((values for layer, values in read if layer.origin == "running"), {})
    had = _logins(running) | _logins(dict.fromkeys(hidden))
    if not wanted or not had or wanted & had or _NATS_SERVER_URL in running:
        return False
    for key in [key for key in running if within(key, _ALL_LOGINS)]:
        del running[key]
    return True


def _lowered_by_found(read: Sequence[tuple[Layer, dict[Key, Any]]], tree: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line if a file that was found takes protection away that all else asks for."""
    place = next((str(layer.file) for layer, _ in read if layer.found), None)
    if place is None:
        return
    rest = {
        key: value for layer, values in reversed(read) if not layer.found for key, value in values.items()
    }
    if lost := list(lowered(_tree(rest), tree)):
        yield (
            f"{place} would take protection from the group ({', '.join(lost)}), which a file that was found "
            "and not named cannot ask for; name the file with --config, or take that out of it"
        )


def _logins(values: Mapping[Key, Any]) -> set[str]:
    return {kind for kind in _LOGINS if (*_AUTHORIZATION, kind) in values}


def _is_missing(key: Key) -> str:
    """Say which secret of an existing group is missing, and where it is taken from."""
    option = SETTINGS.at(key)
    if option is not None and option.secret:
        how = f"set {variable(key)} or {variable(key)}_FILE"
    else:
        how = "set it in the configuration file"
    return f"the group has {dotted(key)}, which is neither kept here nor given; {how}"


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values without those that are None or hidden, at any depth of tables."""
    return {
        name: _given(value) if isinstance(value, Mapping) else value
        for name, value in _set(values).items()
        if isinstance(value, Mapping) or not holds_hidden(value)
    }


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values without those that are None."""
    return {name: value for name, value in values.items() if value is not None}


def _hidden(values: Mapping[str, Any], at: Key = ()) -> Iterator[Key]:
    """Yield the keys of hidden secrets."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _hidden(value, (*at, name))
        elif holds_hidden(value):
            yield (*at, name)


def _tree(values: Mapping[Key, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {"streaming": {}, "nats": {}, "kubernetes": {}}
    for key, value in values.items():
        *parents, last = key
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        if value == {}:
            branch.setdefault(last, {})
        else:
            branch[last] = value
    return tree


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
