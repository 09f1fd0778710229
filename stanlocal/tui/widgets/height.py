"""Heights of widgets: whether new content needs a layout of the screen, which takes longer than drawing."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget


def is_as_tall(widget: Widget, content: Content) -> bool:
    """Whether the content takes exactly the height that the widget has; a widget without a size is never."""
    width, height = widget.size
    return width > 0 and max(content.get_height({}, width), _least(widget)) == height


def _least(widget: Widget) -> int:
    """Return the height that the widget's content has at least."""
    least = widget.styles.min_height
    return int(least.value) - widget.gutter.height if least is not None else 0
