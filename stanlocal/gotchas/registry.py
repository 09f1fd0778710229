"""The registry of gotchas."""

from __future__ import annotations

from stanlocal.gotchas.base import Gotcha
from stanlocal.gotchas.certificates import EXPIRED_CERTIFICATE
from stanlocal.gotchas.clients import CLIENT_REPLACED, CONNECT_TIMEOUT
from stanlocal.gotchas.locks import ALL_STANDBY, NOT_SHARED, TWO_ACTIVES, WHO_IS_ACTIVE
from stanlocal.gotchas.stores import (
    GROUP_NAME_MISSING,
    OTHER_CLUSTER_ID,
    SLOW_RECOVERY,
    UNEXPECTED_EOF,
)

GOTCHAS: dict[str, Gotcha] = {
    gotcha.name: gotcha
    for gotcha in (
        TWO_ACTIVES,
        ALL_STANDBY,
        SLOW_RECOVERY,
        CONNECT_TIMEOUT,
        GROUP_NAME_MISSING,
        OTHER_CLUSTER_ID,
        NOT_SHARED,
        WHO_IS_ACTIVE,
        CLIENT_REPLACED,
        UNEXPECTED_EOF,
        EXPIRED_CERTIFICATE,
    )
}
"""Gotchas by name, in the order in which users meet them."""
