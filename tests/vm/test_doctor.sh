#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# What `pernet doctor` says of the module.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"

# said CHECK: level and finding, a line each
said() {
    pernet doctor --json | jq --raw-output ".findings[] | select(.check == \"$1\") | \"\(.level): \(.found)\""
}

test_without_the_module() {
    [[ $(said module) == 'warning: not installed for '* ]] || fail "it said: $(said module)"
    assert_eq '' "$(said module-counts)" "what is counted"
}

test_with_the_module() {
    load_module
    assert_eq 'ok: loaded, of the same contract as this tool (version 1)' "$(said module)"
    assert_eq 'ok: this namespace counts: traffic on, drops off' "$(said module-counts)"
}

test_with_a_module_that_counts_nothing() {
    insmod "$PERNET_KO" traffic=0
    defer rmmod pernet
    assert_eq 'warning: this namespace counts: traffic off, drops off' "$(said module-counts)"
}

test_a_fit_machine_has_no_failure() {
    load_module
    pernet doctor
    local release
    release=$(uname -r)
    assert_eq "ok: Linux ${release%%[-+]*} ($release)" "$(said kernel)"
    assert_eq 'ok: root can make them, tried just now' "$(said namespaces-allowed)"
}

run_tests
