import hashlib
import json
from pathlib import Path

import pytest

from stanlocal.engine.docker.endpoint import DEFAULT_SOCKET, NoneAnswers, candidates, connect, find
from stanlocal.engine.docker.ping import TlsFiles
from stanlocal.errors import EngineUnavailable
from tests.support.fake_socket import fake_socket


def write_context(config_dir: Path, name: str, host: str, *, skip_verify: bool = False) -> Path:
    """Lays a context down as the docker command does; returns the folder for its TLS files."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = config_dir / "contexts" / "meta" / digest / "meta.json"
    meta.parent.mkdir(parents=True)
    docker_endpoint = {"Host": host, "SkipTLSVerify": skip_verify}
    meta.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": docker_endpoint}}))
    return config_dir / "contexts" / "tls" / digest / "docker"


def use_context(config_dir: Path, name: str) -> None:
    config_dir.mkdir(parents=True, exist_ok=True)
    (config_dir / "config.json").write_text(json.dumps({"currentContext": name}))


def only(environ: dict[str, str], home: Path) -> str:
    [endpoint] = candidates(environ, home)
    return str(endpoint)


def test_without_a_choice_the_well_known_sockets_are_tried_default_first(tmp_path: Path) -> None:
    urls = [str(endpoint) for endpoint in candidates({"XDG_RUNTIME_DIR": "/run/user/7"}, tmp_path)]
    assert urls[:2] == [f"unix://{DEFAULT_SOCKET}", "unix:///run/user/7/docker.sock"]
    assert f"unix://{tmp_path}/.colima/default/docker.sock" in urls
    assert f"unix://{tmp_path}/.docker/run/docker.sock" in urls


def test_choices_rank_as_in_the_docker_command(tmp_path: Path) -> None:
    """DOCKER_HOST before DOCKER_CONTEXT before the configuration's current context."""
    write_context(tmp_path / ".docker", "current", "unix:///current")
    write_context(tmp_path / ".docker", "named", "unix:///named")
    use_context(tmp_path / ".docker", "current")
    assert only({}, tmp_path) == "context current (unix:///current)"
    assert only({"DOCKER_CONTEXT": "named"}, tmp_path) == "context named (unix:///named)"
    chosen = {"DOCKER_CONTEXT": "named", "DOCKER_HOST": "tcp://h:1"}
    assert only(chosen, tmp_path) == "DOCKER_HOST (tcp://h:1)"


def test_the_default_context_is_no_choice(tmp_path: Path) -> None:
    use_context(tmp_path / ".docker", "default")
    assert len(candidates({}, tmp_path)) > 1
    write_context(tmp_path / ".docker", "named", "unix:///named")
    use_context(tmp_path / ".docker", "named")
    assert len(candidates({"DOCKER_CONTEXT": "default"}, tmp_path)) > 1


def test_docker_config_moves_the_contexts(tmp_path: Path) -> None:
    config_dir = tmp_path / "elsewhere"
    write_context(config_dir, "c", "unix:///c")
    use_context(config_dir, "c")
    assert only({"DOCKER_CONFIG": str(config_dir)}, tmp_path) == "context c (unix:///c)"


def test_a_context_brings_its_tls_files(tmp_path: Path) -> None:
    tls_dir = write_context(tmp_path / ".docker", "c", "tcp://h:2376", skip_verify=True)
    tls_dir.mkdir(parents=True)
    (tls_dir / "ca.pem").touch()
    [endpoint] = candidates({"DOCKER_CONTEXT": "c"}, tmp_path)
    assert endpoint.target.tls == TlsFiles(tls_dir / "ca.pem", None, None, verify=False)


def test_docker_host_takes_tls_from_the_environment(tmp_path: Path) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    environ = {"DOCKER_HOST": "tcp://h:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    [endpoint] = candidates(environ, tmp_path)
    ca, cert, key = (tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem"))
    assert endpoint.target.tls == TlsFiles(ca, cert, key, verify=True)


def test_an_unknown_context_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="the docker context 'gone' does not exist"):
        candidates({"DOCKER_CONTEXT": "gone"}, tmp_path)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"Endpoints": {}}', '{"Endpoints": []}', '{"Endpoints": {"docker": 1}}']
)
def test_a_broken_context_is_an_error_that_names_its_file(tmp_path: Path, text: str) -> None:
    write_context(tmp_path, "c", "unix:///c")
    [meta] = tmp_path.rglob("meta.json")
    meta.write_text(text)
    with pytest.raises(EngineUnavailable, match=r"cannot read the docker context 'c' from .*meta\.json"):
        candidates({"DOCKER_CONTEXT": "c", "DOCKER_CONFIG": str(tmp_path)}, tmp_path)


def test_a_broken_docker_configuration_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(EngineUnavailable, match=r"config\.json"):
        candidates({"DOCKER_CONFIG": str(tmp_path)}, tmp_path)


def test_a_choice_that_does_not_answer_is_not_replaced_by_another(tmp_path: Path) -> None:
    with (
        fake_socket(tmp_path / ".colima/default/docker.sock") as other,
        pytest.raises(NoneAnswers, match=r"DOCKER_HOST \(unix://.*/mine\): no such socket") as raised,
    ):
        find({"DOCKER_HOST": f"unix://{tmp_path}/mine"}, tmp_path)
    assert other.requests == []
    assert not raised.value.absent


def test_the_first_socket_that_answers_is_used_and_no_later_one_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stanlocal.engine.docker.endpoint.DEFAULT_SOCKET", str(tmp_path / "none"))
    with (
        fake_socket(tmp_path / ".colima/default/docker.sock") as first,
        fake_socket(tmp_path / ".orbstack/run/docker.sock") as second,
    ):
        endpoint, answer = find({}, tmp_path)
    assert str(endpoint) == first.url
    assert answer.api_version == "1.41"
    assert second.requests == []


def test_the_message_says_why_each_failed_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stanlocal.engine.docker.endpoint.DEFAULT_SOCKET", str(tmp_path / "docker.sock"))
    with (
        fake_socket(tmp_path / "docker.sock", reply=None),
        pytest.raises(NoneAnswers) as raised,
    ):
        find({}, tmp_path, timeout_s=0.05)
    message = str(raised.value)
    assert message.startswith(
        f"no Docker Engine answers: unix://{tmp_path}/docker.sock: no answer within 0.05 s; "
    )
    assert f"nothing listens at {tmp_path}/.docker/run/docker.sock, " in message
    assert message.endswith("; restart the engine, or look into its log")
    assert "\n" not in message
    assert not raised.value.absent


def test_no_engine_anywhere_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stanlocal.engine.docker.endpoint.DEFAULT_SOCKET", str(tmp_path / "none"))
    with pytest.raises(NoneAnswers, match="install Docker Engine or Docker Desktop") as raised:
        find({}, tmp_path)
    assert raised.value.absent


def test_connecting_costs_one_round_trip_and_settles_the_api_version(tmp_path: Path) -> None:
    with fake_socket(tmp_path / "docker.sock") as fake:
        client = connect({"DOCKER_HOST": fake.url}, tmp_path)
        assert client.api.api_version == "1.41"
        client.close()
    assert fake.requests == [b"GET /_ping HTTP/1.1"]


def test_an_engine_too_old_for_the_sdk_is_unavailable(tmp_path: Path) -> None:
    reply = b"HTTP/1.1 200 OK\r\nApi-Version: 1.12\r\nContent-Length: 2\r\n\r\nOK"
    with (
        fake_socket(tmp_path / "docker.sock", reply) as fake,
        pytest.raises(EngineUnavailable, match="API versions below"),
    ):
        connect({"DOCKER_HOST": fake.url}, tmp_path)
