"""The base of all panes: the group's newest document, and commands that are copied to the clipboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.containers import Vertical
from textual.reactive import reactive
from textual.widget import Widget

from stanlocal.model.command_line import DEFAULT_GROUP, Command


class Pane(Vertical):
    """A part of the main screen about one group."""

    document: reactive[Mapping[str, Any] | None] = reactive(None)
    """The newest group document; None before the first."""

    @property
    def group_name(self) -> str:
        """The group's name, as far as it is known yet."""
        return self.document["group"] if self.document else DEFAULT_GROUP

    def command(self, words: Sequence[str]) -> Command:
        """Return the command line with these arguments for this group."""
        return Command(self.group_name, words)


def copy_command(widget: Widget, command: Command) -> None:
    """Copy the command to the clipboard, and say so."""
    widget.app.copy_to_clipboard(str(command))
    widget.notify(f"copied: {command}", markup=False)
