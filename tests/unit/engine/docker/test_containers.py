"""Containers as the Docker API is asked for them."""

from __future__ import annotations

import pytest

from stanlocal.engine.docker.containers import mount_of
from stanlocal.render.container_spec import Mount


@pytest.mark.parametrize(
    ("source", "kind"), [("/data/store", "bind"), ("/data/a:b/store:ro", "bind"), ("stan-store", "volume")]
)
def test_a_folder_is_mounted_whatever_its_name(source: str, kind: str) -> None:
    assert mount_of(Mount(source, "/stan", read_only=False)) == {
        "Source": source,
        "Target": "/stan",
        "Type": kind,
        "ReadOnly": False,
    }
