"""Writes docs/settings.md from the tables: `python -m stanlocal.settings.reference > docs/settings.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from stanlocal.settings.layer import Key, dotted
from stanlocal.settings.own import SETTINGS
from stanlocal.settings.presets import DEFAULTS, PRESETS
from stanlocal.settings.schema import Kind, Option, Table
from stanlocal.settings.values import format_duration, format_size

EXAMPLE = """\
group = "orders"
nodes = 3

[streaming]
cluster_id = "orders"
hb_interval = "10s"             # durations: ns, us, ms, s, m, h

[streaming.file_options]
slice_max_bytes = "128mb"       # sizes: k = 1000, kb = 1024, and so on for m, g, t

[streaming.store_limits]
max_age = "24h"

[streaming.store_limits.channels."audit.>"]
max_age = "0s"                  # kept for ever
max_bytes = "2gb"

[nats]
max_payload = "8mb"

[nats.authorization]
user = "app"                    # its password: STANLOCAL_NATS__AUTHORIZATION__PASSWORD
"""

_INTRODUCTION = """\
# Settings

Written by `python -m stanlocal.settings.reference`; do not edit.

A setting comes from the first of these that has it: a flag of the command line; the environment;
`stanlocal.toml`; the preset; what the group already has; the default. `stanlocal config show` says which it
was for each, `stanlocal config validate` reports every problem at once, and `stanlocal config render` prints
the `stan.conf` that comes of it.

* `stanlocal.toml` is found from the working directory upward, or named with `--config` (`STANLOCAL_CONFIG`).
* In the environment a setting is `STANLOCAL_` and its name in capitals, with two underscores between levels:
  `STANLOCAL_NODES=3`, `STANLOCAL_STREAMING__STORE_LIMITS__MAX_AGE=1h`. An empty value is as good as none.
* `STANLOCAL_FIRST_PORT=20000` has the search for free host ports begin there. Give each job its own where
  several run on one machine: a job does not see which ports another one's groups keep while they are down.
* **Secrets** have no flags. With `_FILE` added to its variable a secret is read from a file:
  `STANLOCAL_STREAMING__ENCRYPTION_KEY_FILE=/run/secrets/key`. They are hidden wherever settings are shown.
* What **makes something run**, sends logins elsewhere (`streaming.nats_server_url`) or names a folder
  (`store_dir`) counts from flags, the environment or a file named with `--config` only: a repository must not
  run code, or reach what is yours, by being the working directory.
* A `stanlocal.toml` that is found must be yours (under `sudo`: or of whoever ran it), as Git asks it of
  repositories; another user's is an error until it is named with `--config`.
* Paths are absolute, or relative to the folder of the file they are in (elsewhere: to the working directory),
  or start with `~/`.
* Sizes are bytes, or strings such as `"64kb"` (1024 each) and `"64k"` (1000 each); durations are strings such
  as `"250ms"` and `"1h30m"`.
* Names are the server's own; its other spellings, listed under "also", work too.
"""


def reference() -> str:
    """The document."""
    parts = [
        _INTRODUCTION,
        f"## Example\n\n```toml\n{EXAMPLE}```\n",
        *_section("The tool's own", (), SETTINGS, "At the top of `stanlocal.toml`."),
        _presets(),
        *_tables((), SETTINGS),
    ]
    return "\n".join(parts)


def _tables(at: Key, table: Table) -> Iterator[str]:
    for option in table.options:
        if option.table is not None:
            free = ("<name>",) if option.kind is Kind.MAP else ()
            key = (*at, option.name, *free)
            title = f"[[{dotted(key)}]]" if option.kind is Kind.TABLES else f"[{'.'.join(key)}]"
            yield from _section(f"`{title}`", key, option.table, option.doc)
            yield from _tables(key, option.table)


def _section(title: str, at: Key, table: Table, doc: str) -> Iterator[str]:
    settable = [option for option in table.options if not option.refused and option.table is None]
    refused = [option for option in table.options if option.refused]
    yield f"## {title}\n\n{doc}\n"
    if settable:
        rows = [_row((*at, option.name), option) for option in settable]
        yield "\n".join(["| setting | value | default | |", "| --- | --- | --- | --- |", *rows, ""])
    if refused:
        rows = [f"| {_names(option)} | {option.refused} |" for option in refused]
        yield "\n".join(["Not to be set here:\n", "| option | because |", "| --- | --- |", *rows, ""])


def _row(key: Key, option: Option) -> str:
    notes = [option.doc]
    if option.aliases:
        notes.append(f"Also: {', '.join(f'`{alias}`' for alias in option.aliases)}.")
    if option.secret:
        notes.append("**Secret.**")
    if option.executes:
        notes.append("**Makes something run.**")
    if option.reaches:
        notes.append("**Not from a file that was merely found.**")
    return f"| `{option.name}` | {_kind(option)} | {_default(key, option)} | {' '.join(notes)} |"


def _names(option: Option) -> str:
    return ", ".join(f"`{name}`" for name in option.names)


def _kind(option: Option) -> str:
    if option.kind is Kind.CHOICE:
        return " or ".join(f"`{choice}`" for choice in option.choices)
    spelled = {Kind.SIZE: format_size, Kind.DURATION: format_duration}.get(option.kind, str)
    least = "" if option.minimum is None else f", at least {spelled(option.minimum)}"
    most = "" if option.maximum is None else f", at most {spelled(option.maximum)}"
    return f"{option.kind.value}{least}{most}"


def _default(key: Key, option: Option) -> str:
    """Ours where we begin with another value than the server."""
    value: Any = DEFAULTS
    for part in key:
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None:
        return option.default
    ours = str(value).lower() if isinstance(value, bool) else str(value)
    return (
        ours
        if ours == option.default or not option.default
        else f"{ours} (the server's own: {option.default})"
    )


def _presets() -> str:
    rows = [
        f"| `{name}` | {', '.join(f'`{dotted(key)}` {value}' for key, value in _leaves(values))} |"
        for name, values in PRESETS.items()
    ]
    return "\n".join(["| preset | differs from the defaults by |", "| --- | --- |", *rows, ""])


def _leaves(values: Mapping[str, Any], at: Key = ()) -> Iterator[tuple[Key, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*at, name))
        else:
            yield (*at, name), value


if __name__ == "__main__":
    sys.stdout.write(reference())
