"""Files that are no configuration yet: templates and lists of other files, each with the way to render it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PIPE = "| stanlocal up --from -"
_HELM = (
    "this is a template of a Helm chart, without its values; render the chart first: "
    f"helm template NAME CHART {_PIPE}"
)
_CHART = f"this describes a Helm chart; render the chart first: helm template NAME CHART {_PIPE}"
_HELMFILE = f"this is a helmfile; render its charts first: helmfile template {_PIPE}"
_KUSTOMIZE = (
    f"this is a kustomization, which names other files; build it first: kubectl kustomize DIR {_PIPE}"
)
_JINJA = (
    "this is a Jinja template, as Ansible and Salt have them; render it first, "
    "then give the rendered file to --from"
)
_ERB = (
    "this is an ERB template, as Puppet and Chef have them; render it first, "
    "then give the rendered file to --from"
)
_OTHER = "this is a template with '{{ … }}' in it; render it first, then give the rendered file to --from"
_TERRAFORM = (
    f"this is Terraform's language; give what runs instead: kubectl get configmap,statefulset -o yaml {_PIPE}"
)
_DOCKERFILE = (
    "this is a Dockerfile, which builds an image and runs nothing; give the command line, compose.yaml or "
    "manifest that runs the image"
)
_COMMAND = "give the server's command line, and the stan.conf that it names"
_PLAYBOOK = f"this is a playbook of Ansible; {_COMMAND}"
_NOMAD = f"this is a job of Nomad; {_COMMAND}"
_XML = f"this is XML, as launchd and WinSW have it; {_COMMAND}"
_WINDOWS = f"this is a script of Windows; {_COMMAND}"

_SURE: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"\{\{[^{}\n]{0,200}\.(?:Values|Release|Chart|Capabilities)\b"
            r"|\{\{-? *(?:include|define|template) +\""
        ),
        _HELM,
    ),
    (re.compile(r"\{%-? *(?:if|for|set|include|block|endif|endfor|raw|macro|import|extends)\b"), _JINJA),
    (re.compile(r"<%[=-]? *[^%\n]{0,200}%>"), _ERB),
    (re.compile(r"^(?:resource|data) \"[\w-]+\" \"[\w-]+\" \{", re.MULTILINE), _TERRAFORM),
    (re.compile(r"\A(?:[^\S\n]*(?:#[^\n]*)?\n)*job \"[^\"\n]+\" \{"), _NOMAD),
    (re.compile(r"\A\s*<(?:\?xml|plist|service)\b"), _XML),
    (re.compile(r"\A\s*@echo off\b|^[ \t]*Start-Process ", re.IGNORECASE | re.MULTILINE), _WINDOWS),
    (
        re.compile(r"^- (?:hosts|name): [^\n]*\n(?:[^\n]*\n){0,20}? +(?:tasks|roles):", re.MULTILINE),
        _PLAYBOOK,
    ),
    (
        re.compile(r"\A(?:[^\S\n]*(?:#[^\n]*)?\n|ARG [^\n]*\n)*FROM [\w./:@-]+(?: AS \w+)?\s*\n"),
        _DOCKERFILE,
    ),
)
_VALUE = re.compile(r"^[ \t]*(?:- )?[A-Za-z_][\w.-]*[:=]?[ \t]+[\"']?\{\{-? *[A-Za-z_.]", re.MULTILINE)
"""A value that begins with an expression, which is not one of an alert's text: `{{ $labels.pod }}`."""
_PERHAPS = re.compile(r"\{\{-? *[^{}\n]{1,200}\}\}")
_KUSTOMIZATION = frozenset(
    (
        "resources",
        "bases",
        "patches",
        "patchesStrategicMerge",
        "configMapGenerator",
        "namePrefix",
        "components",
    )
)
_LONGEST_CHECKED = 1 << 18


def template(text: str) -> str | None:
    """Return the sentence about a text that certainly is a template; None for any other."""
    begin = text[:_LONGEST_CHECKED]
    sure = next((why for pattern, why in _SURE if pattern.search(begin)), None)
    return _OTHER if sure is None and _VALUE.search(begin) else sure


def perhaps_template(text: str) -> str | None:
    """Return the sentence about a text that cannot be read, if that is because it is a template."""
    return _OTHER if _PERHAPS.search(text[:_LONGEST_CHECKED]) else None


def source_of(names: Iterable[str], kind: str) -> str | None:
    """Return the sentence about a YAML document that leads to other files; None for any other."""
    given = set(names)
    if kind == "Kustomization" or (not kind and "apiVersion" not in given and given & _KUSTOMIZATION):
        return _KUSTOMIZE
    if not kind and {"apiVersion", "name", "version"} <= given:
        return _CHART
    if not kind and {"releases"} <= given and given & {"repositories", "releases", "environments"}:
        return _HELMFILE
    return None


def source_folder(names: Iterable[str]) -> str | None:
    """Return the sentence about a folder with these files that is the source of manifests."""
    given = set(names)
    if "Chart.yaml" in given:
        return _CHART
    if given & {"kustomization.yaml", "kustomization.yml", "Kustomization"}:
        return _KUSTOMIZE
    return None
