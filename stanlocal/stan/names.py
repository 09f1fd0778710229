"""Names that the server accepts, checked before anything is sent.

NATS silently drops a publish on a subject with an empty token, so that an unchecked `a..b` would
only show as a time-out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from stanlocal.stan.errors import InvalidName, NoConfiguredChannel

_ID = re.compile(r"[a-zA-Z0-9_-]+")
_FORBIDDEN_IN_CHANNEL = re.compile(r"[\s/*>\x00-\x1f\x7f]")
_FORBIDDEN_IN_SUBJECT = re.compile(r"[\s*>\x00-\x1f\x7f]")


def check_client_id(client_id: str) -> None:
    """Raise `InvalidName` unless the server accepts it: letters, digits, `-` and `_`, at least one."""
    if not _ID.fullmatch(client_id):
        raise InvalidName(f"invalid client id {client_id!r}: use letters, digits, '-' and '_' only")


def is_subject(text: str) -> bool:
    """Whether a message can be published to that subject: no wildcards, spaces or empty tokens."""
    return not (_FORBIDDEN_IN_SUBJECT.search(text) or "" in text.split("."))


def check_cluster_id(cluster_id: str) -> None:
    """Raise `InvalidName` unless the id can be part of a subject."""
    if not is_subject(cluster_id):
        raise InvalidName(
            f"invalid cluster id {cluster_id!r}: it must be non-empty, without spaces or wildcards"
        )


def check_channel(channel: str) -> None:
    """Raise `InvalidName` unless the server accepts it: no wildcards, spaces, `/` or empty tokens."""
    if not channel:
        raise InvalidName("invalid channel '': it must not be empty")
    if found := _FORBIDDEN_IN_CHANNEL.search(channel):
        raise InvalidName(
            f"invalid channel {channel!r}: {found.group()!r} is not allowed; "
            "STAN channels have no wildcards, spaces or '/'"
        )
    if "" in channel.split("."):
        raise InvalidName(f"invalid channel {channel!r}: a token between dots is empty")


def check_served(channel: str, served: Sequence[str] | None) -> None:
    """Raise `NoConfiguredChannel` unless one of the names of `served` matches; None: all are served."""
    if served is None or any(_matches(channel.split("."), name.split(".")) for name in served):
        return
    names = ", ".join(served) or "none"
    raise NoConfiguredChannel(
        f"channel {channel!r} is not in store_limits.channels ({names}), and with partitioning the server "
        "serves no other; name it there or use one of those; nothing was sent",
        "stan: no configured channel",
    )


def _matches(tokens: list[str], pattern: list[str]) -> bool:
    """Whether a channel matches a name that may have NATS's wildcards."""
    if pattern[-1] == ">":
        tokens, pattern = tokens[: len(pattern)], [*pattern[:-1], "*"]
    return len(tokens) == len(pattern) and all(
        own in (token, "*") for token, own in zip(tokens, pattern, strict=True)
    )


def check_durable(durable_name: str, queue_group: str) -> None:
    """Raise `InvalidName` for a durable queue group whose durable name has the server's separator."""
    if queue_group and ":" in durable_name:
        raise InvalidName(f"invalid durable name {durable_name!r}: ':' is not allowed with a queue group")
