#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The test library itself: that a failing test is seen to fail.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"

# outcome BODY: how a script with the one test BODY reports it, without what it
# printed in between.
outcome() {
    local script=$test_dir/inner.sh
    printf '%s\n' 'set -euo pipefail' ". '$here/lib.sh'" 'test_inner() {' "$1" '}' run_tests >"$script"
    bash "$script" | grep -vE '^(#|KTAP|1\.\.)' || true
}

test_passes() {
    assert_eq 'ok 1 inner' "$(outcome 'assert_eq 1 1')"
}

test_reports_version_and_plan() {
    printf '%s\n' ". '$here/lib.sh'" 'test_a() { :; }' 'test_b() { :; }' run_tests >"$test_dir/two.sh"
    assert_eq 'KTAP version 1
1..2
ok 1 a
ok 2 b' "$(bash "$test_dir/two.sh")"
}

test_failing_assert_fails() {
    assert_eq 'not ok 1 inner' "$(outcome 'assert_eq 1 2 "the count"; true')"
}

test_failing_assert_prints_both_values() {
    printf '%s\n' ". '$here/lib.sh'" 'test_a() { assert_eq one two "the word"; }' run_tests >"$test_dir/inner.sh"
    assert_eq 'KTAP version 1
1..1
# the word: expected
# one
# but it is
# two
# exit status 1
not ok 1 a' "$(bash "$test_dir/inner.sh" || true)"
}

test_any_failing_command_fails() {
    assert_eq 'not ok 1 inner' "$(outcome 'false; true')"
}

test_unset_variable_fails() {
    # shellcheck disable=SC2016  # for the inner script
    assert_eq 'not ok 1 inner' "$(outcome 'printf "%s" "$nowhere"; true')"
}

test_skip_is_not_a_pass() {
    assert_eq 'ok 1 inner # SKIP no such thing here' "$(outcome 'skip "no such thing here"; false')"
}

test_skip_status_alone_is_a_failure() {
    assert_eq 'not ok 1 inner' "$(outcome 'exit 77')"
}

test_failure_is_the_scripts_status() {
    printf '%s\n' ". '$here/lib.sh'" 'test_a() { false; }' run_tests >"$test_dir/inner.sh"
    assert_status 1 bash "$test_dir/inner.sh"
}

test_deferred_runs_last_first() {
    outcome "defer eval 'echo one >>$test_dir/order'; defer eval 'echo two >>$test_dir/order'"
    assert_eq $'two\none' "$(cat "$test_dir/order")"
}

test_deferred_runs_after_a_failure() {
    outcome "defer touch '$test_dir/undone'; false"
    [[ -e $test_dir/undone ]]
}

test_failing_clean_up_fails() {
    assert_eq 'not ok 1 inner' "$(outcome "defer false; defer touch '$test_dir/other'")"
    [[ -e $test_dir/other ]]
}

test_assert_status() {
    assert_eq 'ok 1 inner' "$(outcome 'assert_status 3 bash -c "exit 3"')"
    assert_eq 'not ok 1 inner' "$(outcome 'assert_status 0 bash -c "exit 3"; true')"
}

test_wait_until_waits() {
    (sleep 0.5 && touch "$test_dir/there") &
    wait_until 10 test -e "$test_dir/there"
}

test_wait_until_gives_up() {
    assert_eq 'not ok 1 inner' "$(outcome 'wait_until 1 false; true')"
}

test_unique_fits_an_interface_name() {
    local name
    name=$(unique interfacename)
    assert_eq 15 "${#name}" "length of $name"
}

run_tests
