#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The tool with the module: what `pernet stat` says of a lab that the tool made.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"

# hooks FAMILY NODE: [packets, bytes] at prerouting, local-in, forward, local-out
# and postrouting
hooks() {
    pernet stat --json "$2" |
        jq --compact-output ".namespaces[0].traffic.$1 | [.prerouting, .local_in, .forward, .local_out, .postrouting] | map([.packets, .bytes])"
}

test_the_wikis_example() {
    load_module
    make_nodes n1 n2
    pernet bridge add b.1.1
    defer pernet bridge del b.1.1
    pernet link add n1:eth0=10.0.0.1/24 n1.0.1 --bridge b.1.1
    pernet link add n2:eth0=10.0.0.2/24 n2.0.1 --bridge b.1.1
    assert_eq '["b.1.1",["n1.0.1","n2.0.1"]]' \
        "$(pernet bridge ls --json | jq --compact-output '.bridges[0] | [.name, [.ports[].name]]')" "bridge and ports"
    pernet exec n1 -- ping -q -c 3 -i 0.2 10.0.0.2
    local node
    for node in n1 n2; do
        assert_eq '[[3,252],[3,252],[0,0],[3,252],[3,252]]' "$(hooks ipv4 "$node")" "IPv4 of $node"
        assert_eq '[[0,0],[0,0],[0,0],[0,0],[0,0]]' "$(hooks ipv6 "$node")" "IPv6 of $node"
        assert_eq '{"present":2,"registered":2,"unregistered":0,"up":2,"down":0,"moved_in":0,"moved_out":0,"renamed":0}' \
            "$(pernet stat --json "$node" | jq --compact-output '.namespaces[0].devices')" "devices of $node"
    done
}

test_stat_agrees_with_the_file() {
    load_module
    make_nodes n1
    assert_eq "$(value_of n1 cookie) $(value_of n1 inode) $(value_of n1 userns_inode) n1 false" \
        "$(pernet stat --json n1 | jq --raw-output '.namespaces[0] | "\(.cookie) \(.inode) \(.userns_inode) \(.name) \(.preexisting)"')"
}

test_stat_takes_every_way_to_name_a_namespace() {
    load_module
    make_nodes n1
    local cookie inode form
    cookie=$(value_of n1 cookie)
    inode=$(value_of n1 inode)
    for form in n1 name:n1 "cookie:$cookie" "inode:$inode" "net:[$inode]" /run/netns/n1; do
        assert_eq "$cookie" "$(pernet stat --json "$form" | jq '.namespaces[0].cookie')" "cookie of $form"
    done
}

test_stat_of_all() {
    load_module
    make_nodes n1 n2
    assert_eq '[null,"n1","n2"]' "$(pernet stat --json | jq --compact-output '.namespaces | map(.name) | sort')" names
    assert_eq 3 "$(pernet stat | grep --count cookie)" "namespaces in the table"
}

test_stat_of_those_that_pass_a_filter() {
    load_module
    make_nodes n1 n2
    ip -n n2 link add eth7 type dummy
    assert_eq '["n2"]' "$(pernet stat --json --device eth7 | jq --compact-output '.namespaces | map(.name)')" "with the device"
    assert_eq '[]' "$(pernet stat --json --device eth7 --min-drops 1 | jq --compact-output '.namespaces | map(.name)')" \
        "with the device, and drops"
    assert_eq '[null,"n1","n2"]' "$(pernet stat --json --device lo --min-drops 0 | jq --compact-output '.namespaces | map(.name) | sort')" \
        "with a device that all have"
    local said
    said=$(assert_status 2 pernet stat --device eth7 n1 2>&1)
    said=$(assert_status 1 pernet stat --device "$(printf 'x%.0s' {1..128})" 2>&1)
    assert_eq 1 "$(wc -l <<<"$said")" "lines"
    [[ $said == *"cannot read the namespaces' counters"* ]] || fail "it said: $said"
}

test_stat_sees_no_more_than_the_caller_may() {
    load_module
    make_nodes n1
    assert_eq '[null]' "$(setpriv --reuid 65534 --clear-groups pernet stat --json | jq --compact-output '.namespaces | map(.name)')" names
    local said
    said=$(assert_status 1 setpriv --reuid 65534 --clear-groups pernet stat n1 2>&1)
    [[ $said == *'CAP_NET_ADMIN is missing'* ]] || fail "it said: $said"
}

test_stat_since_a_snapshot() {
    load_module
    make_nodes n1 n2
    pernet stat --json >"$test_dir/before"
    pernet exec n1 -- ping -q -c 2 -i 0.2 127.0.0.1
    pernet node add n3
    defer pernet node del n3
    # Requests and answers: each passes these hooks.
    assert_eq '[["n1",4],["n2",0],["n3",0]]' "$(pernet stat --json --since "$test_dir/before" |
        jq --compact-output '[.namespaces[] | select(.name) | [.name, .traffic.ipv4.local_in.packets]]')" "packets"
    local said
    said=$(assert_status 1 pernet stat --source kernel --since "$test_dir/before" 2>&1)
    [[ $said == *'has the counts of the module pernet'* ]] || fail "it said: $said"
}

# Packets at the hooks are those that the kernel itself counts there.
test_both_sources_agree() {
    load_module
    make_linked_nodes
    pernet exec n1 -- ping -q -c 3 -i 0.2 10.0.0.2
    local said
    said=$(pernet stat --json --source kernel n1 | jq --compact-output \
        '[.source] + [.namespaces[0] | .name, .cookie, .inode, .userns_inode, (.protocols.ipv4 | .received, .delivered, .forwarded, .originated)]')
    assert_eq "$said" "$(pernet stat --json --source module n1 | jq --compact-output \
        '["kernel"] + [.namespaces[0] | .name, .cookie, .inode, .userns_inode, (.traffic.ipv4 | .prerouting, .local_in, .forward, .local_out | .packets)]')"
    assert_eq '["kernel","n1"]' "$(jq --compact-output '.[:2]' <<<"$said")"
}

test_stat_without_the_module() {
    make_nodes n1
    assert_eq '["kernel","n1"]' \
        "$(pernet stat --json n1 | jq --compact-output '[.source, .namespaces[0].name]')"
    local said
    said=$(assert_status 3 pernet stat --source module 2>&1)
    assert_eq 1 "$(wc -l <<<"$said")" "lines"
    [[ $said == *'module pernet is not loaded'* ]] || fail "it said: $said"
}

run_tests
