"""Files that users name: nothing of theirs is replaced unless they say so."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.cli.output_file import check, is_unchanged, marked, merge_env, write
from stanlocal.errors import OutputError

TEXTS = {
    "yaml": "# a comment\nservices: {a: 1}\n",
    "toml": 'title = "x"\n',
    "html": "<!doctype html>\n<title>x</title>\n",
    "xml": '<?xml version="1.0" encoding="utf-8"?>\n<testsuite/>\n',
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
    "json": '{\n  "title": "x"\n}\n',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_files_that_stanlocal_wrote_are_replaced_again_and_again(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    for _ in range(3):
        write(path, text, force=False)
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_file_changed_since_is_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    write(path, text, force=False)
    changed = path.read_text().replace("x", "mine").replace("services", "mine").replace("suite", "mine")
    changed = changed.replace("</svg>", "mine</svg>")
    path.write_text(changed)
    with pytest.raises(OutputError, match=f"{path} is there and not as stanlocal wrote it; .*--force"):
        write(path, text, force=False)
    assert path.read_text() == changed
    write(path, text, force=True)
    assert is_unchanged(path.read_text())


def test_a_marked_file_is_of_its_language() -> None:
    assert yaml.safe_load(marked(TEXTS["yaml"])) == {"services": {"a": 1}}
    assert tomllib.loads(marked(TEXTS["toml"])) == {"title": "x"}
    assert json.loads(marked(TEXTS["json"]))["title"] == "x"
    assert ElementTree.fromstring(marked(TEXTS["xml"])).tag == "testsuite"
    assert ElementTree.fromstring(marked(TEXTS["svg"])).tag.endswith("svg")


@given(st.text())
def test_any_text_that_was_marked_is_known(text: str) -> None:
    assert is_unchanged(marked(text))
    assert not is_unchanged(f"{marked(text)}more")
    assert not is_unchanged(text)


@pytest.mark.parametrize("content", ["FOO=1\n", "# from stanlocal\n", "\xff", "{}"])
def test_a_foreign_file_is_kept_through_a_link_too(tmp_path: Path, content: str) -> None:
    theirs, link = tmp_path / "theirs", tmp_path / "link"
    theirs.write_text(content, encoding="latin-1")
    link.symlink_to(theirs)
    for path in (theirs, link):
        with pytest.raises(OutputError, match="not as stanlocal wrote it"):
            write(path, "a: 1\n", force=False)
        with pytest.raises(OutputError, match="not as stanlocal wrote it"):
            check([None, path], force=False)
    assert theirs.read_text(encoding="latin-1") == content


def test_a_link_to_a_file_of_stanlocals_stays_a_link(tmp_path: Path) -> None:
    ours, link = tmp_path / "ours", tmp_path / "link"
    write(ours, "a: 1\n", force=False)
    link.symlink_to(ours)
    write(link, "a: 2\n", force=False)
    assert link.is_symlink()
    assert "a: 2" in ours.read_text()


def test_a_link_to_nothing_makes_no_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="a link to what is not there"):
        write(tmp_path / "link", "a: 1\n", force=False)
    assert not (tmp_path / "elsewhere").exists()


def test_an_empty_file_may_be_filled_and_its_mode_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch(0o600)
    write(path, "a: 1\n", force=False)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write(path, "a: 1\n", force=False)
    before = path.read_text()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="cannot be written: no space left on device; name another"):
        write(path, "a: 2\n", force=False)
    assert path.read_text() == before
    assert [*tmp_path.iterdir()] == [path]


def test_a_folder_that_is_not_there_is_said_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="its folder is not there"):
        check([tmp_path / "none" / "file"], force=True)


def test_a_special_file_is_written_to_as_it_is(tmp_path: Path) -> None:
    write(Path(os.devnull), "a: 1\n", force=False)
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "U=0:0\n"),
        ("", "U=0:0\n"),
        ("SECRET=1", "SECRET=1\nU=0:0\n"),
        ("U=7:7\nSECRET=1\n", "U=0:0\nSECRET=1\n"),
        ("# U=1\nexport U = 7\nUX=2\n", "# U=1\nU=0:0\nUX=2\n"),
    ],
)
def test_variables_are_set_in_a_file_of_them_and_the_rest_stays(
    tmp_path: Path, before: str | None, after: str
) -> None:
    path = tmp_path / ".env"
    if before is not None:
        path.write_text(before)
    merge_env(path, {"U": "0:0"})
    merge_env(path, {"U": "0:0"})
    assert path.read_text() == after


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300)
    with pytest.raises(OutputError, match="cannot be written: file name too long; name another"):
        check([path], force=False)
