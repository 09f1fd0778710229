"""The names that a plan gives, as the text of a file for `--names`. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

from stanlocal.migrate.branches import KEPT
from stanlocal.migrate.plan import MigrationPlan

_HEAD = """# Names of streams and consumers, for '--names' of 'stanlocal migrate plan', 'pack' and 'verify'.
# An empty name leaves a channel or a durable behind.
"""


def names_text(plan: MigrationPlan) -> str:
    """Return the TOML text, with every channel and durable of the store."""
    return _HEAD + "".join(f"{line}\n" for line in _lines(plan))


def _lines(plan: MigrationPlan) -> Iterator[str]:
    streams = [stream for stream in plan.streams if stream.part == KEPT]
    yield ""
    yield "[streams]"
    for stream in streams:
        yield f"{_quoted(stream.channel.name)} = {_quoted(stream.name)}"
    for name in plan.left_out:
        yield f'{_quoted(name)} = ""'
    for stream in streams:
        named = {consumer.durable.label: consumer.name for consumer in stream.consumers}
        if stream.channel.durables:
            yield ""
            yield f"[consumers.{_quoted(stream.channel.name)}]"
        for durable in stream.channel.durables:
            yield f"{_quoted(durable.label)} = {_quoted(named.get(durable.label, ''))}"


def _quoted(text: str) -> str:
    """Quote a basic string: JSON's escapes are TOML's, which also wants one for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
