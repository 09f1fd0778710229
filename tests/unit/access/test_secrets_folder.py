"""The folder of a group's secrets."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from stanlocal.access.secrets_folder import SecretsFolder
from stanlocal.errors import StateError
from stanlocal.settings import HIDDEN, redacted

SETTINGS: dict[str, Any] = {
    "streaming": {
        "cluster_id": "c",
        "username": "stan",
        "password": "p1",
        "nats_server_url": "nats://u:p2@host:4222",
    },
    "nats": {
        "max_payload": 5,
        "authorization": {"users": [{"user": "stan", "password": "p1"}, {"user": "b", "password": "p3"}]},
        "accounts": {"A": {"users": [{"user": "x", "password": "p4"}]}},
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> SecretsFolder:
    return SecretsFolder(tmp_path / "g" / "secrets")


def test_hidden_settings_are_revealed_by_what_is_kept(folder: SecretsFolder) -> None:
    folder.save(SETTINGS["streaming"], SETTINGS["nats"])
    assert folder.revealed(redacted(SETTINGS)) == SETTINGS


def test_only_secrets_are_kept_and_only_the_caller_reads_them(folder: SecretsFolder) -> None:
    folder.save(SETTINGS["streaming"], SETTINGS["nats"])
    assert "max_payload" not in folder.load()["nats"]
    assert stat.S_IMODE(folder.folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in folder.folder.iterdir()] == [0o600]


def test_secret_of_other_users_is_not_taken(folder: SecretsFolder) -> None:
    folder.save(SETTINGS["streaming"], SETTINGS["nats"])
    other = redacted({"nats": {"authorization": {"users": [{"user": "c", "password": "p"}]}}})
    assert folder.revealed(other) == other


def test_settings_without_secrets_leave_no_file(folder: SecretsFolder) -> None:
    folder.save(SETTINGS["streaming"], SETTINGS["nats"])
    folder.save({"cluster_id": "c"}, {})
    assert folder.load() == {}
    assert list(folder.folder.iterdir()) == []


def test_files_are_put_back_as_they_were(folder: SecretsFolder) -> None:
    folder.save({"password": "old"}, {})
    before = folder.keep()
    folder.save({"password": "new"}, {})
    folder.save_trusted(b"pem")
    folder.put_back(before)
    assert folder.revealed({"streaming": {"password": HIDDEN}}) == {"streaming": {"password": "old"}}
    assert [file.name for file in folder.folder.iterdir()] == ["settings.json"]


@pytest.mark.parametrize("content", ["", "[]", "{" * 2000, "\0"])
def test_damaged_file_is_an_error_that_names_it(folder: SecretsFolder, content: str) -> None:
    folder.save({"password": "p"}, {})
    (folder.folder / "settings.json").write_text(content)
    with pytest.raises(StateError, match=r"settings\.json"):
        folder.load()
