"""The key by which the programs of the cluster are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.kubernetes.cluster import sources


@pytest.fixture(autouse=True)
def _no_remembered_key() -> None:
    sources.key.cache_clear()


def test_a_change_of_a_source_changes_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text("package main\n")
    monkeypatch.setattr(sources, "SOURCES", [replace(sources.PAUSE, folder=tmp_path)])
    before = sources.key()
    sources.key.cache_clear()
    assert sources.key() == before
    (tmp_path / "main.go").write_text("package main // changed\n")
    sources.key.cache_clear()
    assert sources.key() != before


def test_a_change_of_a_version_changes_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sources.key()
    monkeypatch.setattr(sources, "SERVER_VERSION", "0.0.1")
    sources.key.cache_clear()
    assert sources.key() != before


def test_the_servers_state_the_version_of_their_module() -> None:
    modules = (sources.KUBE.folder / "go.mod").read_text()
    assert f"k8s.io/kubernetes v{sources.KUBERNETES}" in modules
    assert f"gitVersion=v{sources.KUBERNETES}" in sources.KUBE.link_options
