"""Settings without secrets, to be exported: each secret becomes a variable of the server's environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from stanlocal.model.plan import GroupPlan
from stanlocal.render.stan_conf import Variable
from stanlocal.settings import redacted
from stanlocal.settings.layer import Key, dotted
from stanlocal.settings.secrets import holds_hidden


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that was left out of an export."""

    setting: str
    """Dotted name of the setting."""
    variable: str
    """Variable of the environment that the server takes it from."""


def without_secrets(plan: GroupPlan) -> tuple[GroupPlan, tuple[Secret, ...]]:
    """Return the plan with a `Variable` for each secret, and the secrets."""
    found: list[Secret] = []
    tree = {"streaming": plan.streaming, "nats": plan.nats}
    clean = _clean(tree, redacted(tree), (), found)
    return replace(plan, streaming=clean["streaming"], nats=clean["nats"]), tuple(found)


def _clean(value: Any, shown: Any, at: Key, found: list[Secret]) -> Any:
    """Return `value` with each string that is hidden in `shown` replaced by a variable, at any depth."""
    if isinstance(value, Mapping):
        return {name: _clean(item, shown[name], (*at, name), found) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        pairs = enumerate(zip(value, shown, strict=True))
        return [_clean(item, other, (*at, str(index)), found) for index, (item, other) in pairs]
    if value == shown and not holds_hidden(value):
        return value
    words = "_".join(at).upper()
    name = "".join(char if char.isascii() and char.isalnum() else "_" for char in words)
    found.append(Secret(dotted(at), name))
    return Variable(name)
