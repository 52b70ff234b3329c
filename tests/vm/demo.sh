#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The demo, in the VM: the wiki's two nodes on a bridge. n1 pings n2 three times,
# so each node must have seen 3 IPv4 packets of 84 bytes, at every hook that
# they pass.
set -euo pipefail

# shows COMMAND…: as if somebody had typed it.
shows() {
    printf '$ %s\n' "$*"
    "$@"
}

undo() {
    local status=$?
    set +e
    pernet node del n1 2>/dev/null
    pernet node del n2 2>/dev/null
    pernet bridge del b.1.1 2>/dev/null
    rmmod pernet 2>/dev/null
    exit "$status"
}

# counted NODE: what its counters say of IPv4, one line per hook.
counted() {
    pernet stat --json "$1" | jq --raw-output '
        .namespaces[0].traffic.ipv4 | to_entries[] | "\(.key) \(.value.packets) packets, \(.value.bytes) bytes"' | sort
}

check() {
    local node=$1 expected
    expected='forward 0 packets, 0 bytes
local_in 3 packets, 252 bytes
local_out 3 packets, 252 bytes
postrouting 3 packets, 252 bytes
prerouting 3 packets, 252 bytes'
    [[ $(counted "$node") == "$expected" ]] && return
    printf '\n%s: expected\n%s\nbut the module counted\n%s\n' "$node" "$expected" "$(counted "$node")"
    return 1
}

trap undo EXIT
shows insmod "$PERNET_KO"
shows pernet node add n1
shows pernet node add n2
shows pernet bridge add b.1.1
shows pernet link add n1:eth0=10.0.0.1/24 --bridge b.1.1
shows pernet link add n2:eth0=10.0.0.2/24 --bridge b.1.1
shows pernet bridge ls
shows pernet exec n1 -- ping -c 3 10.0.0.2
shows pernet stat n1 n2

check n1
check n2

trap - EXIT
shows pernet node del n1
shows pernet node del n2
shows pernet bridge del b.1.1
shows rmmod pernet
printf '\nEach node saw exactly the 3 packets sent and the 3 received.\n'
