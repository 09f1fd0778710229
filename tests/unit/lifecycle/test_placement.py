"""Placement of a group: facts about the engine, existing nodes, and refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stanlocal.errors import SettingsError
from stanlocal.lifecycle.placement import placement_notes, settle
from stanlocal.model.placement import Placement
from stanlocal.settings import Settings, resolve
from stanlocal.settings.layer import Layer
from tests.unit.model.test_placement import planned

SHARED = Placement()
APART = Placement(host="docker", publish="172.18.0.3", in_volumes=True)
STORE = Path("/state/stan/store")


def _settings(**given: Any) -> Settings:
    return resolve([Layer("flag", given)])


def test_a_new_group_is_housed_as_was_found() -> None:
    assert settle(SHARED, _settings(store_dir="/mine"), None, STORE) is SHARED
    assert settle(APART, _settings(), None, STORE) is APART
    assert settle(APART, _settings(store_dir=str(STORE)), None, STORE) is APART


def test_a_group_in_volumes_stays_there() -> None:
    before = replace(planned(SHARED), in_volumes=True)
    assert settle(SHARED, _settings(), before, STORE) == replace(SHARED, in_volumes=True)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"store_dir": "/mine"}, "store_dir names /mine, which the engine does not see"),
        (
            {"streaming": {"file_options": {"slice_archive_script": "/s"}}},
            "streaming.file_options.slice_archive_script names /s, which the engine",
        ),
    ],
)
def test_files_that_the_engine_would_have_to_see_are_refused(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settle(APART, _settings(**given), None, STORE)
    (said,) = refused.value.problems
    assert said.startswith(problem)
    settle(SHARED, _settings(**given), None, STORE)


def test_files_that_the_nodes_get_copies_of_need_not_be_seen() -> None:
    settle(APART, _settings(nats={"tls": {"cert_file": "/c.pem", "key_file": "/k.pem"}}), None, STORE)


def test_a_store_in_a_folder_is_not_left_behind_for_an_empty_volume() -> None:
    with pytest.raises(SettingsError, match=r"the folder \S+, .*; bring the group up from where"):
        settle(APART, _settings(), planned(SHARED), STORE)


def test_only_unusual_placement_is_noted() -> None:
    assert placement_notes(SHARED, "g") == []
    ports, store = placement_notes(APART, "g")
    assert ports == "clients reach the group at docker (published on 172.18.0.3), as a trial has shown"
    assert store.startswith("the store is the volume g-store")
    assert placement_notes(replace(APART, host="10.0.0.1", publish="10.0.0.1", in_volumes=False), "g") == [
        "clients reach the group at 10.0.0.1, as a trial has shown"
    ]
