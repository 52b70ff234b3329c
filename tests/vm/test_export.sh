#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# What `pernet export` shows of the module's counts, and to whom.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"

# Two nodes, of which the first has sent the second three pings.
make_pinging_nodes() {
    make_linked_nodes
    pernet exec n1 -- ping -q -c 3 -i 0.2 10.0.0.2
}

# sample FILE NAME LABEL…: the value of the one sample that has all of these
sample() {
    local file=$1 name=$2 label lines
    shift 2
    lines=$(grep "^$name{" "$file")
    for label in "$@"; do
        lines=$(grep --fixed-strings "$label" <<<"$lines")
    done
    assert_eq 1 "$(wc -l <<<"$lines")" "samples of $name with $*" >&2
    printf '%s\n' "${lines##* }"
}

test_counts_are_the_modules() {
    load_module
    make_pinging_nodes
    local metrics=$test_dir/metrics hook
    pernet export --print >"$metrics"
    grep --quiet '^pernet_info{version=".*",source="module"} 1$' "$metrics"
    for hook in prerouting local_in local_out postrouting; do
        assert_eq 3 "$(sample "$metrics" pernet_netns_packets_total 'name="n1"' 'family="ipv4"' "hook=\"$hook\"")" "packets"
        assert_eq 252 "$(sample "$metrics" pernet_netns_bytes_total 'name="n2"' 'family="ipv4"' "hook=\"$hook\"")" "bytes"
    done
    assert_eq "$(value_of n1 cookie)" \
        "$(sed -n 's/^pernet_netns_devices{cookie="\([0-9]*\)",name="n1",lab="",node="n1"} 2$/\1/p' "$metrics")" "cookie"
    assert_eq 1 "$(sample "$metrics" pernet_netns_counting 'name="n1"' 'what="traffic"')" "counting"
    assert_eq 0 "$(sample "$metrics" pernet_netns_resets_total 'name="n1"')" "resets"
    pernet reset n1
    pernet export --print >"$metrics"
    assert_eq 1 "$(sample "$metrics" pernet_netns_resets_total 'name="n1"')" "resets afterwards"
    assert_eq 0 "$(sample "$metrics" pernet_netns_packets_total 'name="n1"' 'family="ipv4"' 'hook="local_in"')" "packets afterwards"
}

test_promtool_finds_nothing_wrong() {
    load_module
    make_pinging_nodes
    assert_eq '' "$(pernet export --print | "$PERNET_PROMETHEUS/promtool" check metrics 2>&1)" "what promtool says"
}

test_drops_have_their_reason() {
    load_module
    need_tracepoints
    make_pinging_nodes
    pernet set n2 --drops on
    pernet exec n1 -- bash -c 'for i in 1 2 3 4; do echo >/dev/udp/10.0.0.2/9; done 2>/dev/null'
    pernet export --print >"$test_dir/metrics"
    assert_eq 4 "$(sample "$test_dir/metrics" pernet_netns_dropped_packets_total \
        'name="n2"' 'subsystem="core"' 'reason="NO_SOCKET"')" "drops"
}

# confined CAPABILITY…: the metrics as the service's user sees them, with these
confined() {
    local capability list=-all
    for capability in "$@"; do
        list+=,+$capability
    done
    setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \
        --inh-caps "$list" --ambient-caps "$list" --bounding-set "$list" pernet export --print
}

# As docs/systemd/pernet-export.service says it.
test_three_capabilities_are_enough() {
    load_module
    make_pinging_nodes
    local metrics=$test_dir/metrics
    confined net_admin sys_ptrace dac_read_search >"$metrics"
    assert_eq 3 "$(sample "$metrics" pernet_netns_packets_total \
        'name="n1",lab="",node="n1"' 'family="ipv4"' 'hook="local_in"')" "packets"
    assert_eq 1 "$(sample "$metrics" pernet_netns_holders 'name="n1"' 'kind="process"')" "processes"
}

test_with_fewer_capabilities_less_is_shown() {
    load_module
    make_pinging_nodes
    local metrics=$test_dir/metrics
    confined net_admin >"$metrics"
    assert_eq 3 "$(sample "$metrics" pernet_netns_packets_total \
        'name="n1",lab="",node=""' 'family="ipv4"' 'hook="local_in"')" "packets"
    ! grep pernet_netns_holders "$metrics" || fail "what holds namespaces cannot be seen"
    confined >"$metrics"
    grep --quiet '^pernet_namespaces 1$' "$metrics"
    ! grep 'name="n1"' "$metrics" || fail "another namespace is shown"
}

test_a_namespace_that_only_a_file_holds() {
    load_module
    ip netns add held
    defer ip netns del held
    exec 3</run/netns/held
    local cookie
    cookie=$(value_of held cookie)
    ip netns del held
    no_longer_defer
    pernet export --print >"$test_dir/metrics"
    local kind held
    held=$(sample "$test_dir/metrics" pernet_netns_holders "cookie=\"$cookie\"" 'kind="descriptor"')
    ((held > 0)) || fail "no descriptor is found"
    for kind in name process thread mount socket; do
        assert_eq 0 "$(sample "$test_dir/metrics" pernet_netns_holders "cookie=\"$cookie\"" "kind=\"$kind\"")" "$kind"
    done
    exec 3<&-
}

# The module comes and goes under a server that runs.
test_the_server_follows_the_module() {
    make_pinging_nodes
    ip link set lo up
    pernet export --listen 127.0.0.1:9479 >"$test_dir/address" &
    defer kill $!
    wait_until 20 test -s "$test_dir/address"
    assert_eq 'http://127.0.0.1:9479/metrics' "$(cat "$test_dir/address")"
    wait_until 20 source_is kernel
    load_module
    wait_until 20 source_is module
    rmmod pernet
    no_longer_defer
    wait_until 20 source_is kernel
}

# What was read is shown for a second.
source_is() {
    exec 3<>/dev/tcp/127.0.0.1/9479
    printf 'GET /metrics HTTP/1.1\r\n\r\n' >&3
    local answer
    answer=$(cat <&3)
    exec 3<&-
    grep --quiet "source=\"$1\"" <<<"$answer"
}

run_tests
