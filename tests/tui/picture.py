"""The picture in docs/tui.md: `python -m tests.tui.picture` updates it.

It shows a failover that has happened on real servers (tests/unit/history/recorded_groups/kill).
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path
from unittest.mock import patch

from stanlocal.model.states import GroupState
from tests.tui.telling import StoryFeed, all_there, story_app

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "tui.svg"
_SIZE = (120, 26)
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Fonts from other sites, which a picture in a page may not load."""


class AfterKill(StoryFeed):
    """Before the killed node is started again."""

    until = GroupState.DEGRADED
    at_first = True


def take() -> str:
    """The picture, as SVG."""
    with patch.dict(os.environ, TZ="UTC"), patch("stanlocal.tui.screens.main.Feed", AfterKill):
        time.tzset()
        try:
            return asyncio.run(_take())
        finally:
            time.tzset()


async def _take() -> str:
    app = story_app()
    async with app.run_test(size=_SIZE) as pilot:
        await all_there(pilot)
        return _FONT.sub("", app.export_screenshot(title="stanlocal tui"))


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(take())
