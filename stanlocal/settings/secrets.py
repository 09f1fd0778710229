"""Removal of secrets from settings that are shown or stored."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from stanlocal.settings.schema import Table

HIDDEN = "********"
_URL_LOGIN = re.compile(r"(?<=[a-zA-Z0-9+.-])://(?P<login>[^/?#\s]*)@")
"""The login in a URL. The pattern begins behind the scheme: a search from each letter would be quadratic."""
_CRYPT = re.compile(r"\$2[abxy]?\$")


def redacted(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of any part of the settings with each secret replaced by `HIDDEN`.

    Secrets are the values of secret options under any of their names, at any depth; the passwords and
    tokens inside URLs; and bcrypt hashes. Hidden values stay as they are.
    """
    return {
        key: HIDDEN if key.lower() in _secret_names() and _is_content(value) else _scrubbed(value)
        for key, value in settings.items()
    }


def _is_content(value: object) -> bool:
    """Return whether the value is a secret, and not a table that merely has a secret's name."""
    return value is not None and not isinstance(value, Mapping)


def secrets_in(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of the settings that `redacted` hides, as a tree like them; lists stay whole."""
    return _hidden_part(settings, redacted(settings))


def _hidden_part(values: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            if below := _hidden_part(value, shown[name]):
                found[name] = below
        elif value != shown[name]:
            found[name] = value
    return found


def revealed(shown: Mapping[str, Any], secrets: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings that `redacted` has hidden with their secrets, as far as `secrets` has the same ones.

    A secret counts only where `redacted` would show it as it is shown: a list of other users stays hidden.
    """
    found: dict[str, Any] = {}
    for name, value in shown.items():
        secret = secrets.get(name)
        if isinstance(value, Mapping):
            found[name] = revealed(value, secret) if isinstance(secret, Mapping) else dict(value)
        elif secret is not None and holds_hidden(value) and redacted({name: secret})[name] == value:
            found[name] = secret
        else:
            found[name] = value
    return found


def holds_hidden(value: object) -> bool:
    """Return whether `redacted` has hidden something in `value`."""
    if isinstance(value, Mapping):
        return any(holds_hidden(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(holds_hidden(item) for item in value)
    return isinstance(value, str) and (value == HIDDEN or f"{HIDDEN}@" in value)


def _scrubbed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return redacted(value)
    if isinstance(value, (list, tuple)):
        return [_scrubbed(item) for item in value]
    if not isinstance(value, str):
        return value
    return HIDDEN if _CRYPT.match(value) else without_logins(value)


def without_logins(text: str) -> str:
    """Return a text with the passwords and tokens of the URLs in it hidden."""
    return _URL_LOGIN.sub(_without_login, text)


def _without_login(match: re.Match[str]) -> str:
    user, colon, _password = match["login"].partition(":")
    return f"://{user}:{HIDDEN}@" if colon else f"://{HIDDEN}@"


@cache
def _secret_names() -> frozenset[str]:
    from stanlocal.settings.tool_options import SETTINGS

    return frozenset(_names_of_secrets(SETTINGS))


def _names_of_secrets(table: Table) -> Iterator[str]:
    for option in table.options:
        if option.secret:
            yield from option.names
        if option.table is not None:
            yield from _names_of_secrets(option.table)
