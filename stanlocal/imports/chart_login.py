"""Logins and TLS of chart values as settings.

The chart's servers use a NATS server elsewhere (`stan.nats.url`), or the one inside each of them. Locally it
is always the one inside. So the login that the one elsewhere asks for becomes the group's own, and of its
TLS, of which the values have only the client's side, the report says how to have it here.
"""

from __future__ import annotations

from collections.abc import Mapping

from stanlocal.imports.chart_printing import rendered
from stanlocal.imports.conf import options
from stanlocal.imports.import_result import Found
from stanlocal.imports.kinds import converted
from stanlocal.imports.objects import at
from stanlocal.imports.walk import Path, Reasons
from stanlocal.natsconf import Entry, Table, plain
from stanlocal.settings.layer import Key
from stanlocal.settings.nats import NATS
from stanlocal.settings.streaming import CLIENT_TLS
from stanlocal.settings.tool_options import SETTINGS

_ELSEWHERE = (
    "it is for a NATS server elsewhere; here the nodes use the one inside each of them, and 'up --secure' "
    "gives it TLS and a login"
)
_NOT_USED = "the chart reads it for the NATS server inside each node only; stan.nats.url names another"
_TLS_FILES = {"cert": "cert_file", "key": "key_file", "ca": "ca_file"}
_TLS = {
    "insecure": "insecure",
    "verify": "verify",
    "verifyAndMap": "verify_and_map",
    "curvePreferences": "curve_preferences",
    "timeout": "timeout",
}
_CLIENT_FILES = ("client_cert", "client_key", "client_cacert")
_OPERATOR = "stanlocal does not run operator mode; use auth.basic"

REASONS: Reasons = {
    ("stan", "tls"): _ELSEWHERE,
    ("stan", "credentials"): _ELSEWHERE,
    ("stan", "auth"): "stan.auth.enabled is not true, so that the chart does not read it",
    ("nats", "tls"): _NOT_USED,
    ("cluster", "tls"): _NOT_USED,
    ("auth", "resolver"): _OPERATOR,
    ("auth", "operatorjwt"): _OPERATOR,
    ("auth", "basic"): "auth.enabled is not true, so that the chart does not read it",
}


def read_login(values: Table, found: Found) -> tuple[list[Path], Reasons]:
    """Put logins and TLS into `found`; return the paths that were used, and the reasons for others."""
    taken: list[Path] = []
    elsewhere = bool(at(values, ("stan", "nats", "url")))
    if not elsewhere:
        _nats_login(values, taken, found)
        if _tls(values, ("nats", "tls"), ("nats", "tls"), taken, found):
            _client_tls(values, taken, found)
        _tls(values, ("cluster", "tls"), ("nats", "cluster", "tls"), taken, found)
    _own_login(values, taken, elsewhere, found)
    return taken, _reasons(values, elsewhere)


def _holds(values: Table, path: Path) -> bool:
    """Return whether `{{ if }}` of a template holds for the value at a path."""
    value = at(values, path)
    return bool(value)


def _reasons(values: Table, elsewhere: bool) -> Reasons:
    reasons = dict(REASONS)
    if _holds(values, ("auth", "enabled")):
        reasons[("auth", "basic")] = _NOT_USED
    if not elsewhere:
        inside = "the NATS server inside each node asks for nothing that it would give"
        reasons[("stan", "tls")] = reasons[("stan", "credentials")] = inside
    if _holds(values, ("stan", "auth", "enabled")):
        reasons[("stan", "auth")] = reasons[("stan", "auth", "nkeySeedFile")] = _ELSEWHERE
    return reasons


def _own_login(values: Table, taken: list[Path], elsewhere: bool, found: Found) -> None:
    """Put the streaming server's login; that at a NATS server elsewhere is what the group's own asks for."""
    auth = at(values, ("stan", "auth"))
    if not isinstance(auth, dict) or not _holds(auth, ("enabled",)):
        return
    taken.append(("stan", "auth", "enabled"))
    names = {"username": "user", "password": "password", "token": "token"} if elsewhere else {}
    section: Key = ("nats", "authorization") if elsewhere else ("streaming",)
    given = {name: entry for name, entry in auth.items() if plain(entry.value)}
    user, password = given.get("username"), auth.get("password")
    if user is None and "password" in given:
        why = "the chart prints it beside stan.auth.username only"
        found.left_out(given.pop("password").place, "stan.auth.password", why)
        taken.append(("stan", "auth", "password"))
    for name in ("username", "password", "token"):
        if name not in given:
            continue
        key = (*section, names.get(name, name))
        entry, option = rendered(given[name], f"stan.auth.{name}", found), SETTINGS.at(key)
        assert option is not None
        meant = converted(option, entry, key, found)
        found.put(key, None if meant is None else plain(meant), entry.place)
        taken.append(("stan", "auth", name))
    if user is not None and (password is None or not plain(password.value)):
        found.need((*section, "password"), user.place, "is not in the values; stan.auth has the user only")
        taken.append(("stan", "auth", "password"))
    elif user is None and "token" in auth and not plain(auth["token"].value):
        found.need((*section, "token"), auth["token"].place, "is not in the values")
        taken.append(("stan", "auth", "token"))
    seed = auth.get("nkeySeedFile")
    if seed is not None and not elsewhere:
        found.need(("streaming", "nkey_seed_file"), seed.place, "is in a Secret of the cluster there")
        taken.append(("stan", "auth", "nkeySeedFile"))


def _nats_login(values: Table, taken: list[Path], found: Found) -> None:
    """Put the users of the NATS server inside each node."""
    if not _holds(values, ("auth", "enabled")):
        return
    taken.append(("auth", "enabled"))
    basic = at(values, ("auth", "basic"))
    if not isinstance(basic, dict):
        return
    conf: Table = {}
    if "users" in basic and isinstance(basic["users"].value, list):
        conf["authorization"] = Entry({"users": basic["users"]}, basic["users"].place)
        taken.append(("auth", "basic", "users"))
    for name, option in (("noAuthUser", "no_auth_user"), ("accounts", "accounts")):
        if name in basic and plain(basic[name].value) is not None:
            conf[option] = basic[name]
            taken.append(("auth", "basic", name))
    if "no_auth_user" in conf:
        conf["no_auth_user"] = rendered(conf["no_auth_user"], "auth.basic.noAuthUser", found)
    options(NATS, conf, ("nats",), found)


def _tls(values: Table, path: Path, key: Key, taken: list[Path], found: Found) -> bool:
    """Put the TLS at a path, that of clients or of routes, if there is any; return whether there is.

    Its files, which are in a Secret, are asked for.
    """
    tls = at(values, path)
    if not isinstance(tls, dict) or not tls:
        return False
    secret = at(tls, ("secret", "name"))
    for name, option in _TLS_FILES.items():
        if name in tls:
            found.need(
                (*key, option),
                tls[name].place,
                f"is {plain(tls[name].value)!a} of the Secret {secret!a} there",
            )
    conf: Table = {option: tls[name] for name, option in _TLS.items() if name in tls}
    for part in reversed(key[1:]):
        conf = {part: Entry(conf, next(iter(tls.values())).place)}
    options(NATS, conf, ("nats",), found)
    taken += [(*path, name) for name in ("secret", *_TLS_FILES, *_TLS)]
    return True


def _client_tls(values: Table, taken: list[Path], found: Found) -> None:
    """Ask for the files with which the streaming server meets the TLS of its own NATS server."""
    tls = at(values, ("stan", "tls"))
    if not isinstance(tls, dict) or not _holds(tls, ("enabled",)):
        return
    settings = at(tls, ("settings",))
    given: Mapping[str, Entry] = settings if isinstance(settings, dict) else {}
    named = {option.name for name in given if (option := CLIENT_TLS.find(name))} & set(_CLIENT_FILES)
    for name in _CLIENT_FILES:
        if name in named or not named:  # without any, the chart's own settings name all
            place = next(iter(tls.values())).place
            found.need(("streaming", "tls", name), place, "is in a Secret of the cluster there")
    for name in ("server_name", "skip_verify"):
        if name in given:
            found.put(("streaming", "tls", name), plain(given[name].value), given[name].place)
    taken.append(("stan", "tls"))
