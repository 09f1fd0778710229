"""A rehearsal as one HTML file that has no script and loads nothing."""

from __future__ import annotations

from pathlib import Path

from stanlocal.migrate.rehearsal import Rehearsal
from stanlocal.util.html_page import html_page

_TEMPLATE = Path(__file__).with_name("rehearsal.html.jinja")


def page(rehearsal: Rehearsal) -> str:
    """Return the report as an HTML page. Whatever a store holds is shown as text."""
    return html_page(_TEMPLATE, document=rehearsal.document())
