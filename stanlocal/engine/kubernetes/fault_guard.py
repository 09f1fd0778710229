"""The guard before faults of groups that stanlocal did not make: an allowed context, and consent. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from stanlocal.errors import Refused

SETTING = "kubernetes.allow_faults"
_VARIABLE = "STANLOCAL_KUBERNETES__ALLOW_FAULTS"


@dataclass(frozen=True, slots=True)
class FaultGuard:
    """The caller's permission for faults of foreign groups; without any, all are refused."""

    allowed: Sequence[str] = ()
    """Patterns of contexts, from the setting `kubernetes.allow_faults`."""
    consents: bool = False
    """Whether the caller asks for the fault knowingly: on the command line with `--yes`."""

    def check(self, group: str, context: str, namespace: str) -> None:
        """Raise `Refused` unless faults may hit this group, which stanlocal did not make."""
        where = f"context '{context}', namespace '{namespace}'"
        if not any(fnmatchcase(context, pattern) for pattern in self.allowed):
            named = ", ".join(self.allowed) or "none"
            raise Refused(
                f"no fault may hit '{group}' ({where}): stanlocal did not make it, and the setting {SETTING} "
                f"({named}) does not allow the context; add it in a file named with --config, or in "
                f"{_VARIABLE}"
            )
        if not self.consents:
            raise Refused(
                f"stanlocal did not make '{group}' ({where}), so a fault of it needs '--yes'; {SETTING} "
                "allows the context"
            )
