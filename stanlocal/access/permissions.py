"""Permissions of a NATS user, compared with what a client of NATS Streaming needs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Permissions = Mapping[str, Any]
"""The `permissions` of a user, as the server's configuration has them."""

_DISCOVER = "_STAN.discover"
_PUBLISH = ("_STAN.pub.*.>", "_STAN.sub.*", "_STAN.unsub.*", "_STAN.subclose.*", "_STAN.close.*", "_INBOX.>")
"""Subjects of the server's that a client publishes to: messages, requests, acks and answers to heartbeats."""
_SUBSCRIBE = ("_INBOX.>", "_STAN.acks.>")
_ALL = "_STAN.>"


def missing(
    permissions: Permissions | None, cluster_id: str, discover_prefix: str | None = None
) -> list[str]:
    """Return what a client of the cluster needs and the user may not: `publish _STAN.>`.

    Where no subject of NATS Streaming is allowed, one entry stands for all of them.
    """
    if permissions is None:
        return []
    discover = f"{discover_prefix or _DISCOVER}.{cluster_id}"
    wanted = {"publish": (discover, f"{discover}.pings", *_PUBLISH), "subscribe": _SUBSCRIBE}
    lacks: list[str] = []
    for verb, subjects in wanted.items():
        denied = [subject for subject in subjects if not _allows(permissions.get(verb), subject)]
        streaming = [subject for subject in subjects if not subject.startswith("_INBOX")]
        if all(subject in denied for subject in streaming):
            denied = [_ALL, *(subject for subject in denied if subject not in streaming)]
        lacks += [f"{verb} {subject}" for subject in denied]
    return lacks


def _allows(rule: Any, subject: str) -> bool:
    """Return whether a rule for one verb allows a subject, all that its wildcards stand for included."""
    if rule is None:
        return True
    if not isinstance(rule, Mapping):
        return any(covers(pattern, subject) for pattern in _patterns(rule))
    allow, deny = rule.get("allow"), rule.get("deny")
    allowed = allow is None or any(covers(pattern, subject) for pattern in _patterns(allow))
    return allowed and not any(overlap(pattern, subject) for pattern in _patterns(deny))


def _patterns(rule: Any) -> Iterator[str]:
    """Yield the subjects of a rule, without the queue group that may follow one."""
    for each in (rule,) if isinstance(rule, str) else rule or ():
        words = str(each).split()
        if words:
            yield words[0]


def covers(pattern: str, subject: str) -> bool:
    """Return whether `pattern` matches everything that `subject`, which may have wildcards too, matches."""
    wanted = subject.split(".")
    for index, token in enumerate(pattern.split(".")):
        if index >= len(wanted):
            return False
        if token == ">":
            return True
        if wanted[index] == ">" or (token not in ("*", wanted[index])):
            return False
    return len(pattern.split(".")) == len(wanted)


def overlap(one: str, other: str) -> bool:
    """Return whether some subject matches both patterns."""
    first, second = one.split("."), other.split(".")
    for left, right in zip(first, second, strict=False):
        if ">" in (left, right):
            return True
        if "*" not in (left, right) and left != right:
            return False
    return len(first) == len(second)
