"""Who may use the cluster, and who takes it down."""

from __future__ import annotations

from pathlib import Path

from tests.kubernetes.cluster.layout import Paths
from tests.kubernetes.cluster.locks import in_use, is_in_use


def test_a_cluster_is_in_use_until_its_user_is_done(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    with in_use(paths):
        assert is_in_use(paths)
    assert not is_in_use(paths)


def test_no_cluster_is_waited_for_where_there_is_none(tmp_path: Path) -> None:
    with in_use(Paths(tmp_path / "none")):
        assert not (tmp_path / "none").exists()
