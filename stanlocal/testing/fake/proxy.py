"""`FakeProxy`: a toxiproxy in memory, driven by the arguments of toxiproxy's own command line."""

from __future__ import annotations

from collections.abc import Sequence

from stanlocal.errors import EngineError
from stanlocal.model.plan import GroupPlan
from stanlocal.model.proxy_routes import proxied_routes


class FakeProxy:
    """The proxy of one group; `toxics` has, for each route, the toxics' types by name."""

    def __init__(self, plan: GroupPlan) -> None:
        self.toxics: dict[str, dict[str, str]] = {route.name: {} for route in proxied_routes(plan)}
        self.refuses: str | None = None
        """Name of the route on which adding a toxic fails."""

    def run(self, arguments: Sequence[str]) -> str:
        """Run one command of toxiproxy-cli and return its output."""
        *words, route = arguments
        if route not in self.toxics or (words[:2] == ["toxic", "add"] and route == self.refuses):
            raise EngineError(f"the proxy refused '{' '.join(arguments)}'; see 'stanlocal doctor'")
        there = self.toxics[route]
        if words == ["inspect"]:
            return "\n".join(f"{name}\ttype={kind}" for name, kind in there.items())
        name = words[words.index("--toxicName") + 1]
        if words[:2] == ["toxic", "add"]:
            there[name] = words[words.index("--type") + 1]
        else:
            del there[name]
        return ""

    @property
    def poisoned(self) -> set[str]:
        """Names of the routes that have a toxic."""
        return {route for route, toxics in self.toxics.items() if toxics}
