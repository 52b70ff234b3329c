#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# `set` and `reset`: by the kernel tree's client, by the tool, and by those who
# may not.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"
# shellcheck source=tests/vm/family.sh
. "$here/family.sh"

not_admin() {
    printf '{"errno":1,"message":"CAP_NET_ADMIN is missing in the namespace'\''s owner","attribute":%s}\n' "$1"
}

test_set_takes_effect_and_answers() {
    load_module
    make_netns a
    local cookie replies
    cookie=$(value_of a cookie)
    replies=$(ynl "set {\"cookie\": $cookie, \"count-traffic\": \"off\"}" "get {\"cookie\": $cookie}" 'get {}' \
        "set {\"cookie\": $cookie, \"count-traffic\": \"on\"}")
    assert_eq "[$cookie,\"off\",\"off\"]" "$(of "$replies" 1 '[.cookie, ."count-traffic", ."count-drops"]')" "answer"
    assert_eq '"off"' "$(of "$replies" 2 '."count-traffic"')" "read again"
    assert_eq '"on"' "$(of "$replies" 3 '."count-traffic"')" "another namespace"
    assert_eq '"on"' "$(of "$replies" 4 '."count-traffic"')" "on again"
    assert_eq 1 "$(ip netns exec a cat /proc/sys/net/pernet/traffic)" "as the file says"
}

test_set_is_strict() {
    load_module
    local replies
    replies=$(ynl 'set {}' 'set {"count-traffic": 2}' 'set {"age": 1}' 'set {"cookie": 1234567890123, "count-traffic": 1}' \
        'reset {"count-traffic": 1}' 'get {"count-traffic": 1}')
    assert_eq '{"errno":22,"message":"nothing to set","attribute":null}' "$(of "$replies" 1)"
    # ERANGE
    assert_eq '[34,".count-traffic"]' "$(of "$replies" 2 '[.errno, .attribute]')"
    assert_eq '[22,".age"]' "$(of "$replies" 3 '[.errno, .attribute]')"
    assert_eq '[2,".cookie"]' "$(of "$replies" 4 '[.errno, .attribute]')"
    assert_eq '[22,".count-traffic"]' "$(of "$replies" 5 '[.errno, .attribute]')"
    assert_eq '[22,".count-traffic"]' "$(of "$replies" 6 '[.errno, .attribute]')"
}

test_set_is_done_in_full_or_not_at_all() {
    ! has_tracepoints || skip "this kernel can count drops"
    load_module
    local replies
    replies=$(ynl 'set {"count-traffic": "off", "count-drops": "on"}' 'get {}')
    # EOPNOTSUPP
    assert_eq '{"errno":95,"message":"this kernel has no tracepoints","attribute":".count-drops"}' "$(of "$replies" 1)"
    assert_eq '["on","off"]' "$(of "$replies" 2 '[."count-traffic", ."count-drops"]')"
}

test_reset_begins_at_zero() {
    load_module
    make_netns a
    ip -n a link set lo up
    ip netns exec a ping -q -c 2 -i 0.2 127.0.0.1
    local cookie replies
    cookie=$(value_of a cookie)
    replies=$(ynl "reset {\"cookie\": $cookie}" "get {\"cookie\": $cookie}")
    assert_eq '[0,[4,4,4,4]]' "$(of "$replies" 1 '[.epoch, [.traffic[].packets]]')" "the epoch that ended"
    assert_eq '[1,null]' "$(of "$replies" 2 '[.epoch, .traffic]')" "the next one"
    assert_eq '{"present":1,"registered":0,"unregistered":0,"up":0,"down":0,"moved-in":0,"moved-out":0,"renamed":0}' \
        "$(of "$replies" 2 .devices)" "devices"
    assert_eq true "$(of "$replies" 2 '."epoch-age" < .age')" "the epoch is younger than the namespace"
    ip netns exec a ping -q -c 1 127.0.0.1
    expect_traffic a ipv4 2 2 0 2 2 84
    assert_eq 1 "$(value_of a epoch)" "epoch in the file"
}

# Who reads by resetting misses no packet and sees none twice.
test_resets_lose_nothing() {
    load_module
    make_netns a
    ip -n a link set lo up
    local cookie
    cookie=$(value_of a cookie)
    ip netns exec a ping -q -f -c 3000 127.0.0.1 >/dev/null &
    local requests=() i
    for i in {1..150}; do requests+=("reset {\"cookie\": $cookie}"); done
    ynl "${requests[@]}" >"$test_dir/replies"
    wait $!
    ynl "reset {\"cookie\": $cookie}" >>"$test_dir/replies"
    assert_eq '[151,[6000,504000]]' "$(jq --slurp --compact-output \
        '[length, (map((.traffic // [])[] | select(.family == "ipv4" and .hook == "local-out") | [.packets, .bytes]) | transpose | map(add))]' \
        "$test_dir/replies")" "sum of what the epochs counted"
}

test_the_tool_sets_and_resets() {
    load_module
    pernet node add n1 n2
    defer pernet node del n1 n2
    pernet set n1 n2 --traffic off
    assert_eq '[false,false]' "$(pernet stat --json n1 n2 | jq --compact-output '.namespaces | map(.counting.traffic)')" "off"
    pernet stat n1 | grep --quiet 'traffic not counted' || fail "$(pernet stat n1)"
    pernet set n2 --traffic on
    assert_eq '[false,true]' "$(pernet stat --json n1 n2 | jq --compact-output '.namespaces | map(.counting.traffic)')" "n2 on"
    pernet exec n2 -- ping -q -c 1 127.0.0.1
    pernet reset n1 n2
    assert_eq '[[1,0],[1,0]]' "$(pernet stat --json n1 n2 |
        jq --compact-output '.namespaces | map([.epoch, .traffic.ipv4.local_out.packets])')" "after the reset"
    pernet stat n1 | grep --quiet ', reset .*s ago, ' || fail "$(pernet stat n1)"
    local said
    said=$(assert_status 1 pernet reset n1 nobody 2>&1)
    assert_eq 1 "$(pernet stat --json n1 | jq '.namespaces[0].epoch')" "n1, named beside something unknown"
    said=$(assert_status 2 pernet set n1 2>&1)
    said=$(assert_status 1 setpriv --reuid 65534 --clear-groups pernet reset n1 2>&1)
    [[ $said == *'CAP_NET_ADMIN is missing'* ]] || fail "it said: $said"
}

test_a_node_is_meant_also_when_ip_gave_its_name_away() {
    load_module
    pernet node add n1
    defer pernet node del n1
    local cookie
    cookie=$(pernet stat --json n1 | jq '.namespaces[0].cookie')
    ip netns del n1
    ip netns add n1
    pernet set n1 --traffic off
    pernet reset n1
    assert_eq "[$cookie,false,1]" "$(pernet stat --json n1 |
        jq --compact-output '.namespaces[0] | [.cookie, .counting.traffic, .epoch]')" "the node"
    ip netns del n1
}

test_root_in_a_node_may_as_on_the_host() {
    load_module
    make_netns a b
    local cookie replies
    cookie=$(value_of b cookie)
    replies=$(ip netns exec a "${client[@]}" 'reset {}' "set {\"cookie\": $cookie, \"count-traffic\": \"off\"}")
    assert_eq "$(value_of a cookie)" "$(of "$replies" 1 .cookie)" "its own"
    assert_eq '"off"' "$(of "$replies" 2 '."count-traffic"')" "another"
}

test_an_ordinary_user_may_not() {
    load_module
    make_netns a
    ip netns exec a sleep 1000 &
    defer kill $!
    wait_until 10 in_netns $! a
    local replies cookie
    cookie=$(value_of a cookie)
    replies=$(as_nobody "${client[@]}" 'set {"count-traffic": "off"}' 'reset {}' "reset {\"cookie\": $(own_cookie)}" \
        "reset {\"cookie\": $cookie}" "set {\"pid\": $!, \"count-traffic\": \"off\"}")
    # Its own namespace it may see, but not change; it does not learn of the other.
    assert_eq "$(not_admin null)" "$(of "$replies" 1)"
    assert_eq "$(not_admin null)" "$(of "$replies" 2)"
    assert_eq "$(not_admin '".cookie"')" "$(of "$replies" 3)"
    assert_eq '[2,"no network namespace with this id",".cookie"]' "$(of "$replies" 4 '[.errno, .message, .attribute]')"
    assert_eq "$(not_admin '".pid"')" "$(of "$replies" 5)"
    assert_eq '0 1' "$(value_of a epoch) $(ip netns exec a cat /proc/sys/net/pernet/traffic)" "epoch and setting of a"
}

test_root_of_a_user_namespace_may_what_that_owns() {
    load_module
    make_netns a
    local replies
    # Owner of its network namespace.
    replies=$(as_nobody unshare --user --map-root-user --net "${client[@]}" \
        'set {"count-traffic": "off"}' 'reset {}' 'get {}' "reset {\"cookie\": $(own_cookie)}" "reset {\"cookie\": $(value_of a cookie)}")
    assert_eq '"off"' "$(of "$replies" 1 '."count-traffic"')" "set in its own"
    assert_eq '["off",1]' "$(of "$replies" 3 '[."count-traffic", .epoch]')" "reset in its own"
    assert_eq '[2,2]' "[$(of "$replies" 4 .errno),$(of "$replies" 5 .errno)]" "errno for what it does not own"
    # Root in its user namespace, but the network namespace is the initial one.
    replies=$(as_nobody unshare --user --map-root-user "${client[@]}" 'set {"count-traffic": "off"}' 'reset {}')
    assert_eq "$(not_admin null)" "$(of "$replies" 1)"
    assert_eq "$(not_admin null)" "$(of "$replies" 2)"
    assert_eq 0 "$(sed -n 's/.* epoch \([0-9]*\).*/\1/p' /proc/net/pernet)" "epoch of the initial namespace"
}

# What the kernel says of the policies is what the specification says.
test_policies_are_those_of_the_specification() {
    load_module
    assert_eq '4 operations, 15 attributes, 0 differences' "$("$PERNET_PYTHON" "$PERNET_CHECKOUT/tests/vm/policies")" "policies"
}

run_tests
