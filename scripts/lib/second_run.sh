# shellcheck shell=bash
# A second run of the tests that failed. Hundreds of tests with real servers share two cores: one that waited for
# its turn longer than it expected is told apart from a defect by running it again, one test after another.
# Needs common.sh and steps.sh.

most_again=10 # tests; more than these are no matter of a busy machine
failures_folder=${steps_folder:?}/failures

# with_second_run COMMAND...: a command that runs pytest. What fails in the second run, too, fails.
with_second_run() {
    local code=0 failed
    mkdir -p "$failures_folder"
    rm -rf "$failures_folder/cache"
    "$@" -o cache_dir="$failures_folder/cache" || code=$?
    ((code == 1)) || return "$code"
    mapfile -t failed < <("${bin:?}/python" -m tests.support.failures "$failures_folder/cache")
    ((${#failed[@]} > 0 && ${#failed[@]} <= most_again)) || return "$code"
    printf '    once more, one after another: %s\n' "${failed[@]}"
    "$@" -o cache_dir="$failures_folder/cache" --last-failed -n 0 || return
    printf '%s\n' "${failed[@]}" >>"$failures_folder/passed"
}

# name_second_runs: the last lines of a run say what was run twice.
name_second_runs() {
    [[ ! -s $failures_folder/passed ]] || say "failed beside other tests, passed alone: $(paste -sd ' ' "$failures_folder/passed")"
}
