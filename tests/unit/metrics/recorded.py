"""Metrics of prometheus-nats-exporter 0.16.0 with -connz -routez -subz -varz -channelz -serverz.

Sources: its documentation (README.md and walkthrough/streaming.md of release 0.5.0, whose names all remain)
and its collectors. `varz`, `routez` and `subsz` have one gauge for each figure of the server's document, at
any depth, and for some texts; listed are those that the documentation and the collectors' own tests name.
"""

from __future__ import annotations

_SERVER = ("server_id",)
_VALUE = ("server_id", "value")
_CHANNEL = ("channel", "server_id", "server_role")
_SUBSCRIPTION = (
    "channel",
    "client_id",
    "durable_name",
    "inbox",
    "is_durable",
    "is_offline",
    "queue_name",
    "server_id",
    "server_role",
)

NATS: dict[str, tuple[str, ...]] = dict.fromkeys(
    (
        "gnatsd_connz_in_bytes",
        "gnatsd_connz_in_msgs",
        "gnatsd_connz_limit",
        "gnatsd_connz_num_connections",
        "gnatsd_connz_offset",
        "gnatsd_connz_out_bytes",
        "gnatsd_connz_out_msgs",
        "gnatsd_connz_pending_bytes",
        "gnatsd_connz_subscriptions",
        "gnatsd_connz_total",
        "gnatsd_routez_num_routes",
        "gnatsd_subsz_num_subscriptions",
        "gnatsd_varz_config_load_time",
        "gnatsd_varz_connections",
        "gnatsd_varz_http_req_stats",
        "gnatsd_varz_http_req_stats_streaming_serverz",
        "gnatsd_varz_http_req_stats_varz",
        "gnatsd_varz_in_bytes",
        "gnatsd_varz_in_msgs",
        "gnatsd_varz_max_connections",
        "gnatsd_varz_out_bytes",
        "gnatsd_varz_out_msgs",
        "gnatsd_varz_start",
        "gnatsd_varz_subscriptions",
        "gnatsd_varz_total_connections",
    ),
    _SERVER,
) | dict.fromkeys(
    (
        "gnatsd_routez_server_id",
        "gnatsd_routez_server_name",
        "gnatsd_varz_cluster_name",
        "gnatsd_varz_server_id",
        "gnatsd_varz_server_name",
        "gnatsd_varz_version",
    ),
    _VALUE,
)

STREAMING: dict[str, tuple[str, ...]] = {
    "nss_chan_bytes_total": _CHANNEL,
    "nss_chan_last_seq": _CHANNEL,
    "nss_chan_msgs_total": _CHANNEL,
    "nss_chan_subs_last_sent": _SUBSCRIPTION,
    "nss_chan_subs_max_inflight": _SUBSCRIPTION,
    "nss_chan_subs_pending_count": _SUBSCRIPTION,
    "nss_server_active": _SERVER,
    "nss_server_bytes_in": _SERVER,
    "nss_server_bytes_out": _SERVER,
    "nss_server_bytes_total": _SERVER,
    "nss_server_channels": _SERVER,
    "nss_server_clients": _SERVER,
    "nss_server_info": ("cluster_id", "go_version", "role", "server_id", "start_time", "state", "version"),
    "nss_server_msgs_in": _SERVER,
    "nss_server_msgs_out": _SERVER,
    "nss_server_msgs_total": _SERVER,
    "nss_server_subscriptions": _SERVER,
}
