"""Copying of files into containers, running or not, by the Docker API."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # few groups need a file copied
    import tarfile


def entry(name: str, user: str, *, mode: int = 0o600) -> tarfile.TarInfo:
    """Return the archive entry of an empty file of `user` (`uid:gid`)."""
    import tarfile

    made = tarfile.TarInfo(name)
    made.mode = mode
    made.uid, made.gid = map(int, user.split(":"))
    return made


def put(api: Any, container: str, folder: str, *entries: tuple[tarfile.TarInfo, bytes]) -> None:
    """Write the entries, each with its content, into a folder of the container."""
    import tarfile

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for each, content in entries:
            tar.addfile(each, io.BytesIO(content))
    api.put_archive(container, folder, archive.getvalue())
