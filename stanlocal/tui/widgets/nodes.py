"""The group's nodes, and which of them keys act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget


class Nodes(Widget):
    """A card for each node."""

    document: reactive[Mapping[str, Any] | None] = reactive(None, layout=True)

    def render(self) -> Content:
        nodes = self.document["nodes"] if self.document else []
        return Content("\n").join(Content(f"{node['name']} {node['state']}") for node in nodes)
