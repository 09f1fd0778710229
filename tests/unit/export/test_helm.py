"""The values of the nats/stan chart."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as examples

from stanlocal.errors import SettingsError
from stanlocal.export.chart_text import LARGEST_NUMBER
from stanlocal.export.helm import Chart, left_out, render
from stanlocal.model.plan import STORE_DIR, GroupPlan
from stanlocal.natsconf import parse, plain
from tests.support import stan_chart
from tests.support.effort import inputs
from tests.unit.export import groups
from tests.unit.export.plans import a_plan


def values(plan: GroupPlan, chart: Chart | None = None) -> dict[str, Any]:
    """The exported values, read."""
    found: dict[str, Any] = yaml.safe_load(render(plan, chart or Chart("stan")))
    return found


def test_the_values_have_the_guides_shape() -> None:
    found = values(a_plan())
    assert found["stan"]["nats"]["url"] == "nats://nats:4222"
    assert found["stan"]["replicas"] == 2
    assert found["store"]["type"] == "file"
    assert found["store"]["ft"] == {"group": "test-cluster"}
    assert found["store"]["file"]["path"] == "/data/stan/store"
    assert found["store"]["volume"]["persistentVolumeClaim"]["claimName"] == "stan-efs"


def test_sizes_are_such_as_the_charts_templates_hand_on() -> None:
    """File options become JSON, which has no units; limits are printed, which makes 2.7e+11 of a number."""
    store = values(a_plan())["store"]
    assert store["file"]["options"]["buffer_size"] == 32 << 20
    assert store["limits"]["max_bytes"] == "256gb"


def test_limits_of_channels_are_exported() -> None:
    channels = {"foo.>": {"max_bytes": "1mb", "max_msgs": 5}, "bar": {}}
    plan = a_plan({"streaming": {"partitioning": True, "store_limits": {"channels": channels}}})
    store = values(plan)["store"]
    assert store["limits"]["channels"] == {"bar": {}, "foo.>": {"max_msgs": 5, "max_bytes": "1mb"}}
    assert store["partitioning"] == {"enabled": True}


def test_settings_without_a_chart_value_are_listed_in_the_text_and_to_the_caller() -> None:
    plan = a_plan({"streaming": {"hb_interval": "5s"}, "nats": {"ping_interval": "1s"}})
    missing = left_out(plan)
    assert [line.partition(":")[0] for line in missing] == ["streaming.hb_interval", "nats.ping_interval"]
    text = render(plan, Chart("stan"))
    assert all(line in text for line in missing)


def test_no_secret_is_in_the_values() -> None:
    plan = a_plan({"streaming": {"encryption_key": "t0p-s3cret", "username": "u", "password": "t0p-s3cret"}})
    assert "t0p-s3cret" not in render(plan, Chart("stan"))


@pytest.mark.parametrize("chart", [{"name": "Stan"}, {"name": "stan", "claim": "a_b"}])
def test_names_that_kubernetes_refuses_are_refused(chart: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="refused by Kubernetes"):
        Chart(**chart)


def served(plan: GroupPlan, chart: Chart | None = None, **secrets: str) -> dict[str, Any]:
    """The streaming options that the chart's servers read."""
    given = {f"stan.auth.{name}": f'"{secret}"' for name, secret in secrets.items()}
    conf = stan_chart.stan_conf(values(plan, chart), given)
    read: dict[str, Any] = plain(parse(conf, missing_ok=True))["streaming"]
    return read


@examples(max_examples=inputs(40), deadline=None)
@given(groups.streaming(largest=LARGEST_NUMBER))
def test_what_the_chart_renders_is_read_as_the_groups_own_settings(streaming: dict[str, Any]) -> None:
    plan = a_plan({"streaming": streaming})
    found = served(plan)
    assert (found["id"], found["ft_group_name"], found["dir"]) == (plan.cluster_id, plan.ft_group, STORE_DIR)
    assert found["partitioning"] is bool(plan.streaming.get("partitioning"))
    assert found.get("file_options", {}) == plan.streaming["file_options"]
    limits = {name: value for name, value in found["store_limits"].items() if name != "channels"}
    wanted = dict(plan.streaming["store_limits"])
    channels = wanted.pop("channels", {})
    assert limits == wanted
    assert found["store_limits"].get("channels", {}) == {name: dict(each) for name, each in channels.items()}


@pytest.mark.parametrize("name", ["2024", "true", "a,b", "5m", "nats-1", "#a"])
def test_words_that_are_no_strings_to_the_server_reach_it_as_strings(name: str) -> None:
    assert served(a_plan({"streaming": {"cluster_id": name}}))["id"] == name


@pytest.mark.parametrize("name", ["a:b", "a=b", "2024", "true", "foo.>", "*.b", "include", "it's", 'a"b'])
def test_channels_of_any_name_have_their_limits(name: str) -> None:
    plan = a_plan({"streaming": {"store_limits": {"channels": {name: {"max_msgs": 5}}}}})
    assert served(plan)["store_limits"]["channels"] == {name: {"max_msgs": 5}}


def test_several_nats_servers_are_one_string() -> None:
    urls = "nats://a:4222,nats://b:4222"
    assert served(a_plan(), Chart("stan", nats_url=urls))["ns"] == urls


def test_a_login_is_mapped_and_its_password_is_handed_over() -> None:
    """The NATS server's own user logs the streaming server in, where that has none of its own."""
    users = [{"user": "2024", "password": "t0p-s3cret"}]
    embedded = a_plan({"nats": {"authorization": users[0]}})
    several = {
        "nats": {"authorization": {"users": users}},
        "streaming": {"username": "2024", "password": "x"},
    }
    for plan in (embedded, a_plan(several)):
        text = render(plan, Chart("stan"))
        assert "t0p-s3cret" not in text
        assert "--set-file stan.auth.password=password.txt" in text
        found = served(plan, password="t0p-s3cret")
        assert (found["username"], found["password"]) == ("2024", "t0p-s3cret")


def test_a_token_is_handed_over() -> None:
    plan = a_plan({"nats": {"authorization": {"token": "t0p-s3cret"}}})
    assert "t0p-s3cret" not in render(plan, Chart("stan"))
    assert served(plan, token="t0p-s3cret")["token"] == "t0p-s3cret"


def test_files_of_a_login_come_from_secrets_that_the_header_makes() -> None:
    tls = {"client_cacert": "/certs/own-ca.pem", "server_name": "nats"}
    login = {"credentials": "/keys/me.creds", "nkey_seed_file": "/keys/seed", "secure": True, "tls": tls}
    plan = a_plan({"streaming": login})
    found = served(plan)
    assert found["credentials"] == "/etc/stan-creds/user.creds"
    assert found["nkey_seed_file"] == "/etc/nkey-seed-file"
    assert found["tls"] == {"client_ca": "/etc/nats/certs/ca.crt", "server_name": "nats", "timeout": 3}
    assert found["ns"] == "tls://nats:4222"
    text = render(plan, Chart("stan"))
    for line in (
        "kubectl create secret generic stan-creds \\\n#     --from-file=user.creds=/keys/me.creds",
        "kubectl create secret generic stan-tls \\\n#     --from-file=ca.crt=/certs/own-ca.pem",
        "kubectl create secret generic stan-nkey \\\n#     --from-file=user.nk=/keys/seed",
    ):
        assert line in text
    assert left_out(plan) == []


def test_the_exporter_is_one_that_knows_nats_streaming() -> None:
    assert values(a_plan())["exporter"]["image"] == "natsio/prometheus-nats-exporter:0.16.0"


def test_pods_are_hardened_placed_and_probed_as_the_kubernetes_export_has_them() -> None:
    found = values(a_plan(), Chart("events", cpu="2", memory="3Gi", memory_limit="5Gi"))
    assert found["securityContext"] == {"fsGroup": 65532}
    assert found["stan"]["securityContext"]["readOnlyRootFilesystem"] is True
    assert found["resources"] == {"requests": {"cpu": "2", "memory": "3Gi"}, "limits": {"memory": "5Gi"}}
    term = found["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0]
    assert term["podAffinityTerm"]["labelSelector"] == {"matchLabels": {"app": "events"}}
    assert found["readinessProbe"]["httpGet"] == {"path": "/", "port": "monitor"}
    assert found["livenessProbe"]["enabled"] is True


def test_what_the_chart_cannot_hand_on_is_left_out_and_listed() -> None:
    plan = a_plan(
        {
            "streaming": {
                "store_limits": {"max_msgs": 2**60},
                "file_options": {"slice_archive_script": "/bin/x"},
            }
        }
    )
    assert [line.partition(":")[0] for line in left_out(plan)] == [
        "streaming.file_options.slice_archive_script",
        "streaming.store_limits.max_msgs",
    ]
    assert "max_msgs" not in values(plan)["store"]["limits"]
