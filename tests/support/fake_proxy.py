"""A proxy that knows what it was told, and answers as toxiproxy's own command line does."""

from __future__ import annotations

from collections.abc import Sequence

from stanlocal.errors import EngineError
from stanlocal.model.plan import GroupPlan
from stanlocal.model.proxy_routes import ways


class FakeProxy:
    """That of one group, with the toxics on each way: their types by their names."""

    def __init__(self, plan: GroupPlan) -> None:
        self.toxics: dict[str, dict[str, str]] = {way.name: {} for way in ways(plan)}
        self.refuses: str | None = None
        """A way on which it adds nothing."""

    def tell(self, arguments: Sequence[str]) -> str:
        *words, way = arguments
        if way not in self.toxics or (words[:2] == ["toxic", "add"] and way == self.refuses):
            raise EngineError(f"the proxy refused '{' '.join(arguments)}'; see 'stanlocal doctor'")
        there = self.toxics[way]
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
        """The ways that something is done to."""
        return {way for way, toxics in self.toxics.items() if toxics}
