#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The module under stress, in a kernel that checks itself; see the programs beside
# this script for what each does and looks at. In User-mode Linux, which runs at
# the machine's own speed, all of it is done, under emulation a fiftieth.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/../vm/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/../vm/netns.sh"

stress=$PERNET_CHECKOUT/build/stress/stress
kmemleak=/sys/kernel/debug/kmemleak

# share_of N
share_of() {
    if grep --quiet 'User Mode Linux' /proc/cpuinfo; then
        printf '%d\n' "$1"
    else
        printf '%d\n' "$(($1 / 50))"
    fi
}

# hurt COMMAND ARGUMENT…: in a process that all its namespaces end with.
hurt() {
    local said
    said=$("$stress" "$@" 2>&1) || fail "$said"
    note "$said"
}

# What the kernel has allocated and nothing points at any more, in two scans: once
# it may just have been on the way. What is younger than 5 s does not count.
scan_for_leaks() {
    sleep 6
    for _ in 1 2 3; do echo scan >$kmemleak; done
}

expect_no_leaks() {
    scan_for_leaks
    assert_eq '' "$(<$kmemleak)" "leaked memory"
}

need_checkers() {
    [[ -e $kmemleak && -e /sys/kernel/debug/failslab ]] || skip "this kernel has no checkers; KERNEL=debug has"
}

# What the kernel lost while it booted, before the module was ever there, is shown
# and then left out: Linux 7.3 loses the eight bytes of ramfs' options.
test_what_the_kernel_lost_is_not_counted() {
    need_checkers
    ! grep -q '^pernet ' /proc/modules || fail 'the module is loaded already'
    echo 2 >/sys/module/kmemleak/parameters/min_unref_scans
    scan_for_leaks
    note "$(<$kmemleak)"
    echo clear >$kmemleak
    expect_no_leaks
}

test_every_allocation_fails_in_turn() {
    need_checkers
    hurt faults "$PERNET_KO"
    expect_no_leaks
}

test_the_module_comes_and_goes_among_1000_namespaces() {
    need_checkers
    hurt load "$PERNET_KO" "$(share_of 1000)" "$(share_of 20 | sed 's/^0$/3/')"
    expect_no_leaks
}

test_20000_namespaces_come_and_go() {
    need_checkers
    load_module
    hurt churn "$(share_of 20000)"
    expect_no_leaks
}

test_devices_move_at_full_speed() {
    need_checkers
    load_module
    hurt moves "$(share_of 20000)"
    expect_no_leaks
}

test_a_million_malformed_messages() {
    need_checkers
    load_module
    hurt malformed "$(share_of 1000000)" 1
    expect_no_leaks
}

run_tests
