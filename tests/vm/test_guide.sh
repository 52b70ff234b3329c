#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The guide: its transcripts are what its commands say, its examples do what it says
# of them, and what it says of the kernel is in the kernel's source.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"

guide=$PERNET_CHECKOUT/docs/guide/src

without_what_varies() {
    sed -E -f "$here/volatile.sed" "$1"
}

test_transcripts_agree_with_what_the_commands_say() {
    [[ -e /sys/kernel/debug/ref_tracker ]] || skip 'this kernel tracks no references'
    local page wrong=0
    while read -r page; do
        "$here/replay" "$page" >"$test_dir/page"
        diff --unified --label "${page##*/}" --label 'what its commands say now' \
            <(without_what_varies "$page") <(without_what_varies "$test_dir/page") || wrong=1
    done < <(grep -rlx '```console' "$guide")
    ((wrong == 0)) || fail 'scripts/transcripts writes them anew'
}

load_example() {
    insmod "${PERNET_KO%/*}-examples/$1.ko"
    defer rmmod "$1"
}

# pings NS: of three pings to itself, those that were answered.
pings() {
    ip netns exec "$1" ping -q -c 3 -i 0.2 -W 1 127.0.0.1 | sed -n 's/.*, \([0-9]*\) received.*/\1/p'
}

# tally NS: answered, refused, devices; nothing where there is no tally.
tally() {
    ip netns exec "$1" sed -n 's/[a-z]* //p' /proc/net/tally 2>/dev/null | paste -sd ' ' || true
}

make_quiet_netns() {
    local name
    make_netns "$@"
    for name in "$@"; do
        ip -n "$name" link set lo up
    done
}

test_tally_before_knows_one_namespace() {
    make_quiet_netns old
    load_example tally_before
    make_quiet_netns young
    assert_eq ' ' "$(tally old) $(tally young)" "tallies of namespaces"
    ip netns exec young sysctl --quiet net.tally.limit=0
    assert_eq 3 "$(pings young)" "pings answered where the limit was set"
    assert_eq 0 "$(sysctl --values net.tally.limit)" "the host's limit"
}

test_tally_after_is_each_namespaces_own() {
    make_quiet_netns old
    load_example tally_after
    make_quiet_netns young
    ip netns exec young sysctl --quiet net.tally.limit=1
    assert_eq '3 1' "$(pings old) $(pings young)" "pings answered by each"
    ip -n old link add extra type dummy
    assert_eq '3 0 2' "$(tally old)" "the older one"
    assert_eq '1 2 1' "$(tally young)" "the younger one"
    assert_eq 4294967295 "$(sysctl --values net.tally.limit)" "the host's limit"
}

# Namespaces die and the module goes, in the middle of it.
test_tally_goes_while_packets_flow() {
    local round name
    make_quiet_netns busy
    ip netns exec busy ping -q -f 127.0.0.1 >/dev/null &
    defer kill $!
    for round in {1..5}; do
        insmod "${PERNET_KO%/*}-examples/tally_after.ko"
        for name in x y; do
            ip netns add "$name$round"
            ip -n "$name$round" link set lo up
            timeout 1 ip netns exec "$name$round" ping -q -f 127.0.0.1 >/dev/null &
        done
        sleep 0.5
        ip netns del "x$round"
        rmmod tally_after
        ip netns del "y$round"
    done
    [[ ! -e /proc/net/tally ]] || fail "the file outlived the module"
}

test_what_is_said_of_the_kernel_is_so() {
    [[ $(uname -r) == 7.3.* ]] || skip 'it is said of Linux 7.3'
    "$here/said-of-kernel" "$guide" "$PERNET_KERNEL_SOURCE"
}

run_tests
