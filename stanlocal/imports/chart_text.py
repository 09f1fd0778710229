"""Values that the nats/stan chart prints into its stan.conf without quotes, as the server reads them."""

from __future__ import annotations

from dataclasses import replace

from stanlocal.imports.import_result import Found
from stanlocal.natsconf import ConfError, Entry, Table, Value, parse


def rendered(entry: Entry, what: str, found: Found) -> Entry:
    """Return the entry with the value that the server reads once the chart has printed it.

    Text that the server cannot read there is noted as a problem, and stays as it is.
    """
    if not isinstance(entry.value, str):
        return entry
    value = _read(f"value: {entry.value}\n", "value")
    if value is None:
        found.problem(
            entry.place,
            f"{what}: the chart prints it without quotes, and the server cannot read that; "
            "put the server's quotes into the value: '\"…\"'",
        )
        return entry
    return replace(entry, value=value)


def rendered_names(table: Table) -> Table:
    """Return the table with the names that the server reads once the chart has printed them."""
    return {_name(name): entry for name, entry in table.items()}


def _name(text: str) -> str:
    try:
        names = list(parse(f"{text}: {{\n}}\n", ""))
    except ConfError:
        return text  # the check of channel names says what is wrong with it
    return names[0] if len(names) == 1 else text


def _read(text: str, name: str) -> Value | None:
    try:
        found = parse(text, "", missing_ok=True)
    except ConfError:
        return None
    return found[name].value if list(found) == [name] else None
