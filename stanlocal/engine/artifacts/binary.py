"""Checks of a nats-streaming-server executable: its version, and whether an empty container can run it."""

from __future__ import annotations

import os
import shutil
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from platform import machine

from stanlocal.engine.artifacts.child_process import ChildTimeout, run_child
from stanlocal.errors import ImageNotFound

NAME = "nats-streaming-server"

_VERSION_TIMEOUT_S = 10.0
_MAX_HEADERS = 64 * 1024
"""Bytes; enough for more program headers than any linker writes."""
_MACHINES = {3: "386", 21: "ppc64", 22: "s390x", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64"}
"""ELF's e_machine (System V ABI, gabi41) as Go's GOARCH."""
_HOST_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
"""GOARCH by the kernel's name, where they differ."""
_PT_INTERP = 3
_EXECUTABLE = (2, 3)
"""e_type of executables with a fixed address and of position-independent ones."""


@dataclass(frozen=True, slots=True)
class Platform:
    """An operating system and an architecture, in Go's terms."""

    os: str
    architecture: str

    def __str__(self) -> str:
        return f"{self.os}/{self.architecture}"


def host_platform() -> Platform:
    """Return the platform of this machine."""
    return Platform(sys.platform, _HOST_MACHINES.get(machine(), machine()))


class NotElf(ValueError):
    """The bytes are not those of an ELF executable."""


@dataclass(frozen=True, slots=True)
class Elf:
    """The properties of an ELF executable that decide where it runs."""

    architecture: str
    static: bool
    """Whether it needs no dynamic loader, which an empty image does not have."""


def parse_elf(head: bytes) -> Elf:
    """Parse the first bytes of a file: its ELF header and program headers. Raises `NotElf`."""
    if head[:4] != b"\x7fELF" or len(head) < 64:
        raise NotElf("not an ELF executable")
    wide, order = head[4] == 2, ">" if head[5] == 2 else "<"
    kind, machine = struct.unpack_from(order + "HH", head, 16)
    if kind not in _EXECUTABLE:
        raise NotElf("an ELF file, but not an executable")
    if wide:
        (start,) = struct.unpack_from(order + "Q", head, 32)
        size, count = struct.unpack_from(order + "HH", head, 54)
    else:
        (start,) = struct.unpack_from(order + "I", head, 28)
        size, count = struct.unpack_from(order + "HH", head, 42)
    offsets = [start + size * index for index in range(count)]
    if any(offset + 4 > len(head) for offset in offsets):
        raise NotElf("an ELF file with its program headers cut off")
    types = [struct.unpack_from(order + "I", head, offset)[0] for offset in offsets]
    architecture = _MACHINES.get(machine, f"machine {machine}")
    if architecture == "ppc64" and order == "<":
        architecture = "ppc64le"
    return Elf(architecture, static=_PT_INTERP not in types)


def check_platform(path: Path, platform: Platform) -> None:
    """Raise `ImageNotFound` with the reason if `path` cannot run in an empty container of `platform`."""
    try:
        with path.open("rb") as file:
            elf = parse_elf(file.read(_MAX_HEADERS))
    except OSError as err:
        raise ImageNotFound(f"{path}: {err.strerror}") from err
    except NotElf as err:
        raise ImageNotFound(f"{path} is {err}, and containers here run {platform}") from err
    if platform.os != "linux" or elf.architecture != platform.architecture:
        raise ImageNotFound(f"{path} is for linux/{elf.architecture}, and containers here run {platform}")
    if not elf.static:
        raise ImageNotFound(f"{path} is linked dynamically; build it with CGO_ENABLED=0")


async def check_version(path: Path, version: str) -> None:
    """Run `path --version`; raises `ImageNotFound` with the reason unless it reports `version`."""
    try:
        finished = await run_child([str(path), "--version"], silence_s=_VERSION_TIMEOUT_S)
    except OSError as err:
        raise ImageNotFound(f"{path} cannot be run to learn its version: {err.strerror}") from err
    except ChildTimeout as err:
        raise ImageNotFound(f"{path} does not report its version: {err}") from err
    said = finished.tail[0] if finished.tail else ""
    words = said.replace(",", " ").split()  # nats-streaming-server version 0.25.6, nats-server: v2.9.24
    if finished.code != 0 or words[:3] != [NAME, "version", version]:
        raise ImageNotFound(f"{path} is not version {version}: it reports {said[:80]!r}")


def find_binary(chosen: Path | None) -> Path:
    """Return the chosen executable, else the one on PATH; raises `ImageNotFound`."""
    if chosen is not None:
        if not os.access(chosen, os.X_OK) or chosen.is_dir():
            raise ImageNotFound(f"{chosen} is not an executable file")
        return chosen.resolve()
    found = shutil.which(NAME)
    if found is None:
        raise ImageNotFound(f"no {NAME} on PATH and none set by STANLOCAL_SERVER_BINARY")
    return Path(found).resolve()
