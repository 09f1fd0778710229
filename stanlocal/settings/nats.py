"""The top-level options of the NATS server inside each node: nats-server 2.9.24 (its server/opts.go).

The streaming server accepts unknown names there silently, so all of them are listed: those that can be
set, and those that cannot, with the reason. Defaults are the server's own.
"""

from __future__ import annotations

from stanlocal.settings.schema import Kind, Option, Table
from stanlocal.util.integers import INT64_MAX

_INT32_MAX = 2**31 - 1
_MS = 10**6
_ZERO = range(1)
_NOT_POSITIVE = range(-INT64_MAX, 1)
_MIN_LAME_DUCK_NS = 30 * 10**9

_PERMISSIONS = "Subjects that may be published and subscribed to; clients of STAN need _STAN.> and _INBOX.>."

_USER = Table(
    (
        Option("user", Kind.STRING, "Name.", aliases=("username",)),
        Option("password", Kind.STRING, "Password or its bcrypt hash.", aliases=("pass",), secret=True),
        Option("nkey", Kind.STRING, "Public NKey, instead of name and password.", secret=True),
        Option("permissions", Kind.STRUCTURE, _PERMISSIONS, aliases=("permission", "authorization")),
        Option(
            "allowed_connection_types",
            Kind.STRINGS,
            "Ways the user may connect.",
            aliases=("connection_types", "clients"),
        ),
    )
)

_AUTHORIZATION = Table(
    (
        Option("user", Kind.STRING, "Name of the only user.", aliases=("username",)),
        Option("password", Kind.STRING, "That user's password.", aliases=("pass",), secret=True),
        Option("token", Kind.STRING, "Token that clients present instead.", secret=True),
        Option("timeout", Kind.NUMBER, "Seconds a client has for its login.", "2", minimum=0),
        Option(
            "users",
            Kind.TABLES,
            "Several users; streaming.username and streaming.password must be one of them.",
            table=_USER,
        ),
        Option(
            "default_permissions",
            Kind.STRUCTURE,
            "Permissions of users without their own.",
            aliases=("default_permission", "permissions"),
        ),
    )
)

_TLS = Table(
    (
        Option("cert_file", Kind.PATH, "Certificate of the server."),
        Option("key_file", Kind.PATH, "Key of that certificate."),
        Option("ca_file", Kind.PATH, "CA certificates to check those of clients against."),
        Option("verify", Kind.BOOLEAN, "Whether clients must show a certificate.", "false"),
        Option("verify_and_map", Kind.BOOLEAN, "Whether that certificate names the user.", "false"),
        Option("timeout", Kind.NUMBER, "Seconds for the handshake.", "2", minimum=0),
        Option("cipher_suites", Kind.STRINGS, "Go names of the cipher suites allowed."),
        Option("curve_preferences", Kind.STRINGS, "Go names of the curves, best first."),
        Option("connection_rate_limit", Kind.INTEGER, "Handshakes a second; 0 is unlimited.", "0", minimum=0),
        Option("pinned_certs", Kind.STRINGS, "SHA-256 in hex of the public keys accepted."),
        Option("insecure", Kind.BOOLEAN, "Whether certificates are not checked.", "false"),
        Option("ocsp_peer", Kind.STRUCTURE, "OCSP checks of clients' certificates."),
        *(
            Option(name, Kind.STRING, doc, refused="it is for Windows' certificate store")
            for name, doc in (
                ("cert_store", "Windows' certificate store."),
                ("cert_match", "What to look for there."),
                ("cert_match_by", "Where to look for it."),
            )
        ),
        Option(
            "verify_cert_and_check_known_urls",
            Kind.BOOLEAN,
            "Check certificates against configured URLs.",
            refused="the server takes it for routes only",
        ),
    )
)

_WRITTEN = "stanlocal writes the routes between the nodes"
_OF_CLIENTS = "the routes between the nodes have no users"
_LOGIN = "stanlocal gives the routes a login of their own, where clients need one"
_ROUTES_TLS = Table(
    (
        Option("cert_file", Kind.PATH, "Certificate of the nodes, which they show to each other."),
        Option("key_file", Kind.PATH, "Key of that certificate."),
        Option(
            "ca_file",
            Kind.PATH,
            "CA certificates to check those of nodes against.",
            "the certificate itself",
        ),
        Option("verify", Kind.BOOLEAN, "No effect: nodes always check each other's certificates.", "true"),
        *(
            option
            for option in _TLS.options
            if option.name
            in ("timeout", "cipher_suites", "curve_preferences", "connection_rate_limit", "pinned_certs")
        ),
        Option("insecure", Kind.BOOLEAN, "Whether a node that dials checks no certificate.", "false"),
        Option(
            "verify_and_map", Kind.BOOLEAN, "Whether that certificate names the user.", refused=_OF_CLIENTS
        ),
        Option(
            "verify_cert_and_check_known_urls",
            Kind.BOOLEAN,
            "Check certificates against configured URLs.",
            refused="the certificate that nodes share has all their names, so that it would check nothing",
        ),
        *(option for option in _TLS.options if option.name.startswith(("cert_store", "cert_match"))),
    )
)
_CLUSTER = Table(
    (
        Option("tls", Kind.TABLE, "TLS of the routes between nodes.", table=_ROUTES_TLS),
        *(
            Option(name, Kind.STRUCTURE, "", aliases=also, refused=_WRITTEN)
            for name, also in (
                ("name", ()),
                ("listen", ()),
                ("host", ("net",)),
                ("port", ()),
                ("routes", ()),
                ("cluster_advertise", ("advertise",)),
                ("no_advertise", ()),
                ("connect_retries", ()),
                ("accounts", ()),
            )
        ),
        *(Option(name, Kind.STRUCTURE, "", refused=_LOGIN) for name in ("authorization", "permissions")),
    )
)

_SETTABLE = (
    Option("authorization", Kind.TABLE, "Who may connect.", table=_AUTHORIZATION),
    Option("accounts", Kind.STRUCTURE, "Accounts with users, imports and exports."),
    Option("no_auth_user", Kind.STRING, "User of the clients that do not log in."),
    Option("system_account", Kind.STRING, "Account of system events.", "$SYS", aliases=("system",)),
    Option(
        "no_system_account",
        Kind.BOOLEAN,
        "Whether there is no system account.",
        "false",
        aliases=("no_system", "no_sys_acc"),
    ),
    Option("mappings", Kind.STRUCTURE, "Subjects mapped to others.", aliases=("maps",)),
    Option("tls", Kind.TABLE, "TLS of clients.", table=_TLS),
    Option("cluster", Kind.TABLE, "Routes between the nodes.", table=_CLUSTER),
    Option("allow_non_tls", Kind.BOOLEAN, "Whether clients may also connect in clear.", "false"),
    Option("ocsp", Kind.STRUCTURE, "OCSP stapling."),
    Option("ocsp_cache", Kind.STRUCTURE, "Cache of OCSP answers."),
    Option(
        "max_payload",
        Kind.SIZE,
        "Largest message, at most max_pending; 0 is the default.",
        "1mb",
        minimum=1,
        also=_ZERO,
        maximum=_INT32_MAX,
    ),
    Option(
        "max_pending",
        Kind.SIZE,
        "Unsent bytes that mark a slow consumer; 0 is the default.",
        "64mb",
        minimum=1,
        also=_ZERO,
    ),
    Option(
        "max_control_line",
        Kind.SIZE,
        "Longest protocol line, the subject included; 0 is the default.",
        "4096",
        minimum=1,
        also=_ZERO,
        maximum=_INT32_MAX,
    ),
    Option(
        "max_connections",
        Kind.INTEGER,
        "Clients at a time; a node's own five count too. 0 is the default, less is unlimited.",
        "65536",
        aliases=("max_conn",),
        minimum=6,
        also=_NOT_POSITIVE,
    ),
    Option(
        "max_subscriptions",
        Kind.INTEGER,
        "Subscriptions of one connection; 0 or less is unlimited.",
        "0",
        aliases=("max_subs",),
    ),
    Option(
        "max_sub_tokens",
        Kind.INTEGER,
        "Parts of a subscription's subject.",
        "unlimited",
        aliases=("max_subscription_tokens",),
        minimum=1,
        maximum=255,
    ),
    Option(
        "ping_interval",
        Kind.DURATION,
        "Time between two pings to a connection; 0 is the default.",
        "2m",
        minimum=_MS,
        also=_ZERO,
    ),
    Option("ping_max", Kind.INTEGER, "Pings that may go unanswered; 0 is the default.", "2"),
    Option(
        "write_deadline",
        Kind.DURATION,
        "How long a write may block; 0 is the default.",
        "10s",
        minimum=_MS,
        also=_ZERO,
    ),
    Option("debug", Kind.BOOLEAN, "Debug lines of the NATS server.", "false"),
    Option("trace", Kind.BOOLEAN, "Trace lines of the NATS server.", "false"),
    Option("trace_verbose", Kind.BOOLEAN, "Trace lines of the system account too.", "false"),
    Option("max_traced_msg_len", Kind.INTEGER, "Bytes of a message in a trace line.", "unlimited"),
    Option("connect_error_reports", Kind.INTEGER, "Failed first dials per log line.", "3600"),
    Option("reconnect_error_reports", Kind.INTEGER, "Failed later dials per log line.", "1"),
    Option("server_tags", Kind.STRINGS, "Tags of the server in its monitor."),
    Option(
        "disable_sublist_cache",
        Kind.BOOLEAN,
        "Whether subject matches are not cached.",
        "false",
        aliases=("no_sublist_cache",),
    ),
    Option("no_header_support", Kind.BOOLEAN, "Whether message headers are refused.", "false"),
    Option(
        "lame_duck_duration",
        Kind.DURATION,
        "Time over which lame duck mode closes clients.",
        "2m",
        minimum=_MIN_LAME_DUCK_NS,
    ),
    Option("lame_duck_grace_period", Kind.DURATION, "Wait before clients are closed.", "10s", minimum=0),
)

_ADDRESSES = "stanlocal chooses what the nodes listen on; set port for the clients' ports on the host"
_IDENTITY = "stanlocal sets it for each node"
_LOG = "stanlocal follows the servers' standard error"
_OTHER_PORT = "stanlocal publishes the ports of clients and monitoring only"
_OPERATOR = "stanlocal does not run operator mode; use authorization or accounts"
_JETSTREAM = "the group is a NATS Streaming one; JetStream has no store here"

_REFUSED: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("listen", (), _ADDRESSES),
    ("host", ("net",), _ADDRESSES),
    ("port", (), _ADDRESSES),
    ("http", (), _ADDRESSES),
    ("http_port", ("monitor_port",), _ADDRESSES),
    ("https", (), _ADDRESSES),
    ("https_port", (), _ADDRESSES),
    ("http_base_path", (), "stanlocal reads the monitor at its usual paths"),
    ("client_advertise", (), "stanlocal advertises the published host address"),
    ("server_name", (), _IDENTITY),
    ("gateway", (), _OTHER_PORT),
    ("leafnodes", ("leaf",), _OTHER_PORT),
    ("websocket", ("ws",), _OTHER_PORT),
    ("mqtt", (), _OTHER_PORT),
    ("prof_port", (), _OTHER_PORT),
    ("log_file", ("logfile",), _LOG),
    ("logfile_size_limit", ("log_size_limit",), _LOG),
    ("syslog", (), _LOG),
    ("remote_syslog", (), _LOG),
    ("logtime", (), "stanlocal needs the times in the log"),
    ("logtime_utc", (), "the streaming server does not pass it on, so it does nothing"),
    ("pid_file", ("pidfile",), "the nodes' file systems are read-only"),
    ("ports_file_dir", (), "the nodes' file systems are read-only"),
    ("jetstream", (), _JETSTREAM),
    ("store_dir", ("storedir",), _JETSTREAM),
    ("default_js_domain", (), _JETSTREAM),
    ("operator", ("operators", "roots", "root", "root_operators", "root_operator"), _OPERATOR),
    ("resolver", ("account_resolver", "accounts_resolver"), _OPERATOR),
    ("resolver_tls", (), _OPERATOR),
    ("resolver_preload", (), _OPERATOR),
    ("resolver_pinned_accounts", (), _OPERATOR),
    ("trusted_keys", ("trusted",), _OPERATOR),
)

NATS = Table(
    (
        *_SETTABLE,
        *(Option(name, Kind.STRUCTURE, "", aliases=also, refused=why) for name, also, why in _REFUSED),
    )
)
