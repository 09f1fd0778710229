"""Spelling of values for the nats/stan chart, whose templates print most of them without quotes. Pure."""

from __future__ import annotations

import re

from stanlocal.render.stan_conf import quote, quote_key

LARGEST_NUMBER = 2**53
"""Largest number that the chart hands on exactly: to Helm every number is a float of 64 bits."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._-]*|(nats|tls)://[A-Za-z0-9][A-Za-z0-9._-]*(:[0-9]+)?")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*(\.[*>])?")
_NOT_STRINGS = frozenset({"true", "false", "yes", "no", "on", "off"})


def printed(text: str) -> str:
    """Return the chart value that the server reads as `text` once a template has printed it.

    The server's own quotes become part of the value wherever a bare word would be read as something else.
    """
    return text if _PLAIN.fullmatch(text) and text.lower() not in _NOT_STRINGS else quote(text)


def printed_key(name: str) -> str:
    """Return the name in the chart's values that the server reads as the name `name`."""
    return name if _PLAIN_KEY.fullmatch(name) and name.lower() != "include" else _always_quoted(name)


def _always_quoted(name: str) -> str:
    spelled = quote_key(name)
    return f'"{name}"' if spelled == name else spelled
