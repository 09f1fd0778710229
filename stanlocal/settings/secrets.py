"""Hides secrets, wherever settings are shown or stored."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from stanlocal.settings.schema import Table

HIDDEN = "********"
_URL_LOGIN = re.compile(r"(?<=[a-zA-Z0-9+.-])://(?P<login>[^/?#\s]*)@")
"""Begins behind the scheme: looking for one from each letter on takes for ever in a long word."""
_CRYPT = re.compile(r"\$2[abxy]?\$")


def redacted(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of any part of the settings with each secret replaced by `HIDDEN`.

    Secrets are the values of secret options under any of their names, at any depth; the passwords and
    tokens inside URLs; and bcrypt hashes. What is hidden already stays as it is.
    """
    return {
        key: HIDDEN if key.lower() in _secret_names() and _is_content(value) else _scrubbed(value)
        for key, value in settings.items()
    }


def _is_content(value: object) -> bool:
    """Whether the value is what a secret's name says, and not what merely bears it, as an account may."""
    return value is not None and not isinstance(value, Mapping)


def holds_hidden(value: object) -> bool:
    """Whether `value` went through `redacted` and lost something."""
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
    return HIDDEN if _CRYPT.match(value) else _URL_LOGIN.sub(_without_login, value)


def _without_login(match: re.Match[str]) -> str:
    user, colon, _password = match["login"].partition(":")
    return f"://{user}:{HIDDEN}@" if colon else f"://{HIDDEN}@"


@cache
def _secret_names() -> frozenset[str]:
    from stanlocal.settings.own import SETTINGS

    return frozenset(_names_of_secrets(SETTINGS))


def _names_of_secrets(table: Table) -> Iterator[str]:
    for option in table.options:
        if option.secret:
            yield from option.names
        if option.table is not None:
            yield from _names_of_secrets(option.table)
