"""The nats/stan chart's printing of a value, and the server's reading of what is printed.

Helm reads every number of a values file as a floating-point one, and prints it as Go does: a million is
`1e+06`, which is no number to the server.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from stanlocal.imports.import_result import Found
from stanlocal.natsconf import ConfError, Entry, Value, parse
from stanlocal.settings.schema import Kind

_SMALLEST, _LARGEST = -4, 6
"""Powers of ten between which Go prints a number without an exponent: 123456 has one less than 1234567."""


def is_printed(value: Value) -> bool:
    """Return whether `{{ with }}` and `{{ if }}` of a template hold for the value."""
    return bool(value)


def printed(value: Value) -> str:
    """Return the text that a template prints of a word, number or truth value."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return _number(float(value))
    return str(value)


def _number(number: float) -> str:
    """Spell a number as Go's `%v` does: with an exponent below 1e-4 and from a million on."""
    shortest = repr(number)
    power = Decimal(shortest).adjusted()
    if _SMALLEST <= power < _LARGEST:
        return shortest.removesuffix(".0")
    digits = shortest.lstrip("-").partition("e")[0].replace(".", "").strip("0")
    point = f".{digits[1:]}" if len(digits) > 1 else ""
    sign = "-" if number < 0 else ""
    return f"{sign}{digits[0]}{point}e{power:+03}"


def read(text: str) -> Value | None:
    """Return what the server reads where the text stands without quotes; None if it cannot."""
    try:
        found = parse(f"value: {text}\n", "", missing_ok=True)
    except ConfError:
        return None
    return found["value"].value if list(found) == ["value"] else None


def read_name(text: str) -> str:
    """Return the name that the server reads where the chart prints it without quotes."""
    try:
        names = list(parse(f"{text}: {{\n}}\n", ""))
    except ConfError:
        return text  # the check of channel names says what is wrong with it
    return names[0] if len(names) == 1 else text


def rendered(entry: Entry, what: str, found: Found) -> Entry:
    """Return the entry with the value that the server reads once the chart has printed it.

    Text that the server cannot read there is noted as a problem, and stays as it is.
    """
    if not isinstance(entry.value, str):
        return entry
    value = read(entry.value)
    if value is not None:
        return replace(entry, value=value)
    why = "the chart prints it without quotes, and the server cannot read that"
    found.problem(entry.place, f"{what}: {why}; put the server's quotes into the value: '\"…\"'")
    return entry


def fits(kind: Kind, value: Value | None) -> bool:
    """Return whether the server takes the value for an option of this kind."""
    match kind:
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.INTEGER | Kind.SIZE:
            return isinstance(value, int) and not isinstance(value, bool)
        case _:
            return isinstance(value, str)
