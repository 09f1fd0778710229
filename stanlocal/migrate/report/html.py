"""A rehearsal as one HTML file that has no script and loads nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stanlocal.migrate.rehearsal import Rehearsal
from stanlocal.util.printable import printable

_TEMPLATE = "rehearsal.html.jinja"


def page(rehearsal: Rehearsal) -> str:
    """Return the report as an HTML page. Whatever a store holds is shown as text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_escaped,
    )
    return environment.get_template(_TEMPLATE).render(document=rehearsal.document())


def _escaped(value: Any) -> Any:
    return printable(value, keep="\n\t") if type(value) is str else value
