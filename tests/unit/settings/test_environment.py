"""The environment as a layer: names, texts, secrets in files."""

from __future__ import annotations

from pathlib import Path

from tests.unit.settings.support import NOWHERE, problems, settle


def test_levels_are_parted_by_two_underscores_and_texts_read_as_what_the_option_is() -> None:
    settings = settle(
        {
            "STANLOCAL_NODES": "3",
            "STANLOCAL_STORE_SIZE": "64mb",
            "STANLOCAL_STREAMING__STORE_LIMITS__MAX_AGE": "1h",
            "STANLOCAL_STREAMING__STORE_LIMITS__MAX_CHANNELS": "5",
            "STANLOCAL_STREAMING__FILE_OPTIONS__SYNC": "yes",
            "STANLOCAL_NATS__AUTHORIZATION__TIMEOUT": "1.5",
            "STANLOCAL_NATS__SERVER_TAGS": "a, b",
        }
    )
    assert (settings.nodes, settings.store_size) == (3, 64 * 1024**2)
    assert settings.streaming["store_limits"]["max_age"] == "1h"
    assert settings.streaming["store_limits"]["max_channels"] == 5
    assert settings.streaming["file_options"]["sync_on_flush"] is True
    assert settings.nats == {"authorization": {"timeout": 1.5}, "server_tags": ["a", "b"]}
    assert (
        settings.sources["streaming.store_limits.max_age"]
        == "environment STANLOCAL_STREAMING__STORE_LIMITS__MAX_AGE"
    )


def test_texts_that_are_not_what_the_option_is_are_problems() -> None:
    assert problems(
        {
            "STANLOCAL_NODES": "three",
            "STANLOCAL_NATS__AUTHORIZATION__TIMEOUT": "soon",
            "STANLOCAL_NATS__AUTHORIZATION__USERS": "me",
            "STANLOCAL_NATS__MAPPINGS": "a=b",
            "STANLOCAL_NATS__PING_INTERVALL": "5s",
        }
    ) == (
        "environment STANLOCAL_NATS__AUTHORIZATION__TIMEOUT must be a number, not 'soon'",
        "environment STANLOCAL_NATS__AUTHORIZATION__USERS must be a list of tables, not what was given",
        "environment STANLOCAL_NATS__MAPPINGS cannot be set by the environment; write it in stanlocal.toml",
        "environment STANLOCAL_NATS__PING_INTERVALL is not a setting; did you mean nats.ping_interval?",
        "environment STANLOCAL_NODES must be a whole number, not 'three'",
    )


def test_an_empty_value_is_as_good_as_none() -> None:
    assert settle({"STANLOCAL_NODES": "", "STANLOCAL_STREAMING__PASSWORD": ""}).nodes == 2


def test_unknown_names_are_warned_of_and_the_command_lines_own_are_not() -> None:
    """Unknown names may be meant for something else, so they stop nothing; a misspelling is reported."""
    environ = {"STANLOCAL_NODEZ": "3", "STANLOCAL_JSON": "1", "STANLOCAL_YES": "1", "OTHER": "x"}
    assert settle(environ).warnings == (
        "environment STANLOCAL_NODEZ is not a setting; did you mean STANLOCAL_NODES?",
    )


def test_a_secret_comes_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret key\n")
    settings = settle({"STANLOCAL_STREAMING__ENCRYPTION_KEY_FILE": "key"}, start=tmp_path)
    assert settings.streaming["encryption_key"] == "s3cret key"


def test_only_secrets_come_from_files_and_names_that_end_so_stay_settings(tmp_path: Path) -> None:
    (tmp_path / "seed").touch()
    settings = settle({"STANLOCAL_STREAMING__NKEY_SEED_FILE": "seed"}, start=tmp_path)
    assert settings.streaming["nkey_seed_file"] == str(tmp_path / "seed")
    (problem,) = problems({"STANLOCAL_STREAMING__USERNAME_FILE": "/name"})
    assert problem.startswith("environment STANLOCAL_STREAMING__USERNAME_FILE is not a setting")


def test_a_secret_that_cannot_be_read_is_a_problem_among_the_others(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_text("x" * 100_000)
    found = problems(
        {
            "STANLOCAL_STREAMING__PASSWORD_FILE": "missing",
            "STANLOCAL_STREAMING__TOKEN_FILE": "bytes",
            "STANLOCAL_STREAMING__ENCRYPTION_KEY_FILE": "large",
            "STANLOCAL_NODES": "0",
        },
        start=tmp_path,
    )
    assert [line.split(" cannot")[0] for line in found[:3]] == [
        "environment STANLOCAL_STREAMING__ENCRYPTION_KEY_FILE:",
        "environment STANLOCAL_STREAMING__PASSWORD_FILE:",
        "environment STANLOCAL_STREAMING__TOKEN_FILE:",
    ]
    assert found[3] == "environment STANLOCAL_NODES is 0; give 1 to 64"


def test_a_problem_with_a_secret_does_not_show_it() -> None:
    (problem,) = problems({"STANLOCAL_STREAMING__PASSWORD": "hunter2\udcff"})
    assert problem == "environment STANLOCAL_STREAMING__PASSWORD is not valid UTF-8"
    assert settle({"STANLOCAL_STREAMING__PASSWORD": "x", "STANLOCAL_STREAMING__USERNAME": "y"}, start=NOWHERE)


def test_the_servers_own_variable_is_the_key_of_an_encrypted_store() -> None:
    """It counts as it does to the server: only where messages are encrypted."""
    own = {"NATS_STREAMING_ENCRYPTION_KEY": "k"}
    settings = settle(own, streaming={"encrypt": True})
    assert settings.streaming["encryption_key"] == "k"
    assert settings.sources["streaming.encryption_key"] == "environment NATS_STREAMING_ENCRYPTION_KEY"
    assert "encryption_key" not in settle(own).streaming
    both = {**own, "STANLOCAL_STREAMING__ENCRYPTION_KEY": "ours"}
    assert settle(both, streaming={"encrypt": True}).streaming["encryption_key"] == "ours"
