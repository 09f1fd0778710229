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
    found: list[tuple[Secret, Any]] = []
    tree = {"streaming": plan.streaming, "nats": plan.nats}
    clean = _clean(tree, redacted(tree), (), found)
    secrets = tuple(secret for secret, _ in found)
    return replace(plan, streaming=clean["streaming"], nats=clean["nats"]), secrets


def secret_values(plan: GroupPlan) -> dict[str, str]:
    """Return the secrets themselves, by the variable that stands for each."""
    found: list[tuple[Secret, Any]] = []
    tree = {"streaming": plan.streaming, "nats": plan.nats}
    _clean(tree, redacted(tree), (), found)
    return {secret.variable: str(value) for secret, value in found}


def _clean(value: Any, shown: Any, at: Key, found: list[tuple[Secret, Any]]) -> Any:
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
    found.append((Secret(dotted(at), name), value))
    return Variable(name)
