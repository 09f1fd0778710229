"""Checks of Kubernetes names, namespaces and quantities; each raises `SettingsError`."""

from __future__ import annotations

import re

from stanlocal.errors import SettingsError

LONGEST_NAME = 52
"""Length of the longest name: Kubernetes adds eleven characters to it for a label of 63."""
_LONGEST_LABEL = 63

_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(rf"{_LABEL.pattern}(\.{_LABEL.pattern})*")
_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_OF_THE_SERVER = re.compile(r"([0-9]+) *([kmgtpe])i?b?", re.IGNORECASE)


def name(text: str, what: str) -> str:
    """Return `text` if it is a name for a Service (RFC 1035) and a StatefulSet."""
    another = "choose another with --name"
    if not _NAME.fullmatch(text):
        rule = "use a-z, 0-9 and '-', beginning with a letter"
        raise SettingsError([f"{what} {text!r} is refused by Kubernetes: {rule}; {another}"])
    if len(text) > LONGEST_NAME:
        rule = f"{len(text)} characters, {LONGEST_NAME} at most"
        raise SettingsError([f"{what} {text!r} is too long for Kubernetes: {rule}; {another}"])
    return text


def namespace(text: str) -> str:
    """Return `text` if it is a name for a namespace (RFC 1123)."""
    if not _LABEL.fullmatch(text) or len(text) > _LONGEST_LABEL:
        raise SettingsError(
            [f"namespace {text!r} is refused by Kubernetes: use a-z, 0-9 and '-', {_LONGEST_LABEL} at most"]
        )
    return text


def object_name(text: str, what: str) -> str:
    """Return `text` if it is a name for a claim or a class."""
    if not _SUBDOMAIN.fullmatch(text) or len(text) > 253:
        raise SettingsError(
            [f"{what} {text!r} is refused by Kubernetes: use a-z, 0-9, '-' and '.', 253 characters at most"]
        )
    return text


def quantity(text: str, what: str) -> str:
    """Return `text` if it is an amount of CPU, memory or storage: `250m`, `512Mi`, `100Gi`."""
    if _QUANTITY.fullmatch(text):
        return text
    found = _OF_THE_SERVER.fullmatch(text)
    unit = "Ki" if found and found[2].lower() == "k" else found[2].upper() + "i" if found else ""
    meant = f"; write {found[1]}{unit}" if found else ""
    raise SettingsError([f"{what} {text!r} is no quantity of Kubernetes such as 250m, 512Mi or 100Gi{meant}"])
