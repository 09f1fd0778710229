# shellcheck shell=bash
# The steps of a run: one after another, or beside the others. The first that fails ends the run with its exit
# code, and whatever still runs beside it. Needs common.sh.

steps_folder=$(mktemp -d)
steps_beside=() # pid, name, pid, name, ...
trap end_steps EXIT

end_steps() {
    local index
    for ((index = 0; index < ${#steps_beside[@]}; index += 2)); do
        kill -- "-${steps_beside[index]}" 2>/dev/null || :
    done
    rm -rf "$steps_folder"
}

# step NAME COMMAND...
step() {
    printf '==> %s\n' "$1"
    local code=0
    timed "${@:2}" || code=$?
    ((code == 0)) || die "$code" "'$1' failed with exit code $code"
}

timed() {
    local begin=$SECONDS code=0
    "$@" || code=$?
    printf '    %s s\n' $((SECONDS - begin))
    return "$code"
}

# beside NAME COMMAND...: starts a step; `join` shows its output. It leads a process group of its own, so that
# it can be ended with all that it has started.
beside() {
    set -m
    timed "${@:2}" >"$steps_folder/$((${#steps_beside[@]} / 2))" 2>&1 </dev/null &
    set +m
    steps_beside+=("$!" "$1")
}

# join: waits for the steps that were started beside others.
join() {
    local index code
    for ((index = 0; index < ${#steps_beside[@]}; index += 2)); do
        code=0
        wait "${steps_beside[index]}" || code=$?
        printf '==> %s\n' "${steps_beside[index + 1]}"
        cat "$steps_folder/$((index / 2))"
        ((code == 0)) || die "$code" "'${steps_beside[index + 1]}' failed with exit code $code"
    done
    steps_beside=()
}
