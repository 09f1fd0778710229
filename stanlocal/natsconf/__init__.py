"""A parser of NATS's configuration format, as the conf package of nats-server 2.9.24 reads it.

`parse` makes a tree of a text, in which every value knows its file, line and column. Where the server
reads something by accident (a number glued to a bracket becomes a string, an unknown unit swallows its
key) the text is refused. Input may be hostile: sizes, nesting and includes are bounded.
"""

from __future__ import annotations

from stanlocal.natsconf.parse import Limits, parse
from stanlocal.natsconf.tree import ConfError, Entry, Missing, Place, Table, Value, plain

__all__ = ["ConfError", "Entry", "Limits", "Missing", "Place", "Table", "Value", "parse", "plain"]
