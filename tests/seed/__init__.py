"""The guide's deployment as data: its manifests, its chart values, and the stan.conf in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
EFS = FOLDER / "efs.yaml"
AZUREFILE = FOLDER / "azurefile.yaml"
VALUES = FOLDER / "values.yaml"


def documents(path: Path) -> list[dict[str, Any]]:
    """The documents of one of these files."""
    with path.open(encoding="utf-8") as file:
        return list(yaml.safe_load_all(file))


def by_name(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Objects by `Kind/name`."""
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in found}


def stan_conf() -> str:
    """The stan.conf of the guide's ConfigMap."""
    text: str = by_name(documents(EFS))["ConfigMap/stan-config"]["data"]["stan.conf"]
    return text
