"""Sources of configuration that have to be rendered first."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.errors import SettingsError
from stanlocal.imports.reading import read
from tests.support.cost import processor_time_below
from tests.unit.imports.imported import FT, problems, settings, write

_HELM = "helm template NAME CHART | stanlocal up --from -"
_KUSTOMIZE = "kubectl kustomize DIR | stanlocal up --from -"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.yaml", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: {{ .Release.Name }}\n", _HELM),
        ("a.yaml", 'kind: ConfigMap\nmetadata:\n  name: "{{ .Values.name }}"\n', _HELM),
        ("a.yaml", "{{- if .Values.enabled }}\nkind: Service\n{{- end }}\n", _HELM),
        ("a.yaml", 'metadata:\n  labels: {{ include "stan.labels" . | nindent 4 }}\n', _HELM),
        ("stan.conf", "streaming {\n  id: {{ .Values.stan.clusterID }}\n}\n", _HELM),
        ("Chart.yaml", "apiVersion: v2\nname: stan\nversion: 0.13.0\n", _HELM),
        (
            "k.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n",
            _KUSTOMIZE,
        ),
        ("k.yaml", "resources:\n- stan.yaml\npatches: []\n", _KUSTOMIZE),
        ("stan.conf.j2", "{% for r in routes %}\n{{ r }}\n{% endfor %}\n", "Jinja template"),
        ("stan.conf.j2", f"{FT} id: {{{{ cluster_id }}}}\n}}\n", "'{{ … }}'"),
        ("a.yaml", "kind: StatefulSet\nspec: {replicas: {{ count }}}\n", "'{{ … }}'"),
        ("stan.conf.erb", f"{FT} id: <%= @cluster %>\n}}\n", "ERB template"),
        ("main.tf", 'resource "kubernetes_stateful_set" "stan" {\n}\n', "Terraform's language"),
        ("Dockerfile", '# x\nFROM nats-streaming:0.25\nCMD ["-sc", "x"]\n', "Dockerfile"),
        ("stan.nomad", '# two\njob "stan" {\n  group "stan" {}\n}\n', "job of Nomad"),
        ("stan.plist", '<?xml version="1.0"?>\n<plist version="1.0"></plist>\n', "launchd"),
        ("run.bat", "@echo off\nstart C:\\nats-streaming-server.exe -st file\n", "script of Windows"),
        ("run.ps1", "# x\nStart-Process nats-streaming-server.exe\n", "script of Windows"),
        (
            "play.yml",
            "- hosts: stan\n  become: true\n  tasks:\n  - shell: nats-streaming-server -st file\n",
            "playbook of Ansible",
        ),
        (
            "helmfile.yaml",
            "repositories: []\nreleases: [{name: stan, chart: nats/stan}]\n",
            "helmfile template",
        ),
    ],
)
def test_a_source_is_one_sentence_with_the_way_on(
    tmp_path: Path, name: str, content: str, expected: str
) -> None:
    (problem,) = problems(tmp_path, {name: content})
    assert expected in problem
    assert problem.startswith(f"{name}:1:1: this ")


@pytest.mark.parametrize(("name", "expected"), [("Chart.yaml", _HELM), ("kustomization.yaml", _KUSTOMIZE)])
def test_a_folder_of_sources_is_one_sentence(tmp_path: Path, name: str, expected: str) -> None:
    write(tmp_path, {name: "x: y\n", "values.yaml": "stan: {}\n"})
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, {})
    assert expected in str(caught.value)


def test_what_is_no_deployment_beside_one_is_left_out_with_the_reason(tmp_path: Path) -> None:
    files = {
        "Dockerfile": "FROM nats-streaming:0.25\n",
        "empty": "",
        "logback.xml": "<?xml version='1.0'?>\n",
        "stan.conf": f"{FT}}}",
        "stan.conf.j2": "{% for r in routes %}{% endfor %}\n",
    }
    write(tmp_path, files)
    found = read(tmp_path, {})
    assert found.layer.values["streaming"]["ft_group_name"] == "g"
    left_out = {
        Path(each.place.file).name: each.why for each in found.findings if each.what == "the whole file"
    }
    assert sorted(left_out) == ["Dockerfile", "empty", "logback.xml", "stan.conf.j2"]
    assert "this is a Dockerfile" in left_out["Dockerfile"]
    assert left_out["empty"] == "the file is empty"


def test_a_byte_order_mark_is_named(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, {"stan.conf": f"\ufeff{FT}}}"})
    assert problem.startswith("stan.conf:1:1: the file begins with a byte order mark")


def test_braces_that_are_no_template_are_read(tmp_path: Path) -> None:
    manifest = (
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c, annotations: {a: '{{ "
        "$labels.pod }} is down'}}\n"
        "data:\n  stan.conf: |\n    streaming { store: file, ft_group: g }\n"
    )
    assert settings(tmp_path, {"a.yaml": manifest}).streaming["ft_group_name"] == "g"


@pytest.mark.parametrize("unit", ["{{ a", "{{ .", "{%- ", "\n", "# x\n", "<%= ", "FROM a", "{{" + "a" * 150])
def test_half_templates_are_refused_at_once(tmp_path: Path, unit: str) -> None:
    write(tmp_path, {"a": unit * (1_000_000 // len(unit))})
    with processor_time_below(1), pytest.raises(SettingsError):
        read(tmp_path / "a", {})
