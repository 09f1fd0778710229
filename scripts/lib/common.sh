# shellcheck shell=bash
# Functions shared by the scripts. Standard output belongs to the command that a script finally runs: these
# functions print on standard error.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)

say() { printf 'stanlocal: %s\n' "$*" >&2; }

# die CODE MESSAGE
die() {
    local code=$1
    shift
    say "$@"
    exit "$code"
}

# Whether packages can be installed here.
is_debian_root() { [[ $EUID -eq 0 && -f /etc/debian_version ]] && command -v apt-get >/dev/null; }

# agreed QUESTION: asks on a terminal, unless the answer was given beforehand.
agreed() {
    [[ ${CI:-} == true || -n ${STANLOCAL_YES:-} || ! -t 0 || ! -t 2 ]] && return
    local answer
    read -r -p "stanlocal: $1 [Y/n] " answer >&2
    [[ -z $answer || $answer == [yY]* ]]
}

# apt_install PACKAGE...: the lists may be missing or old, and an earlier run may have been interrupted.
apt_install() {
    local -x DEBIAN_FRONTEND=noninteractive
    local install=(apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@")
    "${install[@]}" >/dev/null 2>&1 || {
        dpkg --configure -a && apt-get -qq -o DPkg::Lock::Timeout=300 update && "${install[@]}"
    } >&2
}

# hold_lock PYTHON: one run at a time works on this folder. The lock is on file descriptor 9 and outlives
# a killed run for as long as one of its children still works; `exec 9<&-` gives it back. Python takes it
# since not every system has a `flock` command.
hold_lock() {
    exec 9<"$root"
    "$1" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null && return
    say "another run is setting things up here; waiting for it"
    "$1" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
}
