import os
import socket
from pathlib import Path

import pytest

from stanlocal.engine.docker.ping import Answer, Refusal, Target, TlsFiles, ping
from tests.support.fake_socket import fake_socket


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "docker.sock"


def refusal(target: Target, timeout_s: float = 2) -> Refusal:
    result = ping(target, timeout_s)
    assert isinstance(result, Refusal)
    return result


def test_an_engine_answers_with_its_api_version_in_one_request(path: Path) -> None:
    with fake_socket(path) as fake:
        assert ping(Target(fake.url), 2) == Answer("1.41")
    assert fake.requests == [b"GET /_ping HTTP/1.1"]


def test_a_missing_socket_is_absent(path: Path) -> None:
    assert refusal(Target(f"unix://{path}")).absent


def test_a_socket_that_a_dead_engine_left_is_absent(path: Path) -> None:
    with fake_socket(path):
        pass
    assert path.exists()
    found = refusal(Target(f"unix://{path}"))
    assert found.absent
    assert found.why == "nothing listens there"


def test_an_engine_that_hangs_is_given_up_after_the_timeout(path: Path) -> None:
    with fake_socket(path, reply=None) as fake:
        found = refusal(Target(fake.url), timeout_s=0.05)
    assert not found.absent
    assert found.why == "no answer within 0.05 s"


def test_a_refused_permission_names_the_group_to_join(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: object) -> None:
        raise PermissionError(13, "Permission denied")

    path.touch()
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(os, "getgroups", lambda: [])
    monkeypatch.setattr("grp.getgrgid", lambda gid: type("Group", (), {"gr_name": "docker"}))
    found = refusal(Target(f"unix://{path}"))
    assert not found.absent
    assert found.why == "permission denied"
    assert found.advice == "join its group with 'sudo usermod -aG docker $USER' and log in again"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_without_permission_is_refused_by_the_kernel(path: Path) -> None:
    with fake_socket(path) as fake:
        path.chmod(0o600)
        os.seteuid(65534)
        try:
            found = refusal(Target(fake.url))
        finally:
            os.seteuid(0)
    assert found.why == "permission denied"


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nno such x",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
    ],
    ids=["an HTTP error", "no API version"],
)
def test_answers_of_other_servers_are_recognised(path: Path, reply: bytes) -> None:
    with fake_socket(path, reply) as fake:
        found = refusal(Target(fake.url))
    assert not found.absent
    assert "not a Docker Engine" in found.why


def test_nonsense_is_a_refusal_not_a_crash(path: Path) -> None:
    with fake_socket(path, b"SSH-2.0-OpenSSH_9.2\r\n") as fake:
        assert "BadStatusLine" in refusal(Target(fake.url)).why


@pytest.mark.parametrize(
    "url",
    ["unix://relative", "unix://", "npipe:////./pipe/docker_engine", "tcp://", "tcp://h:port", "docker"],
)
def test_an_unusable_address_is_refused_with_advice(url: str) -> None:
    assert refusal(Target(url)).why.startswith("not a usable address")


def test_ssh_is_refused_with_advice() -> None:
    assert "ssh -nNT -L" in refusal(Target("ssh://me@host")).advice


def test_a_tcp_address_without_a_listener_is_absent() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))  # bound, so that no other process takes it; not listening
        assert refusal(Target(f"tcp://127.0.0.1:{listener.getsockname()[1]}")).absent


def test_tls_files_that_are_no_certificates_are_refused(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("none")
    found = refusal(Target("tcp://127.0.0.1:1", TlsFiles(ca, None, None, verify=True)))
    assert found.why.startswith("not a usable address")
