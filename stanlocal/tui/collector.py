"""When Python's garbage collector looks at everything: while it does, nothing moves on the screen."""

from __future__ import annotations

import gc

_FULL_AFTER = 200
"""Collections of the middle generation; usually 10. Lines and messages live just long enough to be taken for
something that stays: with thousands a second it would look at everything every 3 s, for 0.2 s."""


def collect_seldom() -> None:
    """Has it leave out what is there now, modules above all, and look at all the rest less often.

    For the whole process; to be called when what stays is loaded.
    """
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _FULL_AFTER)
    gc.freeze()
