"""Widgets: the parts of the screens."""
