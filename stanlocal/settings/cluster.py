"""Settings for groups on a Kubernetes cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stanlocal.settings.schema import Kind, Option, Table

_VOLUME = "choose a volume that is written to"
_BELONGS = {
    "storage_size": ("nfs", "efs", "azurefile"),
    "file_system": ("efs",),
    "storage_class": ("efs", "azurefile"),
    "nfs_server": ("nfs",),
    "nfs_path": ("nfs",),
}
"""Options that mean something with some kinds of storage only."""
DEFAULT_STORAGE = "existing-claim"

CLUSTER = Table(
    (
        Option(
            "allow_faults",
            Kind.STRINGS,
            "Contexts in which faults may hit groups that stanlocal did not make; `*` stands for any text: "
            "`kind-*`.",
            "none",
            reaches="allow faults of groups that stanlocal did not make",
        ),
        Option(
            "storage",
            Kind.CHOICE,
            "What `up` puts the store on, as `export kubernetes` does.",
            DEFAULT_STORAGE,
            choices=("existing-claim", "nfs", "efs", "azurefile"),
            reaches=_VOLUME,
        ),
        Option(
            "claim",
            Kind.STRING,
            "Name of the store's claim.",
            "the one that the group has, else `<group>-store`",
            reaches=_VOLUME,
        ),
        Option("storage_size", Kind.STRING, "Size that the claim requests.", "100Gi"),
        Option(
            "storage_class",
            Kind.STRING,
            "A class of the cluster, instead of one that is made.",
            reaches=_VOLUME,
        ),
        Option("file_system", Kind.STRING, "EFS: the FileSystemId.", reaches=_VOLUME),
        Option("nfs_server", Kind.STRING, "NFS: the server.", reaches=_VOLUME),
        Option("nfs_path", Kind.STRING, "NFS: the exported folder.", "/", reaches=_VOLUME),
        Option("cpu", Kind.STRING, "CPU that each server asks for.", "250m"),
        Option("memory", Kind.STRING, "Memory that each server asks for.", "512Mi"),
        Option("memory_limit", Kind.STRING, "Memory that each server may have.", "2Gi"),
        Option("metrics_image", Kind.STRING, "Image of the metrics exporter.", executes=True),
    )
)


def misplaced(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options that mean nothing with the storage, or with the class, that is chosen."""
    storage = options.get("storage", DEFAULT_STORAGE)
    for name, kinds in _BELONGS.items():
        if name in options and storage not in kinds:
            yield (
                f"kubernetes.{name} means nothing with kubernetes.storage {storage}; leave it out, or set "
                f"kubernetes.storage to {' or '.join(kinds)}"
            )
    if "file_system" in options and "storage_class" in options and storage == "efs":
        yield (
            "kubernetes.file_system means nothing with kubernetes.storage_class, which has its own; "
            "leave one of them out"
        )
