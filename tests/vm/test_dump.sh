#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The dump of all namespaces: thousands of them, while some come and go, and by a
# filter.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"
# shellcheck source=tests/vm/family.sh
. "$here/family.sh"

test_thousands_while_namespaces_come_and_go() {
    load_module
    assert_eq "nothing happens: many parts, in order, missed 0, twice 0, shown after death 0, interrupted false
births: many parts, in order, missed 0, twice 0, shown after death 0, interrupted true
deaths: many parts, in order, missed 0, twice 0, shown after death 0, interrupted true
births and deaths: many parts, in order, missed 0, twice 0, shown after death 0, interrupted true
nothing happens again: many parts, in order, missed 0, twice 0, shown after death 0, interrupted false" \
        "$("$PERNET_PYTHON" "$PERNET_CHECKOUT/tests/vm/dumps" 2000)"
}

# filtered FILTER…: what the dump has for each, as names of namespaces
filtered() {
    local filter requests=() name names
    for filter in "$@"; do
        requests+=("dump {\"filter\": $filter}")
    done
    names=$(for name in a b c; do
        printf '{"%s": "%s"}\n' "$(value_of "$name" cookie)" "$name"
    done | jq --slurp --compact-output add)
    ynl "${requests[@]}" | jq --compact-output --argjson names "$names" \
        '[.[] | $names["\(.cookie)"] // "initial"] | sort'
}

# ids COMMAND…: the ids of a, b and c in a dump that the command asks for
ids() {
    local cookies
    cookies=$(for name in a b c; do value_of "$name" cookie; done | jq --slurp --compact-output .)
    "$@" | jq --compact-output --argjson cookies "$cookies" \
        '. as $all | $cookies | map(. as $it | $all[] | select(.cookie == $it) | .nsid)'
}

test_ids_are_those_in_the_namespace_of_who_asks() {
    load_module
    make_netns a b c
    assert_eq '[null,null,null]' "$(ids "${client[@]}" dump)" "before there are any"
    ip netns set b 0
    ip netns set a 70000
    ip -n c netns set a 5
    assert_eq '[70000,0,null]' "$(ids "${client[@]}" dump)" "in the initial namespace"
    assert_eq '[5,null,null]' "$(ids ip netns exec c "${client[@]}" dump)" "in c"
}

test_filter_by_settings_and_age() {
    make_netns a
    load_module
    make_netns b c
    ip netns exec b bash -c 'echo 0 >/proc/sys/net/pernet/traffic'
    assert_eq '["a","b","c","initial"]
["b"]
["a","c","initial"]
["a","initial"]
["b","c"]
["c"]
["a","b","c","initial"]
[]' "$(filtered '{}' '{"count-traffic": "off"}' '{"count-traffic": "on"}' '{"preexisting": "on"}' '{"preexisting": "off"}' \
        '{"preexisting": "off", "count-traffic": "on"}' '{"count-drops": "off"}' '{"count-drops": "on"}')"
}

test_filter_by_device() {
    load_module
    make_netns a b c
    ip -n a link add eth0 type dummy
    ip -n b link add eth0 type dummy
    ip -n b link property add dev eth0 altname a-name-of-more-than-fifteen-characters
    local longest
    longest=$(printf 'x%.0s' {1..127})
    assert_eq '["a","b"]
["b"]
["a","b","c","initial"]
[]
[]' "$(filtered '{"device-name": "eth0"}' '{"device-name": "a-name-of-more-than-fifteen-characters"}' '{"device-name": "lo"}' \
        '{"device-name": ""}' "{\"device-name\": \"$longest\"}")"
    ip -n a link set eth0 name eth1
    assert_eq '["b"]' "$(filtered '{"device-name": "eth0"}')" "after it got another name"
}

test_filter_by_owner() {
    load_module
    make_netns a b c
    "${nobody[@]}" unshare --user --map-root-user --net sleep 1000 &
    defer kill $!
    wait_until 10 owned_by_another $!
    local inode
    inode=$(stat --dereference --format %i "/proc/$!/ns/user")
    assert_eq "[$(stat --dereference --format %i "/proc/$!/ns/net")]" \
        "$(ynl "dump {\"filter\": {\"userns-inode\": $inode}}" | jq --compact-output '[.[].inode]')" "of that user namespace"
    assert_eq '["a","b","c","initial"]
[]' "$(filtered "{\"userns-inode\": $(stat --dereference --format %i /proc/self/ns/user)}" '{"userns-inode": 1}')"
}

owned_by_another() {
    [[ ! /proc/$1/ns/user -ef /proc/self/ns/user && ! /proc/$1/ns/net -ef /proc/self/ns/net ]]
}

test_filter_by_drops() {
    need_tracepoints
    load_module
    make_netns a b c
    local netns
    for netns in a b; do
        ip -n "$netns" link set lo up
        ip netns exec "$netns" bash -c 'echo 1 >/proc/sys/net/pernet/drops'
    done
    ip netns exec a bash -c 'for i in {1..3}; do echo >/dev/udp/127.0.0.1/9; done' 2>/dev/null
    ip netns exec b bash -c 'for i in {1..7}; do echo >/dev/udp/127.0.0.1/9; done' 2>/dev/null
    assert_eq '["a","b","c","initial"]
["a","b"]
["b"]
["b"]
[]
["a","b"]' "$(filtered '{"min-drops": 0}' '{"min-drops": 3}' '{"min-drops": 4}' '{"min-drops": 7}' \
        '{"min-drops": 4294967296}' '{"count-drops": "on"}')"
    # What was dropped in an epoch before does not count.
    ynl "reset {\"cookie\": $(value_of b cookie)}" >/dev/null
    assert_eq '["a"]' "$(filtered '{"min-drops": 1}')" "after a reset of b"
}

# Without tracepoints nobody has dropped anything that was counted.
test_filter_by_drops_that_nobody_counts() {
    load_module
    make_netns a b c
    assert_eq '["a","b","c","initial"]
[]' "$(filtered '{"min-drops": 0}' '{"min-drops": 1}')"
}

test_filter_is_strict() {
    load_module
    local replies
    replies=$(ynl 'dump {"cookie": 1}' 'dump {"filter": {"count-traffic": 2}}' 'dump {"filter": {"preexisting": 7}}' \
        "dump {\"filter\": {\"device-name\": \"$(printf 'x%.0s' {1..128})\"}}" 'get {"filter": {}}')
    # EINVAL 22, ERANGE 34; the attribute is found by the offset that the kernel gives.
    assert_eq '[22,".cookie"] [34,".filter.count-traffic"] [34,".filter.preexisting"] [22,".filter.device-name"] [22,".filter"]' \
        "$(all_of "$replies" '[.errno, .attribute]')"
}

# Filters show no more than a dump without them.
test_filter_shows_nothing_new() {
    load_module
    make_netns a b c
    assert_eq "[$(own_cookie)]
[]" "$(as_nobody "${client[@]}" 'dump {"filter": {"device-name": "lo"}}' 'dump {"filter": {"count-traffic": "off"}}' |
        jq --compact-output "$cookies")"
}

run_tests
