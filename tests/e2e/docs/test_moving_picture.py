"""The story of the moving picture, played on real servers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.scripts import load_script

script = load_script("moving-picture")


@pytest.mark.server
async def test_the_story_is_shown_as_it_happens(
    server_binary: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The moment without a serving node may be too short to be seen."""
    monkeypatch.setenv("STANLOCAL_SERVER_BINARY", str(server_binary))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(script, "_LONGEST_S", 60)
    healthy, asked, _, taken_over, phases, again = script.STORY
    story = [replace(moment, settles=0) for moment in (healthy, asked, replace(taken_over, keys=("k",)))]
    frames = await script.play([*story, phases, replace(again, settles=0)])
    first, question, *later = [script.text_of(frame.picture) for frame in frames]
    assert "stan-0 is active" in first
    assert "kill stan-0?" in question
    assert [("stan-0 is active" in text, "stan-1 is active" in text) for text in later] == [(False, True)] * 3
