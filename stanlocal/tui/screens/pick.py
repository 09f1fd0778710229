"""The dialog that lets the user choose from a list."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from stanlocal.tui.screens.dialog import Dialog


class PickScreen(Dialog[str]):
    """A list of choices; the result is the chosen name."""

    DEFAULT_CSS = """
    PickScreen OptionList, PickScreen OptionList:focus {
        border: none; height: auto; max-height: 18; padding: 0; background: $surface;
    }
    """

    def __init__(self, title: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        """Names, each with a description in one line."""

    def heading(self) -> str:
        return self._title

    def hint(self) -> str:
        return "up, down and enter choose, esc leaves it"

    def content(self) -> list[Widget]:
        options = [
            Option(Content.assemble((name, "bold"), f"\n  {what}"), id=name) for name, what in self._choices
        ]
        return [OptionList(*options)]

    def on_mount(self) -> None:
        choices = self.query_one(OptionList)
        choices.highlighted = 0
        choices.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)
