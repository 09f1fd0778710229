"""The values that the parts of a Kubernetes export share. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["efs", "azurefile", "nfs", "existing-claim"]
KINDS: tuple[Kind, ...] = ("efs", "azurefile", "nfs", "existing-claim")

SEED_FILE_SYSTEM = "fs-c22a24bb"
SEED_REGION = "us-east-2"
"""The guide's own file system and region, which exist nowhere else."""
NFS_SERVER = "nfs.example.com"

Object = tuple[dict[str, Any], str]
"""A Kubernetes object and the comment above it."""


@dataclass(frozen=True, slots=True)
class Storage:
    """The storage behind the claim."""

    kind: Kind
    claim: str
    """The claim's name; that of an existing one for `existing-claim`."""
    size: str = "100Gi"
    """Size that the claim requests. EFS grows by itself and ignores it; Azure makes a share of this size."""
    storage_class: str | None = None
    """A class of the cluster, used instead of making one."""
    file_system: str = SEED_FILE_SYSTEM
    """FileSystemId, for EFS."""
    region: str = SEED_REGION
    """Region, for EFS with the legacy provisioner."""
    legacy_provisioner: bool = False
    """True for EFS with the guide's efs-provisioner instead of the CSI driver that replaced it."""
    nfs_server: str = NFS_SERVER
    nfs_path: str = "/"

    @property
    def placeholders(self) -> list[str]:
        """Values to be replaced before the objects can work, one line each."""
        if self.storage_class is not None:
            return []
        if self.kind == "efs" and self.file_system == SEED_FILE_SYSTEM:
            return [f"file system {SEED_FILE_SYSTEM} is the guide's; name yours with --file-system"]
        if self.kind == "nfs" and self.nfs_server == NFS_SERVER:
            return [f"NFS server {NFS_SERVER} is an example; name yours with --nfs-server"]
        return []
