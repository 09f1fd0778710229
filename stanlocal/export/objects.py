"""The values that the parts of a Kubernetes export share. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["efs", "azurefile", "nfs", "existing-claim"]
KINDS: tuple[Kind, ...] = ("efs", "azurefile", "nfs", "existing-claim")

SEED_FILE_SYSTEM = "fs-c22a24bb"
SEED_REGION = "us-east-2"
"""The guide's own, which exist nowhere else."""
NFS_SERVER = "nfs.example.com"

Object = tuple[dict[str, Any], str]
"""A Kubernetes object and the comment above it."""


@dataclass(frozen=True, slots=True)
class Storage:
    """What is behind the claim."""

    kind: Kind
    claim: str
    """The claim's name; one that is there already for `existing-claim`."""
    size: str = "100Gi"
    """What the claim asks for. EFS grows by itself and ignores it; Azure makes a share of this size."""
    storage_class: str | None = None
    """A class of the cluster, instead of one that is made here."""
    file_system: str = SEED_FILE_SYSTEM
    """EFS: its FileSystemId."""
    region: str = SEED_REGION
    """EFS with the legacy provisioner: where it is."""
    legacy_provisioner: bool = False
    """EFS: by the guide's efs-provisioner instead of the CSI driver that replaced it."""
    nfs_server: str = NFS_SERVER
    nfs_path: str = "/"

    @property
    def placeholders(self) -> list[str]:
        """What has to be replaced before the objects can work, one line each."""
        if self.kind == "efs" and self.file_system == SEED_FILE_SYSTEM:
            return [f"file system {SEED_FILE_SYSTEM} is the guide's; name yours with --file-system"]
        if self.kind == "nfs" and self.nfs_server == NFS_SERVER:
            return [f"NFS server {NFS_SERVER} is an example; name yours with --nfs-server"]
        return []
