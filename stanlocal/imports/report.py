"""The report on an import, in few lines: each change, then what was left out, one line for each reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stanlocal.imports.import_result import Finding

_SHOWN = 5
"""Number of values that a line about one reason names."""


def lines(findings: Iterable[Finding], file: str = "") -> Iterator[str]:
    """Yield a line for each changed value, and one for each reason why values are left out.

    Places in `file` are shown by their line only.
    """
    left_out: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.how == "changed":
            yield _line(finding, file)
        else:
            left_out.setdefault(finding.why, []).append(finding)
    for why, values in left_out.items():
        yield _line(values[0], file) if len(values) == 1 else f"left out: {_listed(values, file)}: {why}"


def _line(finding: Finding, file: str) -> str:
    if finding.place.file != file:
        return str(finding)
    return f"line {finding.place.line}: {finding.what} {finding.how}: {finding.why}"


def _listed(values: list[Finding], file: str) -> str:
    """Return the values of one reason, each with its line; the file is named where it is another."""
    shown: list[str] = []
    for each in values[:_SHOWN]:
        at = f"line {each.place.line}" if each.place.file == file else f"{each.place.file}:{each.place.line}"
        shown.append(f"{each.what} ({at})")
        file = each.place.file
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
