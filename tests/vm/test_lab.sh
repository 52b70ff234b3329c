#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Labs, as far as they need what other kernels may lack: impairments, bridges that
# filter VLANs, and what the module counts in nodes.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"

# up: the lab of the file on standard input, called lab.
up() {
    cat >"$test_dir/lab.toml"
    pernet up --quiet "$test_dir/lab.toml"
}

remove_lab() {
    [[ -z $(pernet lab ls --json | jq '.labs[]') ]] || pernet down lab
}

# netem NODE DEVICE: what tc would say of it, by the kernel's own words.
qdisc() {
    ip -n "$1" -d link show "$2" | sed -n 's/.* qdisc \([a-z]*\) .*/\1/p'
}

# rtt FROM TO: the longest time there and back of three, in whole milliseconds. One
# that is to overtake others is not delayed.
rtt() {
    ip netns exec "$1" ping -q -c 3 -i 0.2 "$2" | sed -n 's/^rtt [^=]*= [^/]*\/[^/]*\/\([0-9]*\).*/\1/p'
}

test_impairments_are_made_changed_and_removed() {
    defer remove_lab
    up <<'EOF'
name = "lab"
prefix = ""
[nodes.n1]
kind = "net-only"
[nodes.n2]
kind = "net-only"
[[links]]
ends = [
  { node = "n1", device = "eth0", addresses = ["10.0.0.1/24"], impairment = { delay = "200ms", rate = "100mbit" } },
  "n2:eth0=10.0.0.2/24",
]
EOF
    assert_eq netem "$(qdisc n1 eth0)" "queueing discipline of n1"
    assert_eq noqueue "$(qdisc n2 eth0)" "queueing discipline of n2"
    local time
    time=$(rtt n1 10.0.0.2)
    ((time >= 200)) || fail "it takes $time ms, with a delay of 200 ms"
    # On the live link, both ways.
    pernet link set n2:eth0 --delay 400ms --jitter 1ms --duplicate 0.1% --reorder 1%
    assert_eq netem "$(qdisc n2 eth0)" "queueing discipline of n2"
    # Others may have ended it, and the record still says it.
    ip netns exec n2 tc qdisc del dev eth0 root
    pernet link set n2:eth0 --delay 400ms --jitter 1ms --duplicate 0.1% --reorder 1%
    assert_eq netem "$(qdisc n2 eth0)" "queueing discipline of n2, asked for again"
    time=$(rtt n1 10.0.0.2)
    ((time >= 200 + 390)) || fail "it takes $time ms, with delays of 200 and 400 ms"
    assert_eq 400000 "$(pernet lab show lab --json | jq '.links[0].ends.point_to_point[1].impairment.delay_us')" delay
    [[ $(pernet lab export lab) == *400ms* ]] || fail "the export says nothing of it"
    # Its file says otherwise.
    assert_eq '~ link n1:eth0 - n2:eth0: n2:eth0 impairment: delay 400ms' \
        "$(pernet plan "$test_dir/lab.toml" | sed 's/ jitter.*//')" plan
    pernet up --quiet "$test_dir/lab.toml"
    assert_eq noqueue "$(qdisc n2 eth0)" "queueing discipline of n2"
    pernet link set n1:eth0 --clear
    assert_eq noqueue "$(qdisc n1 eth0)" "queueing discipline of n1"
    # All that is sent is lost.
    pernet link set n1:eth0 --loss 100%
    assert_status 1 ip netns exec n1 ping -q -c 2 -i 0.2 -W 1 10.0.0.2
}

test_vlans_keep_nodes_apart() {
    defer remove_lab
    up <<'EOF'
name = "lab"
prefix = ""
[nodes.n1]
kind = "net-only"
[nodes.n2]
kind = "net-only"
[nodes.n3]
kind = "net-only"
[bridges.br]
vlan-filtering = true
[[links]]
ends = ["n1:eth0=10.0.0.1/24", { bridge = "br", vlan = 10 }]
[[links]]
ends = ["n2:eth0=10.0.0.2/24", { bridge = "br", vlan = 10 }]
[[links]]
ends = ["n3:eth0=10.0.0.3/24", { bridge = "br", vlan = 20, tagged = [10] }]
EOF
    ip netns exec n1 ping -q -c 1 -W 1 10.0.0.2
    assert_status 1 ip netns exec n1 ping -q -c 1 -W 1 10.0.0.3
    # In VLAN 10, tagged.
    ip -n n3 link add link eth0 name eth0.10 type vlan id 10
    ip -n n3 addr del 10.0.0.3/24 dev eth0
    ip -n n3 addr add 10.0.0.3/24 dev eth0.10
    ip -n n3 link set eth0.10 up
    ip netns exec n1 ping -q -c 1 -W 2 10.0.0.3
    # Nobody is kept apart any more.
    sed -i 's/vlan = 20, tagged = \[10\]/vlan = 10/' "$test_dir/lab.toml"
    pernet up --quiet "$test_dir/lab.toml"
    ip -n n3 link del eth0.10
    ip -n n3 addr add 10.0.0.3/24 dev eth0
    ip netns exec n1 ping -q -c 1 -W 2 10.0.0.3
}

# Before it came to ports and impairments: what is taken back is not there.
test_a_change_that_fails_early_is_undone() {
    defer remove_lab
    up <<'EOF'
name = "lab"
prefix = ""
[nodes.n1]
kind = "net-only"
[nodes.n2]
kind = "net-only"
[bridges.br]
vlan-filtering = true
[[links]]
ends = ["n1:eth0=10.0.0.1/24", { bridge = "br", vlan = 20, tagged = [10] }]
[[links]]
ends = ["n1:eth1=10.1.0.1/24", "n2:eth0=10.1.0.2/24"]
EOF
    sed -e 's/vlan = 20, tagged = \[10\]/vlan = 10, tagged = [30], impairment = { delay = "1ms" }/' \
        -e 's/^ends.*eth1.*/&\nimpairment = { loss = "1%" }/' "$test_dir/lab.toml" >"$test_dir/wrong.toml"
    printf '[nodes.n3]\nkind = "net-only"\nsysctls = { "net.ipv4.ip_forward" = "no number" }\n' \
        >>"$test_dir/wrong.toml"
    assert_status 1 pernet up --quiet "$test_dir/wrong.toml" 2>"$test_dir/said"
    [[ $(<"$test_dir/said") == *"cannot set up node n3"* ]] || fail "it says: $(<"$test_dir/said")"
    [[ $(<"$test_dir/said") != *undone* ]] || fail "it says: $(<"$test_dir/said")"
    pernet plan "$test_dir/lab.toml"
    # Of what others have put in the place of an impairment, nothing is taken.
    pernet link set n2:eth0 --loss 1%
    ip netns exec n2 tc qdisc replace dev eth0 root handle 7: pfifo
    pernet link set n2:eth0 --clear
    assert_eq pfifo "$(qdisc n2 eth0)" "queueing discipline of n2"
}

test_nodes_count_as_their_file_says() {
    load_module
    defer remove_lab
    up <<'EOF'
name = "lab"
prefix = ""
[nodes.n1]
counting = { traffic = false }
[nodes.n2]
EOF
    assert_eq '[false,true]' "$(pernet stat n1 n2 --json | jq --compact-output '.namespaces | map(.counting.traffic)')" counting
}

test_a_lab_that_runs_is_drawn_with_what_it_counted() {
    load_module
    defer remove_lab
    up <<'EOF'
name = "lab"
prefix = ""
[nodes.n1]
[nodes.n2]
counting = { drops = true }
[bridges.sw]
[[links]]
ends = ["n1:eth0=10.0.0.1/24", "sw"]
[[links]]
ends = ["n2:eth0=10.0.0.2/24", "sw"]
EOF
    ip netns exec n1 ping -q -c 3 10.0.0.2
    # To a port where nobody listens: it is dropped, and answered.
    ip netns exec n1 bash -c 'echo >/dev/udp/10.0.0.2/9'
    local picture format
    for format in mermaid svg; do
        picture=$(pernet graph lab --format "$format")
        [[ $picture == *'8 packets'* ]] || fail "n1 as $format: $picture"
        [[ $picture == *'8 packets, 1 dropped'* ]] || fail "n2 as $format: $picture"
        [[ $picture == *10.0.0.2/24* ]] || fail "the address of n2 as $format: $picture"
    done
    # Of a file nothing was counted.
    [[ $(pernet graph "$test_dir/lab.toml") != *packets* ]] || fail "a file has counts"
}

run_tests
