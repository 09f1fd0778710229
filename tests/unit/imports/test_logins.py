"""Logins and TLS of deployments: taken, or asked for by name; none is dropped without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.errors import SettingsError
from stanlocal.imports.reading import read
from stanlocal.lifecycle.opener import GroupOpener
from stanlocal.settings import resolve
from stanlocal.settings.layer import Layer
from tests.unit.imports.reading import FT, Write, problems, reported, values

STREAMING = f"streaming {{ id: a, {FT} }}\n"
USERS = [{"user": "app", "password": "s3cret"}, {"user": "other", "password": "x"}]


def unmet(path: Path, environ: dict[str, str] | None = None) -> list[str]:
    """The lines that ask for what is not in the file."""
    found = read(path, environ or {})
    return [line.replace(f"{path.parent}/", "") for line in found.unmet(values(path, environ))]


# stan.conf


def test_tls_keeps_its_options_and_asks_for_its_files(write: Write) -> None:
    path = write("stan.conf", f"tls {{ cert_file: /c/a.pem, key_file: /c/k.pem, verify: true }}\n{STREAMING}")
    assert values(path).nats == {"tls": {"verify": True}}
    assert unmet(path) == [
        "stan.conf:1:7: nats.tls.cert_file is '/c/a.pem' there, a file of another machine; "
        "set STANLOCAL_NATS__TLS__CERT_FILE=FILE, or make certificates with --secure",
        "stan.conf:1:28: nats.tls.key_file is '/c/k.pem' there, a file of another machine; "
        "set STANLOCAL_NATS__TLS__KEY_FILE=FILE, or make certificates with --secure",
    ]


def test_a_secured_group_makes_the_certificates_itself(write: Write) -> None:
    path = write("stan.conf", f"tls {{ cert_file: /c/a.pem, key_file: /c/k.pem, verify: true }}\n{STREAMING}")
    settings = GroupOpener({"secure": True}, from_files=(path,)).settings()
    assert (settings.secure, settings.nats) == (True, {"tls": {"verify": True}})


def test_tls_of_routes_asks_for_its_files(write: Write, tmp_path: Path) -> None:
    """It is taken over like the clients', and a secured group makes the certificates itself."""
    routes = "cluster {{ name: prod, tls {{ cert_file: {0}, key_file: {0}, verify: true, timeout: 3 }} }}"
    path = write("stan.conf", f"{routes.format('/c/a.pem')}\n{STREAMING}")
    assert values(path).nats == {"cluster": {"tls": {"verify": True, "timeout": 3}}}
    assert [line.partition(": ")[2].partition(" is ")[0] for line in unmet(path)] == [
        "nats.cluster.tls.cert_file",
        "nats.cluster.tls.key_file",
    ]
    assert unmet(path)[0].endswith("CLUSTER__TLS__CERT_FILE=FILE, or make certificates with --secure")
    assert GroupOpener({"secure": True}, from_files=(path,)).settings().secure
    (tmp_path / "a.pem").write_text("-")
    path = write("stan.conf", f"{routes.format('a.pem')}\n{STREAMING}")
    assert values(path).nats["cluster"]["tls"]["cert_file"] == str(tmp_path / "a.pem")


def test_certificates_beside_the_configuration_are_taken(write: Write, tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    for name in ("a.pem", "k.pem"):
        (tmp_path / "certs" / name).write_text("-")
    path = write("stan.conf", f"tls {{ cert_file: certs/a.pem, key_file: './certs/k.pem' }}\n{STREAMING}")
    assert values(path).nats["tls"] == {
        "cert_file": str(tmp_path / "certs" / "a.pem"),
        "key_file": str(tmp_path / "certs" / "k.pem"),
    }
    assert unmet(path) == []


def test_files_outside_the_configurations_folder_are_asked_for(write: Write, tmp_path: Path) -> None:
    (tmp_path / "link.pem").symlink_to("/etc/hostname")
    for name in ("/etc/hostname", "../../etc/hostname", "link.pem"):
        path = write("stan.conf", f"tls {{ cert_file: '{name}' }}\n{STREAMING}")
        assert len(unmet(path)) == 1


def test_a_secret_that_is_not_in_the_file_is_asked_for_by_its_names(write: Write) -> None:
    path = write("stan.conf", f"authorization {{ user: app, password: $PASSWORD }}\n{STREAMING}")
    (line,) = unmet(path)
    variable = "STANLOCAL_NATS__AUTHORIZATION__PASSWORD"
    assert line == (
        "stan.conf:1:28: nats.authorization.password is $PASSWORD, which is set neither there nor in the "
        f"environment; set {variable} or {variable}_FILE"
    )
    assert values(path, {"PASSWORD": "s3cret"}).nats["authorization"]["password"] == "s3cret"
    assert unmet(path, {"PASSWORD": "s3cret"}) == []


def test_a_variable_in_a_list_of_users_is_no_password(write: Write) -> None:
    """Whoever knows the configuration would get in with the variable's name."""
    path = write("stan.conf", f"authorization {{ users: [ {{ user: a, password: $PW }} ] }}\n{STREAMING}")
    (problem,) = unmet(path)
    assert problem == (
        "stan.conf:1:17: nats.authorization.users is $PW, which is set neither there nor in the environment; "
        "set PW"
    )


def test_the_users_of_an_existing_group_do_not_stand_for_those_of_the_file(write: Write) -> None:
    path = write("stan.conf", f"authorization {{ users: [ {{ user: a, password: $PW }} ] }}\n{STREAMING}")
    login = {"username": "b", "password": "older"}
    users = [{"user": "b", "password": "older"}]
    older = {"streaming": login, "nats": {"authorization": {"users": users}}}
    found = read(path, {})
    assert len(found.unmet(resolve([Layer("running", older), found.layer]))) == 1


def test_what_is_asked_for_comes_from_the_environment(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = write("stan.conf", f"authorization {{ user: app, password: $PASSWORD }}\n{STREAMING}")
    opener = GroupOpener({}, from_files=(path,))
    with pytest.raises(SettingsError, match="set STANLOCAL_NATS__AUTHORIZATION__PASSWORD"):
        opener.settings()
    (tmp_path / "password").write_text("s3cret\n")
    monkeypatch.setenv("STANLOCAL_NATS__AUTHORIZATION__PASSWORD_FILE", str(tmp_path / "password"))
    assert opener.settings().nats["authorization"] == {"user": "app", "password": "s3cret"}


# Chart values

FT_VALUES = "store: {type: file, ft: {group: g}, file: {path: /data/stan/store}}\n"


def test_the_users_of_the_charts_nats_server_are_taken(write: Write) -> None:
    text = f"""{FT_VALUES}stan:
  auth: {{enabled: true, username: app, password: '"s3cret"'}}
auth:
  enabled: true
  basic:
    users:
    - {{user: app, password: s3cret}}
    - {{user: other, password: x}}
"""
    path = write("values.yaml", text)
    settings = values(path)
    assert settings.nats["authorization"]["users"] == USERS
    assert (settings.streaming["username"], settings.streaming["password"]) == ("app", "s3cret")
    assert not [line for line in reported(read(path, {})) if "auth" in line]


def test_a_login_at_a_nats_server_elsewhere_becomes_the_groups_own(write: Write) -> None:
    text = f"""{FT_VALUES}stan:
  nats: {{url: 'nats://nats:4222'}}
  auth: {{enabled: true, username: '"2024"', password: s3cret}}
"""
    assert values(write("values.yaml", text)).nats["authorization"] == {"user": "2024", "password": "s3cret"}


def test_a_password_that_the_values_leave_out_is_asked_for(write: Write) -> None:
    text = f"{FT_VALUES}stan: {{nats: {{url: 'nats://n:4222'}}, auth: {{enabled: true, username: app}}}}\n"
    (line,) = unmet(write("values.yaml", text))
    assert "nats.authorization.password is not in the values" in line
    assert "set STANLOCAL_NATS__AUTHORIZATION__PASSWORD or" in line


def test_a_password_without_a_user_is_not_printed_by_the_chart(write: Write) -> None:
    path = write("values.yaml", f"{FT_VALUES}stan: {{auth: {{enabled: true, password: s3cret}}}}\n")
    assert "password" not in values(path).streaming
    (line,) = [line for line in reported(read(path, {})) if "stan.auth.password" in line]
    assert "the chart prints it beside stan.auth.username only" in line
    assert "s3cret" not in line


@pytest.mark.parametrize("enabled", ["true", "'true'", "'false'", "1"])
def test_a_login_is_on_where_the_charts_condition_holds(write: Write, enabled: str) -> None:
    text = f"{FT_VALUES}stan: {{auth: {{enabled: {enabled}, username: app, password: 2024}}}}\n"
    path = write("values.yaml", text)
    assert values(path).streaming["password"] == "2024"
    assert any("it is a word here, as if in quotes" in line for line in reported(read(path, {})))


def test_tls_of_the_charts_nats_server_asks_for_its_files(write: Write) -> None:
    text = f"""{FT_VALUES}nats:
  tls: {{secret: {{name: nats-tls}}, cert: tls.crt, key: tls.key, verify: true}}
stan:
  tls: {{enabled: true, secretName: stan-tls, settings: {{client_ca: /etc/nats/certs/ca.crt}}}}
"""
    path = write("values.yaml", text)
    assert values(path).nats["tls"] == {"verify": True}
    assert [line.partition(": ")[2].partition(" is ")[0] for line in unmet(path)] == [
        "nats.tls.cert_file",
        "nats.tls.key_file",
        "streaming.tls.client_cacert",
    ]


def test_tls_of_the_charts_routes_asks_for_its_files(write: Write) -> None:
    tls = "{secret: {name: t}, ca: ca.crt, cert: tls.crt, key: tls.key, verify: true, timeout: 3}"
    path = write("values.yaml", f"{FT_VALUES}cluster: {{tls: {tls}}}\n")
    assert values(path).nats == {"cluster": {"tls": {"verify": True, "timeout": 3}}}
    assert [line.partition(": ")[2].partition(" is ")[0] for line in unmet(path)] == [
        "nats.cluster.tls.cert_file",
        "nats.cluster.tls.key_file",
        "nats.cluster.tls.ca_file",
    ]


def test_logins_that_the_chart_does_not_read_are_left_out_with_the_reason(write: Write) -> None:
    text = f"""{FT_VALUES}stan:
  nats: {{url: 'nats://nats:4222'}}
  auth: {{enabled: false, username: app, password: s3cret}}
  credentials: {{secret: {{name: a, key: b}}}}
auth:
  basic: {{users: [{{user: app, password: s3cret}}]}}
nats:
  tls: {{secret: {{name: nats-tls}}, cert: tls.crt}}
"""
    path = write("values.yaml", text)
    assert values(path).nats == {}
    assert unmet(path) == []
    lines = reported(read(path, {}))
    for name in ("stan.auth", "stan.credentials", "auth.basic", "nats.tls"):
        assert [line for line in lines if f": {name}" in f" {line}" and "left out" in line], name
    assert "s3cret" not in str(lines)


@pytest.mark.parametrize(
    ("value", "read_as"),
    [("'\"2024\"'", "2024"), ("'\"a,b\"'", "a,b"), ("orders", "orders"), ("'a b'", None)],
)
def test_values_are_read_as_the_chart_prints_them(write: Write, value: str, read_as: str | None) -> None:
    path = write("values.yaml", f"{FT_VALUES}stan: {{clusterID: {value}}}\n")
    if read_as is not None:
        assert values(path).streaming["cluster_id"] == read_as
    else:
        assert "stan.clusterID: the chart prints it without quotes" in problems(path)[0]


def test_names_of_channels_are_read_as_the_chart_prints_them(write: Write) -> None:
    limits = "{'\"a:b\"': {max_msgs: 5}, foo.>: {max_msgs: 6}}"
    text = f"store: {{type: file, ft: {{group: g}}, limits: {{channels: {limits}}}}}\n"
    channels = values(write("values.yaml", text)).streaming["store_limits"]["channels"]
    assert {name: each["max_msgs"] for name, each in channels.items()} == {"a:b": 5, "foo.>": 6}
