"""Words that other tools have for what stanlocal does, each with stanlocal's command. Pure.

The command line suggests the command, and the terminal interface's palette finds it.
"""

from __future__ import annotations

from collections.abc import Mapping

SYNONYMS: Mapping[str, str] = {
    "crash": "kill",
    "delete": "down --purge",
    "destroy": "down --purge",
    "disconnect": "isolate",
    "freeze": "pause",
    "history": "events",
    "inspect": "status",
    "learn": "tour",
    "log": "logs",
    "ls": "list",
    "man": "help",
    "ps": "status",
    "publish": "pub",
    "purge": "down --purge",
    "recover": "heal",
    "remove": "down",
    "repair": "heal",
    "resume": "unpause",
    "rm": "down",
    "subscribe": "sub",
    "tail": "logs -f",
    "thaw": "unpause",
    "timeline": "events",
    "top": "tui",
    "tutorial": "tour",
    "undo": "heal",
    "unfreeze": "unpause",
    "watch": "status --watch",
}
"""Commands, some with an option, by the words for them."""
