#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# `pernet monitor` with the module: the state, what happens then, and what is said
# where something is missed.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"

# monitor OPTION…: until the end of the test; what it says is in the test's folder.
# Sets monitor to its pid.
monitor() {
    pernet monitor --json "$@" >"$test_dir/lines" &
    monitor=$!
    defer end "$monitor"
    wait_until 20 said '.type == "state"'
}

# It may have ended by itself.
end() {
    kill "$1" 2>/dev/null || true
}

# said FILTER: whether any line is like that
said() {
    jq --exit-status --null-input "any(inputs; $1)" "$test_dir/lines" >"$test_dir/said" 2>&1
}

# lines FILTER: by jq's filter on the list of them
lines() {
    jq --slurp --compact-output "$1" "$test_dir/lines"
}

test_the_state_and_then_what_happens() {
    load_module
    make_netns a
    local monitor cookie
    monitor
    assert_eq '["module",true]' "$(lines '.[0] | [.source, any(.namespaces[]; .name == "a")]')" "state"
    ip netns add b
    cookie=$(value_of b cookie)
    ip -n b link add eth7 type dummy
    ip -n b link set eth7 up
    pernet set b --drops on
    pernet reset b
    ip netns del b
    wait_until 30 said ".event == \"died\" and .cookie == $cookie"
    assert_eq '["born","device-registered","device-registered","device-up","settings","reset"]' \
        "$(lines "[.[] | select(.cookie == $cookie and (.event | IN(\"device-down\", \"device-unregistered\", \"died\") | not)) | .event]")" \
        "what happened to b"
    assert_eq '["b","eth7"]' "$(lines "[.[] | select(.cookie == $cookie and .event == \"device-up\")][0] | [.name, .device.name]")" "device"
    assert_eq '["b",true]' "$(lines "[.[] | select(.cookie == $cookie and .event == \"died\")][0] | [.name, .teardown_ns > 0]")" "death"
}

# It cannot read while it is stopped, and there is not much room.
test_an_overrun_is_reported_and_followed_by_a_state() {
    load_module
    local monitor i
    monitor --buffer 4096
    kill -STOP "$monitor"
    for i in {1..100}; do
        ip link add "d$i" type dummy
        ip link del "d$i"
    done
    ip netns add late
    defer ip netns del late
    kill -CONT "$monitor"
    wait_until 30 said '.type == "overrun"'
    wait_until 30 said '.type == "state" and any(.namespaces[]; .name == "late")'
    assert_eq '"state"' "$(lines '.[(map(.type) | index("overrun")) + 1].type')" "what follows the overrun"
    ip link add last type dummy
    defer ip link del last
    wait_until 30 said '.event == "device-registered" and .device.name == "last"'
}

test_it_ends_with_those_that_it_watches() {
    load_module
    ip netns add a
    local monitor
    monitor a
    make_netns b
    ip netns del a
    wait_until 30 said '.event == "died"'
    wait "$monitor" || fail "it ended with status $?"
    assert_eq '["a"]' "$(lines '[.[] | select(.type == "event") | .name] | unique')" "whose events"
}

run_tests
