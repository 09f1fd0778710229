"""stanlocal.toml: found or named, read or refused with the place of the mistake."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stanlocal.errors import SettingsError
from stanlocal.settings import load
from stanlocal.settings.file import check_owner, trusted_owners
from tests.unit.settings.support import problems, settle


def test_the_nearest_file_from_the_working_directory_upward_counts(tmp_path: Path) -> None:
    near = tmp_path / "a" / "b"
    near.mkdir(parents=True)
    (tmp_path / "stanlocal.toml").write_text("nodes = 5\n")
    (tmp_path / "a" / "stanlocal.toml").write_text("nodes = 6\n")
    assert settle(start=near).nodes == 6
    assert settle(start=tmp_path).nodes == 5


def test_a_named_file_counts_instead_of_a_found_one(tmp_path: Path) -> None:
    (tmp_path / "stanlocal.toml").write_text("nodes = 5\n")
    (tmp_path / "other.toml").write_text("nodes = 7\n")
    assert settle(file=Path("other.toml"), start=tmp_path).nodes == 7
    assert settle({"STANLOCAL_CONFIG": "other.toml"}, start=tmp_path).nodes == 7


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b"nodes = \n", ":1:9: invalid value"),
        (b"nodes = 1\n[nats\n", ":2:6: expected ']' at the end of a table declaration"),
        (b'group = "stan', ":1:14: unterminated string"),
        (b"nodes = 1\nnodes = 2\n", ":2:10: cannot overwrite a value"),
        (b"nodes = 1\ngroup = '\xff'\n", ":2:10: is not valid UTF-8"),
        (b"nodes = " + b"9" * 10_000, ": exceeds the limit"),
        (b"a = " + b"[" * 100_000, ": its values are nested too deeply"),
        (b"#" * (128 * 1024 + 1), ": is larger than 131072 bytes"),
    ],
    ids=["value", "table", "string", "twice", "utf-8", "number", "deep", "large"],
)
def test_a_syntax_error_is_one_problem_with_line_and_column(
    content: bytes, where: str, tmp_path: Path
) -> None:
    path = tmp_path / "stanlocal.toml"
    path.write_bytes(content)
    (problem,) = problems(start=tmp_path)
    assert problem.lower().startswith(f"{path}{where}".lower())


def test_a_named_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (missing,) = problems(file=tmp_path / "missing.toml")
    step = "check the path, and that you may read it"
    assert missing == f"{tmp_path / 'missing.toml'}: cannot be read: no such file or directory; {step}"
    (folder,) = problems(file=tmp_path)
    assert folder == f"{tmp_path}: cannot be read: is a directory; check the path, and that you may read it"


def test_a_folder_of_the_files_name_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "stanlocal.toml").mkdir()
    assert settle(start=tmp_path).nodes == 2


@pytest.mark.parametrize(
    ("environ", "euid", "owners"),
    [
        ({}, 1000, {1000}),
        ({"SUDO_UID": "1001"}, 1000, {1000}),
        ({}, 0, {0}),
        ({"SUDO_UID": "1000"}, 0, {0, 1000}),
        ({"SUDO_UID": "-1"}, 0, {0}),
    ],
)
def test_found_files_of_the_caller_count_and_for_root_those_of_the_user_who_ran_sudo(
    environ: dict[str, str], euid: int, owners: set[int]
) -> None:
    assert trusted_owners(environ, euid) == owners


def test_a_file_of_another_user_is_refused_and_said_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "stanlocal.toml"
    path.write_text("nodes = 3")
    check_owner(path, {os.getuid()})
    with pytest.raises(SettingsError, match=rf"another user \(uid {os.getuid()}\); name it with --config"):
        check_owner(path, {os.getuid() + 1})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("given_away", ["link", "file"])
def test_a_found_file_or_link_of_another_user_is_refused_and_a_named_one_counts(
    tmp_path: Path, given_away: str
) -> None:
    path, link = tmp_path / "file", tmp_path / "stanlocal.toml"
    path.write_text("nodes = 3")
    link.symlink_to(path)
    os.chown(path if given_away == "file" else link, 12345, 12345, follow_symlinks=False)
    with pytest.raises(SettingsError, match="belongs to another user"):
        load({}, {}, None, tmp_path / "below" / "it")
    assert load({}, {}, link, tmp_path).nodes == 3
