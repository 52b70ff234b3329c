#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Dropped packets, by reason and namespace. Most of it needs a kernel with
# tracepoints, as the debugging kernel is one (KERNEL=debug).
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"

switch=/proc/sys/net/pernet/drops

# count_drops VALUE NS…
count_drops() {
    local value=$1 netns
    shift
    for netns in "$@"; do
        ip netns exec "$netns" bash -c "echo $value >$switch"
    done
}

# dropped NS REASON: how many packets, or nothing
dropped() {
    counted "$1" "dropped core $2 " | sed 's/.* //' || true
}

drops_something() {
    [[ -n $(dropped "$1" NO_SOCKET) ]]
}

# two namespaces on a link, which both count
make_pair() {
    make_netns a b
    make_veth a va 10.0.0.1/24 b vb 10.0.0.2/24
    count_drops 1 a b
}

# send N NS [ADDRESS]: datagrams that nobody waits for
send() {
    ip netns exec "$2" bash -c "for i in {1..$1}; do echo >/dev/udp/${3-10.0.0.2}/9; done 2>/dev/null"
}

test_kernel_without_tracepoints_says_so() {
    ! has_tracepoints || skip "this kernel has tracepoints"
    ! insmod "$PERNET_KO" drops=1 || fail "loaded, but cannot count"
    load_module
    assert_eq 0 "$(cat "$switch")" "setting"
    local said
    said=$(assert_status 1 bash -c "echo 1 >$switch" 2>&1)
    [[ $said == *'not supported'* ]] || fail "it said: $said"
    assert_eq 0 "$(cat "$switch")" "setting afterwards"
}

test_drops_count_where_they_happen() {
    need_tracepoints
    load_module
    make_pair
    send 3 a
    assert_eq 3 "$(dropped b NO_SOCKET)" "no socket in b"
    assert_eq '' "$(dropped a NO_SOCKET)" "no socket in a"
    # Nothing is counted in the initial namespace, which did not ask for it.
    ! grep dropped /proc/net/pernet || fail "the initial namespace counts"
    count_drops 0 b
    send 2 a
    assert_eq 3 "$(dropped b NO_SOCKET)" "b, while it does not count"
    count_drops 1 b
    send 4 a
    assert_eq 7 "$(dropped b NO_SOCKET)" "b, counting again"
}

test_drops_of_a_receiving_socket() {
    need_tracepoints
    load_module
    make_pair
    # The device of such a packet was overwritten with a number of UDP's: the socket tells.
    ip netns exec b "$PERNET_PYTHON" -c '
import socket, time
full = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
full.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
full.bind(("10.0.0.2", 9))
time.sleep(1000)' &
    defer kill $!
    wait_until 20 ip netns exec b grep --quiet ':0009 ' /proc/net/udp
    send 40 a
    local full
    full=$(dropped b SOCKET_RCVBUFF)
    ((full > 10 && full < 40)) || fail "$full of 40 dropped"
    assert_eq '' "$(dropped a SOCKET_RCVBUFF)" "in the namespace that sent"
}

test_drops_follow_a_device_that_moves() {
    need_tracepoints
    load_module
    make_pair
    make_netns c
    count_drops 1 c
    ip -n b link set vb netns c
    ip -n c address add 10.0.0.2/24 dev vb
    ip -n c link set vb up
    send 2 a
    assert_eq ' 2' "$(dropped b NO_SOCKET) $(dropped c NO_SOCKET)" "after the move"
    count_drops 0 c
    ip -n c link set vb netns b
    ip -n b address add 10.0.0.2/24 dev vb
    ip -n b link set vb up
    send 5 a
    assert_eq '5 2' "$(dropped b NO_SOCKET) $(dropped c NO_SOCKET)" "after the way back"
}

test_parameter_counts_from_the_start() {
    need_tracepoints
    make_netns a b
    make_veth a va 10.0.0.1/24 b vb 10.0.0.2/24
    insmod "$PERNET_KO" drops=1
    defer rmmod pernet
    make_netns new
    ip -n new link set lo up
    send 3 a
    send 4 new 127.0.0.1
    assert_eq '3 4' "$(dropped b NO_SOCKET) $(dropped new NO_SOCKET)" "in an old and a new namespace"
}

# probed: whether the kernel has anybody on the tracepoint
probed() {
    local status=0
    "$PERNET_PYTHON" "$PERNET_CHECKOUT/tests/vm/probed" kfree_skb || status=$?
    ((status != 2)) || echo "does not tell"
}

test_off_is_no_probe() {
    need_tracepoints
    [[ $(probed) != 'does not tell' ]] || skip "this kernel does not show its memory"
    assert_eq 0 "$(probed)" "probes without the module"
    load_module
    make_netns a b
    assert_eq 0 "$(probed)" "while no namespace counts"
    count_drops 1 a b
    assert_eq 1 "$(probed)" "while two namespaces count"
    count_drops 0 a
    assert_eq 1 "$(probed)" "while one namespace counts"
    count_drops 0 b
    assert_eq 0 "$(probed)" "while none counts any more"
    ip netns add dies
    count_drops 1 dies
    assert_eq 1 "$(probed)" "while one counts that is to die"
    ip netns del dies
    wait_until 20 unprobed
}

unprobed() {
    [[ $(probed) == 0 ]]
}

test_netlink_and_the_tool_say_the_same() {
    need_tracepoints
    load_module
    make_pair
    send 3 a
    local reply number
    reply=$(ip netns exec b "$PERNET_PYTHON" "$PERNET_CHECKOUT/tests/vm/ynl" 'get {}')
    assert_eq '["on","core","NO_SOCKET",3]' "$(jq --compact-output \
        '[."count-drops"] + [.drops[] | select(.name == "NO_SOCKET") | .subsystem, .name, .packets]' <<<"$reply")"
    number=$(jq '.drops[] | select(.name == "NO_SOCKET") | .reason' <<<"$reply")
    assert_eq "[true,{\"subsystem\":\"core\",\"reason\":$number,\"name\":\"NO_SOCKET\",\"packets\":3}]" \
        "$(pernet stat --json b | jq --compact-output \
            '.namespaces[0] | [.counting.drops, (.drops[] | select(.name == "NO_SOCKET"))]')"
    pernet stat b | grep --quiet '^  dropped  *3  NO_SOCKET: .*nothing listens there' || fail "$(pernet stat b)"
}

# Everything that could meet a probe on its way out: floods, switches, devices
# and namespaces that go, and the module too.
test_switching_under_drops() {
    need_tracepoints
    make_netns a b
    make_veth a va 10.0.0.1/24 b vb 10.0.0.2/24
    ip netns exec a bash -c 'while :; do echo >/dev/udp/10.0.0.2/9; done' 2>/dev/null &
    defer kill $!
    local round
    for round in 1 2 3; do
        insmod "$PERNET_KO" "drops=$((round % 2))"
        ip netns exec b bash -c "for i in {1..30}; do echo \$((i % 2)) >$switch; done" &
        local first=$!
        unshare --net bash -c "for i in {1..10}; do echo 1 >$switch; ip link set lo up; echo >/dev/udp/127.0.0.1/9; echo 0 >$switch; done" 2>/dev/null
        wait "$first"
        ip netns exec b bash -c "echo 1 >$switch"
        ip link add d0 type dummy
        ip link set d0 netns b
        ip -n b link del d0
        wait_until 10 drops_something b
        rmmod pernet
    done
}

run_tests
