# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# Tests in shell, reported as KTAP. A test script sources this file, defines
# functions whose names start with `test_`, and ends with `run_tests`. Each of
# them runs in a subshell of its own with `set -euo pipefail`, so the first
# command that fails ends it. What it prints is shown when it fails, as comments.
# $test_dir is an empty folder of its own.
#
#   defer COMMAND…                 undone when the test ends, last one first
#   no_longer_defer                the last one is done already
#   assert_eq EXPECTED ACTUAL [OF] both are printed when they differ
#   assert_status N COMMAND…       its output goes to stdout, and can be caught
#   wait_until SECONDS COMMAND…    until it succeeds, and no longer than that
#   skip REASON                    neither passed nor failed
#   fail REASON
#   note TEXT                      shown as a comment, also when the test passes
#   unique NAME                    NAME with a random end, 15 characters at most

skip_status=77

fail() {
    printf '%s\n' "$*" >&2
    # Through the subshell's own end, so that what was deferred is still done.
    exit 1
}

skip() {
    printf '%s\n' "$*" >"$ktap_dir/skip"
    exit "$skip_status"
}

note() {
    printf '%s\n' "$*" >>"$ktap_dir/notes"
}

assert_eq() {
    local expected=$1 actual=$2
    [[ $expected == "$actual" ]] && return
    fail "${3:-value}: expected
$expected
but it is
$actual"
}

assert_status() {
    local expected=$1 actual=0
    shift
    "$@" || actual=$?
    ((actual == expected)) || fail "exit status of \`$*\`: expected $expected but it is $actual"
}

wait_until() {
    local seconds=$1 deadline
    shift
    deadline=$((SECONDS + seconds))
    until "$@"; do
        ((SECONDS < deadline)) || fail "not within $seconds s: $*"
        sleep 0.1
    done
}

unique() {
    printf '%s%04x\n' "${1:0:11}" "$((RANDOM * 2 + RANDOM % 2))"
}

deferred=()

defer() {
    local quoted
    printf -v quoted '%q ' "$@"
    deferred=("$quoted" "${deferred[@]}")
}

# What was deferred last is done already.
no_longer_defer() {
    deferred=("${deferred[@]:1}")
}

# A clean-up that fails fails its test, but the others are still done.
undo_deferred() {
    local status=$? command
    set +e
    for command in "${deferred[@]}"; do
        eval "$command" || {
            printf 'clean-up failed: %s\n' "$command" >&2
            ((status != 0 && status != skip_status)) || status=1
        }
    done
    exit "$status"
}

run_one() {
    local number=$1 test=$2 name=${2#test_} status
    test_dir=$ktap_dir/$name
    mkdir "$test_dir"
    rm -f "$ktap_dir/skip" "$ktap_dir/notes"
    # Not as a condition: `set -e` would not hold inside it.
    set +e
    (
        set -euo pipefail
        deferred=()
        trap undo_deferred EXIT
        "$test"
    ) >"$ktap_dir/output" 2>&1 </dev/null
    status=$?
    set -e
    [[ ! -e $ktap_dir/notes ]] || sed 's/^/# /' "$ktap_dir/notes"
    if ((status == 0)); then
        printf 'ok %d %s\n' "$number" "$name"
    elif ((status == skip_status)) && [[ -e $ktap_dir/skip ]]; then
        printf 'ok %d %s # SKIP %s\n' "$number" "$name" "$(cat "$ktap_dir/skip")"
    else
        sed 's/^/# /' "$ktap_dir/output"
        printf '# exit status %d\n' "$status"
        printf 'not ok %d %s\n' "$number" "$name"
        failed=1
    fi
}

# Runs the script's tests in the order in which they stand in it.
run_tests() {
    local -a tests
    local i failed=0
    mapfile -t tests < <(sed -n 's/^\(test_[a-z0-9_]*\)() *{.*/\1/p' "$0")
    ktap_dir=$(mktemp --directory)
    # Some tests act as somebody else.
    chmod 755 "$ktap_dir"
    printf 'KTAP version 1\n1..%d\n' "${#tests[@]}"
    for i in "${!tests[@]}"; do
        run_one $((i + 1)) "${tests[i]}"
    done
    rm -rf "$ktap_dir"
    return "$failed"
}
