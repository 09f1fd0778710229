"""An encrypted store of a group: clients notice nothing, and its files are read with the key."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from stanlocal.store.layout import MARKER_FILE
from tests.support.cli import Cli

KEY = "the k3y of the store"


@pytest.mark.usefixtures("purged_by_name", "own_ports")
def test_an_encrypted_group_fails_over_and_its_files_are_read_with_the_key(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    wrong = tmp_path / "wrong"
    wrong.write_text("another key\n")
    key = {
        "STANLOCAL_STREAMING__ENCRYPT": "true",
        "STANLOCAL_STREAMING__ENCRYPTION_CIPHER": "chacha",
        "STANLOCAL_STREAMING__ENCRYPTION_KEY_FILE": str(tmp_path / "key"),
    }
    document = cli.json("up", **key)
    cli.ok("pub", "orders", "plain-one")
    cli.ok("kill", "@active")
    cli.ok("wait", "--state", "degraded", "--timeout", "20")
    cli.ok("pub", "orders", "plain-two")
    lines = cli.ok("sub", "orders", "--all", "--count", "2", "--timeout", "20", "--json").splitlines()
    assert [json.loads(line)["data"] for line in lines] == ["plain-one", "plain-two"]

    store = Path(document["store_dir"])
    assert b"plain" not in b"".join(path.read_bytes() for path in (store / "orders").iterdir())
    assert [line.split("\t")[2] for line in cli.ok("store", "dump", "orders", **key).splitlines()] == [
        "plain-one",
        "plain-two",
    ]
    assert "plain-one" in cli.ok("store", "dump", "orders", "--dir", str(store))  # with the group's own key
    another = shutil.copytree(store, tmp_path / "another", ignore=shutil.ignore_patterns(MARKER_FILE))
    done = cli.run("store", "dump", "orders", "--dir", str(another), "--json")
    assert "2 messages look encrypted" in done.stderr
    assert all(json.loads(line)["maybe_encrypted"] for line in done.stdout.splitlines())
    assert cli.run("store", "verify", **key).returncode == 0
    refused = cli.run("store", "verify", "--dir", str(store), "--key-file", str(wrong))
    assert refused.returncode == 5
    assert "undecryptable" in refused.stdout
    for output in (document, done.stdout, done.stderr, refused.stdout, refused.stderr):
        assert KEY not in str(output)
