"""The key by which the programs of the cluster are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.kubernetes.cluster import sources


def test_a_change_of_one_source_builds_that_program_again_and_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "main.go").write_text("package main\n")
    changed = replace(sources.PAUSE, folder=tmp_path)
    monkeypatch.setattr(sources, "SOURCES", [changed, sources.KUBE])
    before = sources.key(), changed.executable, sources.KUBE.executable
    assert before == (sources.key(), changed.executable, sources.KUBE.executable)
    (tmp_path / "main.go").write_text("package main // changed\n")
    assert sources.key() != before[0]
    assert changed.executable != before[1]
    assert sources.KUBE.executable == before[2]


def test_a_change_of_a_version_changes_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sources.key()
    monkeypatch.setattr(sources, "SERVER_VERSION", "0.0.1")
    assert sources.key() != before


def test_the_servers_state_the_version_of_their_module() -> None:
    modules = (sources.KUBE.folder / "go.mod").read_text()
    assert f"k8s.io/kubernetes v{sources.KUBERNETES}" in modules
    assert f"gitVersion=v{sources.KUBERNETES}" in sources.KUBE.link_options
