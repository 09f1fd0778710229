"""The names that the servers' sources know, recorded from their `case` labels.

nats-streaming-server 0.25.6, server/conf.go; nats-server 2.9.24, server/opts.go.
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


STREAMING = _names("""
    cid cluster cluster_id credentials datastore dir discover_prefix encrypt encryption_cipher encryption_key
    file file_options ft_group ft_group_name hb_fail_count hb_interval hb_timeout hbf hbi hbt id limits
    nats_server nats_server_url nkey_seed_file ns partitioning pass password replace_duplicate_durable
    replace_duplicate_durables replace_durable replace_durables sd secure server_to_client_hb_fail_count
    server_to_client_hb_interval server_to_client_hb_timeout sql sql_options st stan_debug stan_trace store
    store_limits store_type storelimits storetype sv syslog_name tls token user username
""")
"""ProcessConfigFile."""

STREAMING_TLS = _names("""
    client_ca client_cacert client_cert client_key insecure server_hostname server_name skip_verify
""")
"""parseTLS of conf.go."""

STORE_LIMITS = _names("""
    channels channels_limits channelslimits ma max_age max_bytes max_channels max_count max_inactivity
    max_msgs max_subs max_subscriptions maxage maxbytes maxchannels maxcount maxinactivity maxmsgs
    maxsubscriptions mb mc mi mm msu per_channel per_channel_limits
""")
"""parseStoreLimits and parseChannelLimits."""

CHANNEL_LIMITS = _names("""
    ma max_age max_bytes max_count max_inactivity max_msgs max_subs max_subscriptions maxage maxbytes
    maxcount maxinactivity maxmsgs maxsubscriptions mb mi mm msu
""")
"""parseChannelLimits."""

FILE_OPTIONS = _names("""
    auto_sync buffer_size compact compact_enabled compact_frag compact_fragmentation compact_interval
    compact_min_size crc crc_poly do_crc do_sync fds_limit file_auto_sync file_descriptors_limit
    file_read_buffer_size parallel_recovery read_buffer_size slice_age slice_archive slice_archive_script
    slice_bytes slice_count slice_max_age slice_max_bytes slice_max_count slice_max_msgs slice_max_size
    slice_max_time slice_msgs slice_script slice_size slice_time_limit sync sync_on_flush
""")
"""parseFileOptions."""

NATS = _names("""
    account_resolver accounts accounts_resolver allow_non_tls authorization client_advertise cluster
    connect_error_reports debug default_js_domain disable_sublist_cache gateway host http http_base_path
    http_port https https_port jetstream lame_duck_duration lame_duck_grace_period leaf leafnodes listen
    log_file log_size_limit logfile logfile_size_limit logtime logtime_utc mappings maps max_conn
    max_connections max_control_line max_payload max_pending max_sub_tokens max_subs max_subscription_tokens
    max_subscriptions max_traced_msg_len monitor_port mqtt net no_auth_user no_header_support
    no_sublist_cache no_sys_acc no_system no_system_account ocsp ocsp_cache operator operators pid_file
    pidfile ping_interval ping_max port ports_file_dir prof_port reconnect_error_reports remote_syslog
    resolver resolver_pinned_accounts resolver_preload resolver_tls root root_operator root_operators roots
    server_name server_tags store_dir storedir syslog system system_account tls trace trace_verbose trusted
    trusted_keys websocket write_deadline ws
""")
"""processConfigFileLine."""

NATS_AUTHORIZATION = _names("""
    default_permission default_permissions pass password permissions timeout token user username users
""")
"""parseAuthorization."""

NATS_USER = _names("""
    allowed_connection_types authorization clients connection_types nkey pass password permission permissions
    user username
""")
"""parseUsers."""

NATS_TLS = _names("""
    ca_file cert_file cert_match cert_match_by cert_store cipher_suites connection_rate_limit
    curve_preferences insecure key_file ocsp_peer pinned_certs timeout verify verify_and_map
    verify_cert_and_check_known_urls
""")
"""parseTLS of opts.go."""
