# shellcheck shell=bash
# The Kubernetes cluster of the tests, in the background of a run. Needs common.sh and steps.sh.

has_cluster=     # whether this run has one
cluster_is_ours= # whether this run brings it up, and so takes it down

cluster() { "${bin:?}/python" -m tests.kubernetes.cluster "$@"; }

# plan_cluster DEMANDED: decides whether this run has a cluster. With DEMANDED, or CI=true, it is built if need
# be, and one that cannot be is a failure; otherwise one that is up or built is used.
plan_cluster() {
    local demanded=$1 code=0 line
    line=$(cluster status) || code=$?
    [[ ${CI:-} != true ]] || demanded=1
    case $code in
        0) has_cluster=1 ;;
        3) has_cluster=1 cluster_is_ours=1 ;;
        4) has_cluster=$demanded cluster_is_ours=$demanded ;;
        5) [[ -z $demanded ]] || die 1 "$line" ;;
        *) die 1 "the state of the cluster cannot be found (exit code $code)" ;;
    esac
    [[ -n $has_cluster ]] || say "cluster tests left out: $line"
}

# Installs what it needs, builds it and brings it up.
start_cluster() {
    local missing
    missing=$(cluster packages)
    # shellcheck disable=SC2086 # words
    [[ -z $missing ]] || ! is_debian_root || apt_install $missing
    cluster up
}

stop_cluster() {
    [[ -z $cluster_is_ours ]] || cluster down
    cluster_is_ours=
}
