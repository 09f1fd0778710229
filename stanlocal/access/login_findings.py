"""Findings of `doctor` about the logins of a group. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stanlocal.access.login import NoLogin, User, access_of, users_of
from stanlocal.access.permissions import missing


def login_findings(streaming: Mapping[str, Any], nats: Mapping[str, Any]) -> tuple[bool, str]:
    """Return whether a client of NATS Streaming can log in and do its work, and a line that says as whom.

    Where none can, the line says what each user may not do. The settings have their secrets.
    """
    try:
        access = access_of(streaming, nats)
    except NoLogin as reason:
        return False, str(reason)
    if streaming.get("nats_server_url"):
        return True, f"at {'an external NATS server'} as the streaming server does"
    users = list(users_of(nats))
    if not users:
        return True, "by the one login that there is" if access.logs_in else "none is asked for"
    lines = list(_lacking(users, streaming))
    able = len(users) - len(lines)
    if able and not any(line.startswith(f"{access.user!r} ") for line in lines):
        who = access.user or ("the NKey's user" if access.nkey_seed else "no_auth_user")
        return True, f"stanlocal's own clients log in as {who}"
    return False, "; ".join(lines)


def _lacking(users: list[User], streaming: Mapping[str, Any]) -> Iterator[str]:
    """Yield what each user may not do that a client of NATS Streaming has to."""
    for user in users:
        lacks = missing(user.permissions, str(streaming["cluster_id"]), streaming.get("discover_prefix"))
        if lacks:
            yield f"{user.name or 'the user with an NKey'!r} may not {', '.join(lacks)}"
