#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# What each namespace counts: the module's parameters, /proc/sys/net/pernet, and
# who may change it.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"

switch=/proc/sys/net/pernet/traffic

# setting NS: whether traffic is counted there
setting() {
    ip netns exec "$1" cat "$switch"
}

# change NS VALUE
change() {
    ip netns exec "$1" bash -c "printf '%s\n' '$2' >$switch"
}

ping_from() {
    ip netns exec "$1" ping -q -c "$2" -i 0.2 10.0.0.2
}

test_each_namespace_has_its_own_switch() {
    load_module
    make_netns a b
    make_veth a va 10.0.0.1/24 b vb 10.0.0.2/24
    assert_eq '1 1' "$(setting a) $(setting b)" "settings at first"
    change a 0
    assert_eq '0 1 1' "$(setting a) $(setting b) $(cat "$switch")" "settings of a, b and the initial namespace"
    ping_from a 3
    expect_traffic a ipv4 0 0 0 0 0 84
    expect_traffic b ipv4 3 3 0 3 3 84
    change a 1
    change a 1
    ping_from a 2
    expect_traffic a ipv4 2 2 0 2 2 84
    change a 0
    ping_from a 1
    # What was counted stays.
    expect_traffic a ipv4 2 2 0 2 2 84
    expect_traffic b ipv4 6 6 0 6 6 84
}

test_parameter_is_the_default() {
    make_netns old
    insmod "$PERNET_KO" traffic=0
    defer rmmod pernet
    make_netns new
    assert_eq '0 0' "$(setting old) $(setting new)" "settings of an old and a new namespace"
    ip -n new link set lo up
    ip netns exec new ping -q -c 1 127.0.0.1
    expect_traffic new ipv4 0 0 0 0 0 84
    change new 1
    ip netns exec new ping -q -c 1 127.0.0.1
    expect_traffic new ipv4 2 2 0 2 2 84
}

test_a_wrong_parameter_is_refused() {
    ! insmod "$PERNET_KO" traffic=perhaps || fail "loaded"
    [[ ! -e $switch ]]
}

# hooks NS: how many functions of the module the kernel has at the hooks there
hooks() {
    local status=0
    ip netns exec "$1" "$PERNET_PYTHON" "$PERNET_CHECKOUT/tests/vm/hooks" pernet || status=$?
    ((status != 2)) || echo "does not tell"
}

test_off_is_nothing_at_the_hooks() {
    make_netns old
    [[ $(hooks old) != 'does not tell' ]] || skip "this kernel does not tell of its hooks"
    insmod "$PERNET_KO" traffic=0
    defer rmmod pernet
    make_netns new
    assert_eq '0 0' "$(hooks old) $(hooks new)" "functions at the hooks of an old and a new namespace, off by the parameter"
    change new 1
    assert_eq '0 10' "$(hooks old) $(hooks new)" "after one was switched on"
    change old 1
    change new 0
    assert_eq '10 0' "$(hooks old) $(hooks new)" "after it was switched off, and the other on"
}

test_values_are_checked() {
    load_module
    make_netns a
    local value
    for value in 2 -1 256 on 0x1ff; do
        ! change a "$value" 2>/dev/null || fail "took '$value'"
        assert_eq 1 "$(setting a)" "setting after '$value'"
    done
}

test_files_are_for_the_owner_to_write() {
    load_module
    make_netns a
    assert_eq '644 0:0' "$(ip netns exec a stat --format '%a %u:%g' "$switch")" "mode and owner"
    assert_eq 1 "$(ip netns exec a setpriv --reuid 65534 --clear-groups cat "$switch")" "as somebody else sees it"
    ! ip netns exec a setpriv --reuid 65534 --clear-groups bash -c "echo 0 >$switch" || fail "an ordinary user wrote"
    # Root by number, but without the capability.
    ! ip netns exec a setpriv --bounding-set=-net_admin --inh-caps=-net_admin bash -c "echo 0 >$switch" ||
        fail "root without CAP_NET_ADMIN wrote"
    assert_eq 1 "$(setting a)" "setting"
}

test_root_of_a_user_namespace_changes_what_that_owns() {
    load_module
    # shellcheck disable=SC2016  # for the inner shell
    setpriv --reuid 65534 --regid 65534 --clear-groups unshare --user --map-root-user --net bash -euc '
        echo 0 >/proc/sys/net/pernet/traffic
        [[ $(cat /proc/sys/net/pernet/traffic) == 0 ]]'
    ! setpriv --reuid 65534 --regid 65534 --clear-groups unshare --user --map-root-user \
        bash -c "echo 0 >$switch" || fail "wrote in a namespace that it does not own"
    assert_eq 1 "$(cat "$switch")" "setting of the initial namespace"
}

# Switching as fast as it goes, while packets pass, namespaces go and the module too.
test_switching_under_traffic() {
    make_netns a b
    make_veth a va 10.0.0.1/24 b vb 10.0.0.2/24
    ip netns exec a ping -q -f 10.0.0.2 >/dev/null &
    defer kill $!
    local round
    for round in 1 2 3; do
        insmod "$PERNET_KO"
        ip netns exec a bash -c "for i in {1..40}; do echo \$((i % 2)) >$switch; done" &
        local first=$!
        ip netns exec b bash -c "for i in {1..40}; do echo \$((i % 2)) >$switch; done"
        wait "$first"
        unshare --net bash -c "for i in {1..20}; do echo \$((i % 2)) >$switch; done"
        ip netns exec a bash -c "while echo 0 >$switch && echo 1 >$switch; do :; done" 2>/dev/null &
        sleep 0.2
        rmmod pernet
        wait $! || true
        [[ ! -e $switch ]] || fail "the file outlived the module in round $round"
    done
}

run_tests
