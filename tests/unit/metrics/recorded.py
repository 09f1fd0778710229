"""Metrics of prometheus-nats-exporter 0.5.0 with -connz -routez -subz -varz -channelz -serverz.

Sources: its documentation (README.md and walkthrough/streaming.md of release 0.5.0) and, for the labels, its
collectors. `varz`, `routez` and `subsz` have one gauge for each figure at the top of the
server's document; listed are those that the documentation and the collectors' own tests name.
"""

from __future__ import annotations

_SERVER = ("server_id",)
_CHANNEL = ("channel", "server_id")
_SUBSCRIPTION = (
    "channel",
    "client_id",
    "durable_name",
    "inbox",
    "is_durable",
    "is_offline",
    "queue_name",
    "server_id",
)

NATS: dict[str, tuple[str, ...]] = dict.fromkeys(
    (
        "gnatsd_connz_limit",
        "gnatsd_connz_num_connections",
        "gnatsd_connz_offset",
        "gnatsd_connz_pending_bytes",
        "gnatsd_connz_total",
        "gnatsd_routez_num_routes",
        "gnatsd_subsz_num_subscriptions",
        "gnatsd_varz_connections",
        "gnatsd_varz_in_bytes",
        "gnatsd_varz_in_msgs",
        "gnatsd_varz_max_connections",
        "gnatsd_varz_out_bytes",
        "gnatsd_varz_out_msgs",
        "gnatsd_varz_subscriptions",
        "gnatsd_varz_total_connections",
    ),
    _SERVER,
)

STREAMING: dict[str, tuple[str, ...]] = {
    "nss_chan_bytes_total": _CHANNEL,
    "nss_chan_last_seq": _CHANNEL,
    "nss_chan_msgs_total": _CHANNEL,
    "nss_chan_subs_last_sent": _SUBSCRIPTION,
    "nss_chan_subs_max_inflight": _SUBSCRIPTION,
    "nss_chan_subs_pending_count": _SUBSCRIPTION,
    "nss_server_active": _SERVER,
    "nss_server_bytes_total": _SERVER,
    "nss_server_channels": _SERVER,
    "nss_server_clients": _SERVER,
    "nss_server_info": ("cluster_id", "go_version", "role", "server_id", "start_time", "state", "version"),
    "nss_server_msgs_total": _SERVER,
    "nss_server_subscriptions": _SERVER,
}
