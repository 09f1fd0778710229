# shellcheck shell=bash
# The project's virtual environment: `.venv`, exactly what requirements.lock says, and the project itself.
# For a Python that is asked for by its version it is `.venv-VERSION`. Needs common.sh.

# use_venv [VERSION]: everything below is about the environment of that Python from now on.
use_venv() {
    venv_version=${1-}
    venv="${root:?}/.venv${1:+-$1}"
    venv_stamp="$venv/.stanlocal-stamp"      # what the environment was made from, once it is complete
    venv_making="$venv/.stanlocal-making"    # the same, while it is being made: left by an interrupted run
}
use_venv ""

venv_source() { printf '%s\n' "$root" && cat "$root/requirements.lock" "$root/pyproject.toml"; }
venv_is_current() { venv_source | cmp -s - "$venv_stamp"; }

# Makes the environment, unless it is there. Costs a few milliseconds when it is.
ensure_venv() {
    venv_is_current && return
    local python
    python=$(find_python) || die 1 "no $(wanted_python); install one, for example python${venv_version:-3.13}"
    hold_lock "$python"
    venv_is_current || make_venv "$python"
    exec 9<&-
}

wanted_python() {
    if [[ -n $venv_version ]]; then
        printf 'Python %s on PATH, of pyenv or of uv' "$venv_version"
    else
        printf 'Python 3.11 or newer on PATH'
    fi
}

# Prints the path of the first suitable Python. Each has to be run to find out: a pyenv shim is on PATH
# whether or not the version it stands for is there.
find_python() {
    local python
    if [[ -z $venv_version ]]; then
        for python in python3.13 python3.12 python3.11 python3 python; do
            is_python "$python" && executable_of "$python" && return
        done
        return 1
    fi
    while read -r python; do
        is_python "$python" && executable_of "$python" && return
    done < <(pythons_of "$venv_version")
    return 1
}

executable_of() { "$1" -c 'import sys; print(sys.executable)'; }

# pythons_of VERSION: where one may be. pyenv has them without their being on PATH.
pythons_of() {
    printf '%s\n' "python$1" python3 python
    printf '%s\n' "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1."*/bin/python "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1/bin/python"
    uv python find --offline --no-project "$1" 2>/dev/null
}

make_venv() {
    local python=$1
    say "setting up $venv with $python"
    # An environment made by other tools is updated; an incomplete one of ours is made again.
    if [[ -e $venv_making ]] || ! is_python "$venv/bin/python"; then
        rm -rf "$venv"
    fi
    mkdir -p "$venv"
    venv_source >"$venv_making"
    # What sets up one for another Python has uv from the first.
    local -x PATH=$PATH:$root/.venv/bin
    if uv --version >/dev/null 2>&1; then
        fill_with_uv "$python"
    else
        fill_with_pip "$python"
    fi >&2 || die 1 "could not set up $venv (see above); run this again"
    mv "$venv_making" "$venv_stamp"
}

# is_python COMMAND: whether it is a Python that will do.
is_python() {
    "$1" -c 'import sys
wanted = sys.argv[1]
sys.exit(sys.version_info < (3, 11) or wanted not in ("", "%d.%d" % sys.version_info[:2]))' "$venv_version" 2>/dev/null
}

# Both install the project itself without build isolation: the build backend is part of the lock, while an
# isolated build would fetch one that has no hash.
fill_with_uv() {
    is_python "$venv/bin/python" || uv venv --quiet --allow-existing --python "$1" "$venv" || return
    uv pip sync --quiet --python "$venv/bin/python" --require-hashes --compile-bytecode \
        "$root/requirements.lock" &&
        uv pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable "$root"
}

fill_with_pip() {
    local pip=("$venv/bin/python" -m pip --quiet --disable-pip-version-check --no-input)
    "$1" -c 'import ensurepip' 2>/dev/null || install_ensurepip "$1" || return
    # pip does not remove what the lock no longer has, so start from nothing.
    rm -rf "${venv:?}"/{bin,lib,lib64,include}
    "$1" -m venv "$venv" &&
        "${pip[@]}" install --require-hashes --no-deps --compile --requirement "$root/requirements.lock" &&
        "${pip[@]}" install --no-deps --no-build-isolation --editable "$root"
}

# Debian keeps it in a package of its own.
install_ensurepip() {
    local package
    package=$("$1" -c 'import sys; print(f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")')
    if ! is_debian_root || ! agreed "install $package?"; then
        say "$1 cannot make environments; install $package, or uv"
        return 1
    fi
    say "installing $package"
    apt_install "$package"
}
