"""The file system that the nodes share, and `mount.nfs`, which mounts it. Pure.

GlusterFS in user space takes the place of NFS, which few test machines' kernels have: one server with POSIX
locks on the host, and a FUSE mount for each volume. Locks hold between nodes, and the server frees those of
a node that is cut off. Volumes of kind nfs are mounted by `mount -t nfs`, which runs `mount.nfs`: on the
nodes that is the script below, so manifests with such volumes run as they are. Versions and leases of NFS
cannot be tested with it.
"""

from __future__ import annotations

from pathlib import Path

from tests.kubernetes.cluster.layout import HOST_ADDRESS, SHARE_PORT, Paths
from tests.kubernetes.cluster.program import Program

OWNER = 65532
"""Uid and gid that own each shared folder: those of the servers, as the export demands."""
CUT_OFF_S = 10
"""Seconds after which the server frees the locks of a client that does not answer."""


def server(paths: Paths) -> Program:
    """Return the process that serves the shared folder."""
    log = paths.logs / "glusterfsd.log"
    return Program("glusterfsd", ("glusterfsd", "-N", "-f", str(server_file(paths)), "-l", str(log)))


def server_file(paths: Paths) -> Path:
    return paths.root / "server.vol"


def client_file(paths: Paths) -> Path:
    return paths.root / "client.vol"


def server_volume(paths: Paths) -> str:
    """Return the volume as the server has it: a folder, with locks, over TCP."""
    return f"""volume posix
  type storage/posix
  option directory {paths.shared}
end-volume
volume store
  type features/locks
  subvolumes posix
end-volume
volume server
  type protocol/server
  option transport-type tcp
  option transport.address-family inet
  option transport.socket.bind-address {HOST_ADDRESS}
  option transport.socket.listen-port {SHARE_PORT}
  option transport.tcp-user-timeout {CUT_OFF_S}
  option transport.socket.keepalive-time 5
  option transport.socket.keepalive-interval 2
  option transport.socket.keepalive-count 3
  option auth.addr.store.allow *
  subvolumes store
end-volume
"""


def client_volume() -> str:
    """Return the volume as a client has it."""
    return f"""volume store
  type protocol/client
  option transport-type tcp
  option remote-host {HOST_ADDRESS}
  option remote-port {SHARE_PORT}
  option remote-subvolume store
  option ping-timeout {CUT_OFF_S}
end-volume
"""


def mount_nfs(paths: Paths) -> str:
    """Return the script `mount.nfs SERVER:PATH FOLDER -o OPTIONS`.

    Each path is a folder of its own, made when it is first mounted. As with NFS, each mount is apart: here it
    is a process of its own, which can be stopped to cut the store off from one pod. The mount of the whole
    volume goes away with that of the folder in it, as it has no name any more.
    """
    return f"""#!/bin/sh
set -e
path=${{1#*:}}
case /$path/ in */../*) echo "mount.nfs: $path leads out of the volume" >&2; exit 32 ;; esac
whole=$(mktemp -d {paths.root}/mount-XXXXXX)
trap 'umount -l "$whole"; rmdir "$whole"' EXIT
glusterfs -f {client_file(paths)} -l {paths.logs}/mount.nfs.log --process-name fuse "$whole"
[ -d "$whole/$path" ] || {{ mkdir -p "$whole/$path"; chown {OWNER}:{OWNER} "$whole/$path"; }}
mount --bind "$whole/$path" "$2"
"""
