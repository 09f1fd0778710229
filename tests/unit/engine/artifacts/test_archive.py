import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

from stanlocal.engine.artifacts.archive import Contents, server_contents, write_archive
from stanlocal.engine.artifacts.binary import Platform

IMAGE = "nats-streaming:0.25.6"


def archive_of(binary: Path, **labels: str) -> bytes:
    out = io.BytesIO()
    write_archive(out, server_contents(binary, labels), IMAGE, Platform("linux", "arm64"))
    return out.getvalue()


def read(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        files = {member.name: archive.extractfile(member) for member in archive}
        return {name: file.read() for name, file in files.items() if file}


def test_the_same_binary_always_makes_the_same_image(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"server")
    (tmp_path / "b").write_bytes(b"server")
    os.utime(tmp_path / "b", (1, 1))
    (tmp_path / "b").chmod(0o700)
    assert archive_of(tmp_path / "a") == archive_of(tmp_path / "b")


def test_the_image_has_the_server_as_its_only_file_and_entry_point(tmp_path: Path) -> None:
    (tmp_path / "server").write_bytes(b"server")
    files = read(archive_of(tmp_path / "server", who="me"))
    [manifest] = json.loads(files["manifest.json"])
    config = json.loads(files[manifest["Config"]])
    [layer] = manifest["Layers"]
    assert manifest["RepoTags"] == [IMAGE]
    assert config["config"]["Entrypoint"] == ["/nats-streaming-server"]
    assert config["config"]["ExposedPorts"].keys() == {"4222/tcp", "6222/tcp", "8222/tcp"}
    assert config["config"]["Labels"] == {"who": "me"}
    assert (config["os"], config["architecture"]) == ("linux", "arm64")
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(files[layer]).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(files[layer])) as inner:
        [member] = inner.getmembers()
    assert (member.name, member.mode, member.uid, member.mtime) == ("nats-streaming-server", 0o755, 0, 0)


def test_the_first_of_several_executables_is_the_entry_point(tmp_path: Path) -> None:
    executables = {name: tmp_path / name for name in ("tool", "toolctl")}
    for path in executables.values():
        path.write_bytes(path.name.encode())
    out = io.BytesIO()
    write_archive(out, Contents(executables, (), (80,)), "tools:1", Platform("linux", "arm64"))
    files = read(out.getvalue())
    [manifest] = json.loads(files["manifest.json"])
    config = json.loads(files[manifest["Config"]])["config"]
    assert (config["Entrypoint"], config["Cmd"], [*config["ExposedPorts"]]) == (["/tool"], [], ["80/tcp"])
    assert read(files[manifest["Layers"][0]]) == {"tool": b"tool", "toolctl": b"toolctl"}
