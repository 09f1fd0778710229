# shellcheck shell=bash
# Installs and starts a Docker Engine on a Debian or Ubuntu machine with root. Needs common.sh and venv.sh.
# On other machines, and if an engine exists but cannot be used, stanlocal itself says what to do.

engine_deadline_s=60
engine_log=/var/log/docker.log
engine_pid_file=/var/run/docker.pid

engine_options=()    # of the arguments those that have a say in which engine is asked for

# Ensures an engine if the command with these arguments can use one.
see_to_engine() {
    if ! makes_a_group "$@" || ! is_debian_root || default_socket_is_served || asks_for_processes; then
        return
    fi
    local code=0
    (ensure_engine) || code=$?
    # Without an engine (3) stanlocal itself decides about local processes.
    ((code == 0 || code == 3)) || exit "$code"
}

# Succeeds if these arguments make a group. Other commands need no engine, or do nothing without one.
makes_a_group() {
    local words=() option=
    [[ -z ${_STANLOCAL_COMPLETE:-} ]] || return 1
    for arg; do
        if [[ -n $option ]]; then
            engine_options+=("$option" "$arg")
            option=
            continue
        fi
        case $arg in
            --help | -h | --version) return 1 ;;
            --yes) export STANLOCAL_YES=1 ;;
            --group | --engine | --config) option=$arg ;;
            --engine=* | --config=*) engine_options+=("$arg") ;;
            -*) ;;
            *) words+=("$arg") ;;
        esac
    done
    case "${words[*]:0:2}" in
        "drill list" | "drill verify" | drill | gotcha) return 1 ;;
        up | "up "* | "drill "* | "gotcha "* | tui | tour | "tour "* | "image build" | "image pull" | "image pull "*) ;;
        *) return 1 ;;
    esac
}

# Flags, environment and stanlocal.toml can say so, and only stanlocal knows which of them counts.
asks_for_processes() {
    local shown
    shown=$("${venv:?}/bin/stanlocal" "${engine_options[@]}" --json config show 2>/dev/null) || return
    [[ $shown == *'"engine": "process"'* ]]
}

# Installs and starts whatever is missing. Costs a few milliseconds when the default socket is listened on.
ensure_engine() {
    local -x PATH=$PATH:/usr/sbin:/sbin
    default_socket_is_served && return
    engine_is_absent || return 0
    if command -v dockerd >/dev/null; then
        agreed "no Docker Engine runs; start one?" || decline "start dockerd"
    else
        agreed "no Docker Engine is installed; install docker.io and iptables, and start it?" ||
            decline "install docker.io and iptables"
    fi
    hold_lock "${venv:?}/bin/python"
    if engine_is_absent; then
        command -v dockerd >/dev/null || install_engine
        start_engine
    fi
    exec 9<&-
}

decline() { die 3 "no Docker Engine answers; $1, or set DOCKER_HOST"; }

default_socket_is_served() { grep -qE ' (/var)?/run/docker\.sock$' /proc/net/unix 2>/dev/null; }

find_engine() { "$venv/bin/python" -P -m stanlocal.engine.docker.endpoint >/dev/null 2>&1 9<&-; }

# Fails if an engine answers, exists but refuses, or was chosen by the caller.
engine_is_absent() {
    local code=0
    find_engine || code=$?
    ((code == 4))
}

install_engine() {
    say "installing docker.io and iptables"
    apt_install docker.io iptables || die 3 "could not install docker.io and iptables (see above)"
}

start_engine() {
    local pid=
    if [[ -d /run/systemd/system ]]; then
        say "starting Docker Engine"
        systemctl start docker || die 3 "could not start Docker Engine; see 'journalctl -u docker'"
    else
        # Installing it may have started it. A stale file would keep it from starting.
        pid=$(pid_of dockerd "$engine_pid_file")
        pid_of containerd /var/run/docker/containerd/containerd.pid >/dev/null
        if [[ -z $pid ]]; then
            say "starting dockerd, log in $engine_log"
            setsid dockerd >>"$engine_log" 2>&1 </dev/null 9<&- &
            pid=$!
        fi
    fi
    wait_for_engine "$pid"
}

# pid_of COMMAND FILE: prints the pid in FILE, if it is that of COMMAND. Otherwise FILE is a leftover, of a
# process that is gone or whose pid another one has by now, and is removed.
pid_of() {
    local pid
    pid=$(cat "$2" 2>/dev/null) || return 0
    if [[ $(cat "/proc/$pid/comm" 2>/dev/null) == "$1" ]]; then
        printf '%s' "$pid"
    else
        rm -f "$2"
    fi
}

# wait_for_engine PID: PID of a daemon that this script started, empty if systemd manages it.
wait_for_engine() {
    local deadline=$((SECONDS + engine_deadline_s))
    until find_engine; do
        if [[ -n $1 ]] && ! kill -0 "$1" 2>/dev/null && [[ -z $(pid_of dockerd "$engine_pid_file") ]]; then
            engine_failed "$1" "dockerd ended at once"
        fi
        ((SECONDS < deadline)) || engine_failed "$1" "Docker Engine does not answer after $engine_deadline_s s"
        sleep 0.2
    done
}

# engine_failed PID WHAT
engine_failed() {
    [[ -n $1 ]] || die 3 "$2; see 'journalctl -u docker'"
    tail -n 5 "$engine_log" >&2
    die 3 "$2 (the end of $engine_log is above)"
}
