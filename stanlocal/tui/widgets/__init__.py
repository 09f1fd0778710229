"""Widgets: the parts of the screens, and the panes."""
