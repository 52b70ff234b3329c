#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The module by itself: its counters, exactly, and its coming and going.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"

# devices PRESENT REGISTERED UNREGISTERED UP DOWN MOVED_IN MOVED_OUT RENAMED
devices() {
    printf 'devices present %d registered %d unregistered %d up %d down %d moved_in %d moved_out %d renamed %d\n' "$@"
}

test_identity() {
    load_module
    make_netns a
    assert_eq "$(stat --dereference --format %i /run/netns/a)" "$(value_of a inode)" "inode"
    assert_eq "$(stat --dereference --format %i /proc/self/ns/user)" "$(value_of a userns_inode)" "owner's inode"
    assert_eq 0 "$(value_of a preexisting)" "preexisting"
    local before after
    before=$(value_of a age_ns)
    sleep 0.2
    after=$(value_of a age_ns)
    ((before > 0 && after - before >= 200000000)) || fail "age went from $before to $after in 0.2 s"
}

test_identity_of_an_older_namespace() {
    make_netns a
    load_module
    assert_eq 1 "$(value_of a preexisting)" "preexisting"
    assert_eq "$(devices 1 1 0 0 0 0 0 0)" "$(counted a devices)" "devices found at the load"
}

test_file_is_in_every_namespace_for_everybody_to_read() {
    load_module
    make_netns a b
    assert_eq 'regular empty file 444 0:0' "$(ip netns exec a stat --format '%F %a %u:%g' /proc/net/pernet)" "file"
    assert_eq 12 "$(ip netns exec a setpriv --reuid 65534 --clear-groups grep --count . /proc/net/pernet)" "lines"
    [[ $(value_of a cookie) != "$(value_of b cookie)" ]] || fail "two namespaces with one cookie"
}

test_devices_appear_and_disappear() {
    load_module
    make_netns a
    assert_eq "$(devices 1 1 0 0 0 0 0 0)" "$(counted a devices)" "only lo"
    ip -n a link set lo up
    ip -n a link add d0 type dummy
    assert_eq "$(devices 2 2 0 1 0 0 0 0)" "$(counted a devices)" "lo up, dummy made"
    ip -n a link set d0 name d1
    ip -n a link set d1 up
    ip -n a link set d1 down
    assert_eq "$(devices 2 2 0 2 1 0 0 1)" "$(counted a devices)" "dummy renamed, up, down"
    ip -n a link set d1 up
    ip -n a link del d1
    assert_eq "$(devices 1 2 1 3 2 0 0 1)" "$(counted a devices)" "dummy deleted while up"
}

test_devices_move() {
    load_module
    make_netns a b
    ip -n a link add d0 type dummy
    ip -n a link set d0 up
    ip -n a link set d0 netns b
    assert_eq "$(devices 1 2 0 1 1 0 1 0)" "$(counted a devices)" "the namespace it left"
    assert_eq "$(devices 2 1 0 0 0 1 0 0)" "$(counted b devices)" "the namespace it came to"
    ip -n b link set d0 name d1 netns a
    assert_eq "$(devices 2 2 0 1 1 1 1 1)" "$(counted a devices)" "back home, where it got its name"
    assert_eq "$(devices 1 1 0 0 0 1 1 0)" "$(counted b devices)" "left again"
    ip -n a link add d2 type dummy
    assert_eq "$(devices 3 3 0 1 1 1 1 1)" "$(counted a devices)" "a new one is none that moved"
}

test_devices_made_in_place_do_not_move() {
    load_module
    make_netns a b
    ip link add va netns a type veth peer name vb netns b
    assert_eq "$(devices 2 2 0 0 0 0 0 0)" "$(counted a devices)" "one end"
    assert_eq "$(devices 2 2 0 0 0 0 0 0)" "$(counted b devices)" "other end"
    ip -n a link del va
    assert_eq "$(devices 1 2 1 0 0 0 0 0)" "$(counted b devices)" "the other end went with the one"
}

test_traffic_ipv4() {
    load_module
    make_netns a b
    make_veth a va 10.0.0.1/24 b vb 10.0.0.2/24
    ip netns exec a ping -q -c 3 -i 0.2 -s 100 10.0.0.2
    # 100 bytes of data, 8 of ICMP, 20 of IPv4.
    expect_traffic a ipv4 3 3 0 3 3 128
    expect_traffic b ipv4 3 3 0 3 3 128
    expect_traffic a ipv6 0 0 0 0 0 0
    expect_traffic b ipv6 0 0 0 0 0 0
}

test_traffic_forwarded() {
    load_module
    make_netns a router b
    make_veth a va 10.0.1.1/24 router ra 10.0.1.254/24
    make_veth b vb 10.0.2.1/24 router rb 10.0.2.254/24
    ip -n a route add default via 10.0.1.254
    ip -n b route add default via 10.0.2.254
    ip netns exec router sysctl --quiet net.ipv4.ip_forward=1
    ip netns exec a ping -q -c 2 -i 0.2 10.0.2.1
    expect_traffic a ipv4 2 2 0 2 2 84
    expect_traffic router ipv4 4 0 4 0 4 84
    expect_traffic b ipv4 2 2 0 2 2 84
}

test_traffic_ipv6() {
    load_module
    make_netns a
    ip netns exec a sysctl --quiet net.ipv6.conf.lo.disable_ipv6=0
    ip -n a link set lo up
    ip netns exec a ping -q -c 3 -i 0.2 ::1
    # Three requests and three replies; 56 bytes of data, 8 of ICMPv6, 40 of IPv6.
    expect_traffic a ipv6 6 6 0 6 6 104
    expect_traffic a ipv4 0 0 0 0 0 0
}

test_reload_ten_times_with_live_namespaces() {
    make_netns a b
    make_veth a va 10.0.0.1/24 b vb 10.0.0.2/24
    ip netns exec a ping -q -f 10.0.0.2 >/dev/null &
    defer kill $!
    local i
    for i in {1..10}; do
        insmod "$PERNET_KO"
        assert_eq "$(devices 2 2 0 1 0 0 0 0)" "$(counted a devices)" "devices at load $i"
        rmmod pernet
    done
    [[ ! -e /proc/net/pernet ]] || fail "the file outlived the module"
}

test_reload_while_namespaces_come_and_go() {
    local stop i
    stop=$(mktemp)
    (while [[ -e $stop ]]; do unshare --net true; done) &
    for i in {1..5}; do
        insmod "$PERNET_KO"
        sleep 0.3
        rmmod pernet
    done
    rm "$stop"
    wait $!
}

# Every command, packets, namespaces and files at once, while the module goes
# again and again; it may wait for a dump to end.
test_reload_while_everything_goes_on() {
    make_netns a
    ip -n a link set lo up
    local going=$test_dir/going round
    touch "$going"
    (while [[ -e $going ]]; do pernet stat; pernet set name:a --traffic off; pernet reset name:a; pernet set name:a --traffic on; done) >/dev/null 2>&1 &
    (while [[ -e $going ]]; do ip netns exec a cat /proc/net/pernet; unshare --net ip link set lo up; done) >/dev/null 2>&1 &
    ip netns exec a ping -q -f 127.0.0.1 >/dev/null &
    local ping=$!
    for round in {1..6}; do
        insmod "$PERNET_KO"
        sleep 0.5
        wait_until 20 rmmod pernet 2>/dev/null
        [[ ! -e /proc/sys/net/pernet ]] || fail "settings outlived the module in round $round"
    done
    rm "$going"
    kill "$ping"
    wait
}

test_unload_with_the_file_open() {
    insmod "$PERNET_KO"
    exec 3</proc/net/pernet
    rmmod pernet
    ! cat <&3 || fail "the file could be read without the module"
    exec 3<&-
}

test_failed_load_leaves_nothing() {
    load_module
    ! insmod "$PERNET_KO" || fail "loaded twice"
    grep --quiet '^netns ' /proc/net/pernet
}

run_tests
