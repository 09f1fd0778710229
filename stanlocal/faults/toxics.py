"""Toxics: toxiproxy's disturbances of connections through a group's proxy; adding and removing them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stanlocal.engine.base import Engine
from stanlocal.model.plan import GroupPlan
from stanlocal.model.proxy_routes import ProxyRoute
from stanlocal.util.tasks import together


@dataclass(frozen=True, slots=True)
class Toxic:
    """One toxic of toxiproxy, in its own terms."""

    type: str
    attributes: Mapping[str, int] = field(default_factory=dict)
    share: float = 1.0
    """Share of connections hit; drawn at random for each connection."""
    directions: tuple[str, ...] = ("upstream", "downstream")

    @property
    def toxicity(self) -> float:
        """Probability for each direction, for which toxiproxy draws separately; together they hit `share`."""
        return float(1 - (1 - self.share) ** (1 / len(self.directions)))


async def add_toxics(
    engine: Engine, plan: GroupPlan, routes: Iterable[ProxyRoute], toxics: Sequence[Toxic], mark: str
) -> None:
    """Add the toxics to the proxies, under names that begin with `mark`."""
    commands = [
        _add_command(route, toxic, direction, mark)
        for route in routes
        for toxic in toxics
        for direction in toxic.directions
    ]
    await together(*(engine.control_proxy(plan, command) for command in commands))


def _add_command(route: ProxyRoute, toxic: Toxic, direction: str, mark: str) -> Sequence[str]:
    name = f"{mark}-{toxic.type}-{direction}"
    values = (f"{key}={value}" for key, value in toxic.attributes.items())
    attributes = [part for value in values for part in ("--attribute", value)]
    how = ["--type", toxic.type, "--toxicName", name, f"--{direction}", "--toxicity", f"{toxic.toxicity:g}"]
    return ["toxic", "add", *how, *attributes, route.name]


async def remove_toxics(engine: Engine, plan: GroupPlan, routes: Iterable[ProxyRoute], mark: str) -> None:
    """Remove every toxic that `add_toxics` added under that mark."""
    await together(*(_remove(engine, plan, route, mark) for route in routes))


async def _remove(engine: Engine, plan: GroupPlan, route: ProxyRoute, mark: str) -> None:
    listed = await engine.control_proxy(plan, ["inspect", route.name])
    found = [name for line in listed.splitlines() if (name := line.partition("\t")[0]).startswith(mark)]
    for name in found:
        await engine.control_proxy(plan, ["toxic", "remove", "--toxicName", name, route.name])
