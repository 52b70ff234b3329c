# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
#
# What tests of the module need: the module itself, namespaces made by iproute2,
# nodes made by the tool, and a look at /proc/net/pernet. Needs lib.sh.

# Loads the module until the end of the test.
load_module() {
    insmod "$PERNET_KO"
    defer rmmod pernet
}

# Whether the kernel has the tracepoints by which drops are counted.
has_tracepoints() {
    grep --quiet ' __traceiter_kfree_skb$' /proc/kallsyms
}

need_tracepoints() {
    has_tracepoints || skip "this kernel has no tracepoints"
}

# make_netns NAME…: namespaces without IPv6 traffic of their own, until the end
# of the test.
make_netns() {
    local name
    for name in "$@"; do
        ip netns add "$name"
        defer ip netns del "$name"
        ip netns exec "$name" sysctl --quiet net.ipv6.conf.default.disable_ipv6=1
    done
}

# make_veth NS DEVICE ADDRESS NS DEVICE ADDRESS
make_veth() {
    ip link add "$2" netns "$1" type veth peer name "$5" netns "$4"
    ip -n "$1" address add "$3" dev "$2"
    ip -n "$4" address add "$6" dev "$5"
    ip -n "$1" link set "$2" up
    ip -n "$4" link set "$5" up
}

# make_nodes NAME…: until the end of the test.
make_nodes() {
    pernet node add "$@"
    defer pernet node del "$@"
}

# Nodes n1 and n2 with a link: 10.0.0.1 and 10.0.0.2.
make_linked_nodes() {
    make_nodes n1 n2
    pernet link add n1:eth0=10.0.0.1/24 n2:eth0=10.0.0.2/24
}

# counted NS [SUBJECT]: the namespace's file, or its lines about one subject.
counted() {
    ip netns exec "$1" grep "^${2:-}" /proc/net/pernet
}

# value_of NS NAME: a value of the first line.
value_of() {
    counted "$1" netns | sed "s/.* $2 \([0-9]*\).*/\1/"
}

# expect_traffic NS FAMILY PREROUTING LOCAL-IN FORWARD LOCAL-OUT POSTROUTING SIZE:
# so many packets at each hook, all of that size.
expect_traffic() {
    local netns=$1 family=$2 size=$8 expected='' hook
    local -A packets=([prerouting]=$3 [local-in]=$4 [forward]=$5 [local-out]=$6 [postrouting]=$7)
    for hook in prerouting local-in forward local-out postrouting; do
        expected+="$family $hook packets ${packets[$hook]} bytes $((packets[$hook] * size))"$'\n'
    done
    assert_eq "${expected%$'\n'}" "$(counted "$netns" "$family")" "traffic of $netns"
}
