"""Themes: dark, light and high contrast, and the styles of states.

States are always named in words too, so any theme of textual works.
"""

from __future__ import annotations

from textual.theme import Theme

THEMES = (
    Theme(
        name="stanlocal-dark",
        primary="#5fa8d3",
        secondary="#8b9bd4",
        accent="#f2b84b",
        success="#7bc47f",
        warning="#f0a35e",
        error="#f07178",
        foreground="#d8dee9",
        background="#14181f",
        surface="#1b2029",
        panel="#242b36",
        dark=True,
    ),
    Theme(
        name="stanlocal-light",
        primary="#1f6f9f",
        secondary="#4a5aa8",
        accent="#9a5b00",
        success="#1f7a33",
        warning="#a34f00",
        error="#b3261e",
        foreground="#1c2430",
        background="#fafafa",
        surface="#f0f2f5",
        panel="#e2e7ed",
        dark=False,
    ),
    Theme(
        name="stanlocal-contrast",
        primary="#00d7ff",
        secondary="#ffffff",
        accent="#ffff00",
        success="#00ff5f",
        warning="#ffd700",
        error="#ff5f5f",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1c1c1c",
        dark=True,
        luminosity_spread=0.3,
        text_alpha=1.0,
        variables={"text-muted": "#ffffff", "border": "#ffffff", "footer-key-foreground": "#ffff00"},
    ),
)
"""Themes of the interface; the first is the default."""

STATE_STYLES = {
    "active": "bold $text-success",
    "standby": "$text-primary",
    "recovering": "bold $text-warning",
    "starting": "bold $text-warning",
    "created": "$foreground 65%",
    "stopped": "$foreground 65%",
    "failed": "bold $text-error",
    "gone": "bold $text-error",
    "healthy": "bold $text-success",
    "degraded": "bold $text-warning",
    "failover": "bold $text-warning",
    "blocked": "bold $text-error",
    "split-brain": "bold reverse $text-error",
    "down": "bold $foreground 65%",
}
"""Styles of the states of nodes and groups."""
