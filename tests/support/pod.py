"""A pod's server as a local process: its volumes as folders, its command line with paths in them.

It follows Kubernetes by itself, and shares nothing with the importers, which are compared with it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def server_of(manifest: str, root: Path) -> tuple[list[str], dict[str, str]]:
    """Make the files of the first pod's volumes below `root`; return its arguments and variables."""
    objects = [each for each in yaml.safe_load_all(manifest) if each]
    objects = [each for one in objects for each in (one["items"] if one["kind"] == "List" else [one])]
    pod = next(each["spec"]["template"]["spec"] for each in objects if "template" in each.get("spec", {}))
    (container,) = pod["containers"]
    maps = {each["metadata"]["name"]: each["data"] for each in objects if each["kind"] == "ConfigMap"}
    volumes = {volume["name"]: _files(volume, maps) for volume in pod.get("volumes", ())}
    folders = []
    for mount in container.get("volumeMounts", ()):
        _mount(volumes[mount["name"]], mount, root)
        folders.append(mount["mountPath"])
    variables = {each["name"]: each["value"] for each in container.get("env", ())}
    words = [*container.get("command", ()), *container.get("args", ())]
    words = [re.sub(r"\$\((\w+)\)", lambda found: variables[found[1]], word) for word in words]
    return [_below(word, folders, root) for word in words], variables


def _files(volume: Mapping[str, Any], maps: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    source = volume.get("configMap", {})
    data = maps.get(source.get("name", ""), {})
    items = source.get("items") or [{"key": key, "path": key} for key in data]
    return {item["path"]: data[item["key"]] for item in items}


def _mount(files: Mapping[str, str], mount: Mapping[str, str], root: Path) -> None:
    for path, text in files.items():
        inner = os.path.relpath(path, mount.get("subPath", "."))
        if not inner.startswith(".."):
            target = Path(os.path.normpath(root / mount["mountPath"].lstrip("/") / inner))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)


def _below(word: str, folders: list[str], root: Path) -> str:
    return f"{root}{word}" if any(word.startswith(folder) for folder in folders) else word
