"""Parts of lines for people: texts, some of them with a style. Pure."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Styled(NamedTuple):
    """A part of a line with its style in rich's terms, such as `bold red`."""

    text: str
    style: str

    def __str__(self) -> str:
        return self.text


Part: TypeAlias = object
"""A `Styled`, or any object, shown as its `str`."""
