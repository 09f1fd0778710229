"""The processes that run on the host: etcd, the servers of the control plane, and the cluster's DNS. Pure."""

from __future__ import annotations

from pathlib import Path

from tests.kubernetes.cluster.layout import (
    API_PORT,
    CLUSTER_DOMAIN,
    ETCD_PEER_URL,
    ETCD_URL,
    HOST_ADDRESS,
    SERVICE_NETWORK,
    Paths,
)
from tests.kubernetes.cluster.program import Program, options

API_SERVER = "apiserver"
CONTROLLERS = "controller-manager"
SCHEDULER = "scheduler"
DNS = "coredns"


def etcd(kube: Path, paths: Paths) -> Program:
    """Return etcd without syncs to the disk: the data of a test may be lost."""
    flags = options(
        data_dir=paths.root / "etcd",
        listen_client_urls=ETCD_URL,
        advertise_client_urls=ETCD_URL,
        listen_peer_urls=ETCD_PEER_URL,
        initial_advertise_peer_urls=ETCD_PEER_URL,
        initial_cluster=f"default={ETCD_PEER_URL}",
        log_level="warn",
    )
    return Program("etcd", (str(kube), "etcd", "--unsafe-no-fsync", *flags))


def api_server(kube: Path, paths: Paths) -> Program:
    """Return the API server: on the switch's network alone, for holders of a certificate alone."""
    flags = options(
        etcd_servers=ETCD_URL,
        bind_address=HOST_ADDRESS,
        secure_port=API_PORT,
        advertise_address=HOST_ADDRESS,  # else it looks for a default route, which a machine may lack
        tls_cert_file=paths.certificate(API_SERVER),
        tls_private_key_file=paths.private_key(API_SERVER),
        client_ca_file=paths.certificate("ca"),
        # With these it fetches logs from kubelets, and passes exec and port-forward on to them.
        kubelet_client_certificate=paths.certificate("admin"),
        kubelet_client_key=paths.private_key("admin"),
        kubelet_preferred_address_types="InternalIP",  # the nodes' names are in no DNS
        service_account_issuer="https://kubernetes.default.svc",
        service_account_key_file=paths.private_key("accounts"),
        service_account_signing_key_file=paths.private_key("accounts"),
        service_cluster_ip_range=SERVICE_NETWORK,
        authorization_mode="Node,RBAC",
        anonymous_auth="false",
        profiling="false",
    )
    return Program(API_SERVER, (str(kube), "kube-apiserver", *flags))


def controllers(kube: Path, paths: Paths) -> Program:
    """Return the controllers, of which there is one: an election would cost 15 s at each restart."""
    flags = options(
        kubeconfig=paths.kubeconfig(),
        leader_elect="false",
        service_account_private_key_file=paths.private_key("accounts"),
        root_ca_file=paths.certificate("ca"),
        secure_port=0,  # else a port of the host
        pvclaimbinder_sync_period="1s",  # 15 s by default: a claim made beside its group waits that long
        node_monitor_grace_period="20s",  # 50 s by default: the time that a cut-off node stays Ready
    )
    return Program(CONTROLLERS, (str(kube), "kube-controller-manager", *flags))


def scheduler(kube: Path, paths: Paths) -> Program:
    """Return the scheduler, without an election like the controllers."""
    flags = options(kubeconfig=paths.kubeconfig(), leader_elect="false", secure_port=0)
    return Program(SCHEDULER, (str(kube), "kube-scheduler", *flags))


def dns(coredns: Path, paths: Paths) -> Program:
    """Return the DNS server of the pods."""
    return Program(DNS, (str(coredns), "-conf", str(corefile_path(paths)), "-quiet"))


def corefile_path(paths: Paths) -> Path:
    return paths.root / "Corefile"


def corefile(paths: Paths) -> str:
    """Return the configuration of the DNS server.

    It knows no name outside of the cluster and says so at once: resolvers take a refusal for a broken server.
    """
    return f"""{CLUSTER_DOMAIN} in-addr.arpa {{
  bind {HOST_ADDRESS}
  errors
  kubernetes {CLUSTER_DOMAIN} in-addr.arpa {{
    kubeconfig {paths.kubeconfig()}
    ttl 0
  }}
}}
. {{
  bind {HOST_ADDRESS}
  template IN ANY {{
    rcode NXDOMAIN
  }}
}}
"""
