"""The choice of cluster, user and namespace, as kubectl makes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stanlocal.engine.kubernetes.access import Access, Target, find_access
from stanlocal.errors import EngineUnavailable, SettingsError


def config(folder: Path, name: str = "config", *, current: str | None = "one", **user: Any) -> Path:
    """A kubeconfig with the contexts `one` and `two`."""
    file = folder / name
    content = {
        "clusters": [
            {"name": "c", "cluster": {"server": "https://c.example:6443/", "certificate-authority": "ca.crt"}}
        ],
        "users": [{"name": "u", "user": user or {"token": "t"}}],
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u"}},
            {"name": "two", "context": {"cluster": "c", "user": "u", "namespace": "staging"}},
        ],
    }
    file.write_text(json.dumps(content | ({"current-context": current} if current else {})))
    return file


def find(target: Target | None = None, *, home: Path, **environ: str) -> Access:
    return find_access(target or Target(), environ, home, home / "no-account")


def test_the_files_current_context_and_its_namespace_count(tmp_path: Path) -> None:
    access = find(Target(config(tmp_path)), home=tmp_path)
    assert (access.context, access.namespace, access.server) == ("one", "default", "https://c.example:6443")
    assert access.config.cluster.certificate_auth == str(tmp_path / "ca.crt")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Target(context="two"), ("two", "staging")),
        (Target(context="two", namespace="mine"), ("two", "mine")),
        (Target(namespace="mine"), ("one", "mine")),
    ],
)
def test_a_choice_of_the_callers_counts_more(
    target: Target, expected: tuple[str, str], tmp_path: Path
) -> None:
    access = find(target, home=tmp_path, KUBECONFIG=str(config(tmp_path)))
    assert (access.context, access.namespace) == expected


def test_the_file_in_the_home_folder_is_the_last_resort(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    config(tmp_path / ".kube")
    assert find(home=tmp_path).context == "one"


def test_of_several_files_the_first_entry_of_a_name_counts(tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.write_text(
        json.dumps(
            {
                "clusters": [],
                "contexts": [{"name": "two", "context": {"cluster": "c", "user": "u", "namespace": "own"}}],
            }
        )
    )
    files = f"{first}:{tmp_path / 'missing'}:{config(tmp_path)}"
    access = find(home=tmp_path, KUBECONFIG=files)
    assert (access.context, access.namespace) == ("one", "default")
    assert find(Target(context="two"), home=tmp_path, KUBECONFIG=files).namespace == "own"


def test_a_pod_uses_its_service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = tmp_path / "account"
    account.mkdir()
    for name, text in {"token": "t", "namespace": "mine", "ca.crt": ""}.items():
        (account / name).write_text(text)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    access = find_access(Target(), {}, tmp_path, account)
    assert (access.server, access.namespace) == ("https://10.96.0.1:443", "mine")


def test_a_plugin_of_version_1_is_told_its_version(tmp_path: Path) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./login", "env": None}
    access = find(Target(config(tmp_path, exec=plugin)), home=tmp_path)
    assert access.config.user is not None
    run = access.config.user.exec
    assert run is not None
    assert run.command == str(tmp_path / "login")
    assert run.env is not None
    told = json.loads(run.env[-1].value)
    assert (run.env[-1].name, told["apiVersion"]) == ("KUBERNETES_EXEC_INFO", plugin["apiVersion"])


def test_an_unknown_context_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no context 'three' in the kubeconfig; it has one, two"):
        find(Target(config(tmp_path), "three"), home=tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "not found"),
        ("{", "kubeconfig"),
        ("[]", "kubeconfig"),
        ("clusters: []\ncontexts: []\n", "no current context"),
        ("clusters: []\ncontexts: [{name: a, context: {cluster: x}}]\ncurrent-context: a\n", "no 'x'"),
        ("clusters: [{name: c, cluster: {server: 3}}]\ncontexts: []\n", "cannot be used"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error_of_one_line(
    text: str | None, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "config"
    if text is not None:
        file.write_text(text)
    with pytest.raises(EngineUnavailable, match=reason) as error:
        find(Target(file), home=tmp_path)
    assert "\n" not in str(error.value)
    assert "--kubeconfig" in str(error.value) or "--context" in str(error.value)


def test_without_any_file_the_way_to_name_one_is_said(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"no kubeconfig: .*--kubeconfig or KUBECONFIG"):
        find(home=tmp_path)
