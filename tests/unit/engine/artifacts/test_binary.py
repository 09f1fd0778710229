import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.engine.artifacts.binary import (
    Elf,
    NotElf,
    Platform,
    check_platform,
    check_version,
    find_binary,
    parse_elf,
)
from stanlocal.errors import ImageNotFound

AMD64 = Platform("linux", "amd64")


def elf(
    *, machine: int = 62, kind: int = 2, headers: tuple[int, ...] = (1,), bits: int = 64, order: str = "<"
) -> bytes:
    """An ELF header with program headers of the given types right behind it."""
    ident = b"\x7fELF" + bytes([bits // 32, 1 if order == "<" else 2, 1]) + bytes(9)
    address = "Q" if bits == 64 else "I"
    size, entry = (64, 56) if bits == 64 else (52, 32)
    head = ident + struct.pack(
        order + "HHI" + 3 * address + "IHHHHHH",
        *(kind, machine, 1, 0, size, 0),
        *(0, size, entry, len(headers), 0, 0, 0),
    )
    return head + b"".join(struct.pack(order + "I", kind) + bytes(entry - 4) for kind in headers)


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (elf(), Elf("amd64", static=True)),
        (elf(machine=183), Elf("arm64", static=True)),
        (elf(headers=(6, 3, 1)), Elf("amd64", static=False)),
        (elf(kind=3), Elf("amd64", static=True)),
        (elf(machine=3, bits=32), Elf("386", static=True)),
        (elf(machine=40, bits=32, headers=(3,)), Elf("arm", static=False)),
        (elf(machine=22, order=">"), Elf("s390x", static=True)),
        (elf(machine=21), Elf("ppc64le", static=True)),
        (elf(machine=21, order=">"), Elf("ppc64", static=True)),
        (elf(machine=9999), Elf("machine 9999", static=True)),
    ],
)
def test_architecture_and_linkage_are_read_from_the_headers(image: bytes, expected: Elf) -> None:
    assert parse_elf(image) == expected


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"", "not an ELF executable"),
        (b"#!/bin/sh\n" * 20, "not an ELF executable"),
        (b"\xcf\xfa\xed\xfe" * 30, "not an ELF executable"),
        (elf()[:40], "not an ELF executable"),
        (elf(kind=1), "not an executable"),
        (elf()[:64], "cut off"),
    ],
)
def test_other_files_are_recognised(head: bytes, why: str) -> None:
    with pytest.raises(NotElf, match=why):
        parse_elf(head)


@given(st.binary(max_size=200), st.integers(0, 119))
def test_hostile_bytes_never_crash_the_reader(noise: bytes, at: int) -> None:
    head = bytearray(elf())
    head[at : at + len(noise)] = noise
    with suppress(NotElf):
        parse_elf(bytes(head))


def test_the_engines_platform_decides_not_this_machines(tmp_path: Path) -> None:
    path = tmp_path / "server"
    path.write_bytes(elf(machine=183))
    check_platform(path, Platform("linux", "arm64"))
    with pytest.raises(ImageNotFound, match="is for linux/arm64, and containers here run linux/amd64"):
        check_platform(path, AMD64)
    with pytest.raises(ImageNotFound, match="containers here run windows/arm64"):
        check_platform(path, Platform("windows", "arm64"))


def test_a_dynamic_executable_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "server"
    path.write_bytes(elf(headers=(3,)))
    with pytest.raises(ImageNotFound, match="linked dynamically; build it with CGO_ENABLED=0"):
        check_platform(path, AMD64)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageNotFound, match="gone: No such file or directory"):
        check_platform(tmp_path / "gone", AMD64)


async def test_the_right_version_passes(tmp_path: Path) -> None:
    said = "echo 'nats-streaming-server version 0.25.6, nats-server: v2.9.24'"
    await check_version(script(tmp_path / "server", said), "0.25.6")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("echo 'nats-streaming-server version 0.25.5'", "is not version 0.25.6: it reports 'nats-str"),
        ("echo 'nats-streaming-server version 0.25.61'", "is not version 0.25.6"),
        ("echo nats-server: v2.9.24", "is not version 0.25.6: it reports 'nats-server: v2.9.24'"),
        ("echo 'nats-streaming-server version 0.25.6'; exit 1", "is not version 0.25.6"),
        ("exit 0", "it reports ''"),
    ],
)
async def test_another_version_is_refused_with_the_reported_one(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ImageNotFound, match=why):
        await check_version(script(tmp_path / "server", text), "0.25.6")


async def test_an_executable_that_cannot_run_here_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "server"
    path.write_bytes(elf(machine=9999))
    path.chmod(0o755)
    with pytest.raises(ImageNotFound, match="cannot be run to learn its version: Exec format error"):
        await check_version(path, "0.25.6")


def test_a_chosen_binary_counts_before_the_one_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = script(tmp_path / "nats-streaming-server", "exit 0")
    chosen = script(tmp_path / "mine", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_binary(chosen) == chosen
    assert find_binary(None) == on_path


def test_a_missing_binary_names_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageNotFound, match="none set by STANLOCAL_SERVER_BINARY"):
        find_binary(None)


def test_a_chosen_file_that_is_no_executable_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("")
    for path in (tmp_path, tmp_path / "text", tmp_path / "gone"):
        with pytest.raises(ImageNotFound, match="is not an executable file"):
            find_binary(path)
