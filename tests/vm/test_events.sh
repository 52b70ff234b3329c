#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Events: what is told, and to whom.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"
# shellcheck source=tests/vm/family.sh
. "$here/family.sh"

listener=("$PERNET_PYTHON" "$PERNET_CHECKOUT/tests/vm/listen")
# Somebody else: who makes a user namespace has every capability in it.
stranger=(setpriv --reuid 65533 --regid 65533 --clear-groups --)

# listen NAME COMMAND…: runs the listener by that command until the end of the
# test; what it hears is in the file NAME of the test's folder.
listen() {
    local heard=$test_dir/$1
    shift
    "$@" >"$heard" 2>&1 &
    defer kill $!
}

# all_ready NAME…: Python starts slowly under emulation, several at once most of all
all_ready() {
    local name
    for name in "$@"; do
        wait_until 180 grep --quiet ready "$test_dir/$name"
    done
}

# heard NAME FILTER: the events, by jq's filter on the list of them
heard() {
    sed 1d "$test_dir/$1" | jq --slurp --compact-output "$2"
}

has_heard() {
    [[ $(heard "$1" "any($2)") == true ]]
}

# Tells every listener that what came before has been told: an event of the
# initial namespace, and one of each namespace named.
last_word() {
    ip link add last type dummy
    ip link del last
    local netns
    for netns in "$@"; do
        ip -n "$netns" link add last type dummy
        ip -n "$netns" link del last
    done
}

ended='."device-name" == "last" and .kind == "device-unregistered"'

test_life_and_death() {
    load_module
    listen root "${listener[@]}"
    all_ready root
    local cookie inode
    ip netns add short
    cookie=$(value_of short cookie)
    inode=$(value_of short inode)
    ip netns del short
    wait_until 20 has_heard root '.kind == "died"'
    local of_it="map(select(.cookie == $cookie))"
    assert_eq '["born","device-registered","device-unregistered","died"]' "$(heard root "$of_it | map(.kind)")" "what happened"
    assert_eq "[[$inode,$(stat --dereference --format %i /proc/self/ns/user)]]" \
        "$(heard root "$of_it | map([.inode, .\"userns-inode\"]) | unique")" "identity"
    assert_eq '[null,"lo","lo",null]' "$(heard root "$of_it | map(.\"device-name\")")" "devices"
    assert_eq '[true]' "$(heard root "$of_it | map(.teardown // empty | . > 0 and . < 60000000000)")" "time of teardown"
}

test_devices() {
    load_module
    make_netns a b
    listen root "${listener[@]}"
    listen inside ip netns exec a "${nobody[@]}" "${listener[@]}"
    all_ready root inside
    ip -n a link add d0 type dummy
    ip -n a link set d0 up
    ip -n a link set d0 netns b
    last_word a
    wait_until 10 has_heard inside "$ended"
    wait_until 10 has_heard root "$ended"
    local a b d0='select(."device-name" == "d0")'
    a=$(value_of a cookie) b=$(value_of b cookie)
    assert_eq "[[\"device-registered\",$a],[\"device-up\",$a],[\"device-down\",$a],[\"device-moved-out\",$a],[\"device-moved-in\",$b]]" \
        "$(heard root "map($d0 | [.kind, .cookie])")" "as root hears it"
    assert_eq "[[\"device-registered\",$a],[\"device-up\",$a],[\"device-down\",$a],[\"device-moved-out\",$a]]" \
        "$(heard inside "map($d0 | [.kind, .cookie])")" "as somebody inside hears it"
    assert_eq '[true]' "$(heard inside "map($d0 | .\"device-index\" > 0) | unique")" "index"
}

test_settings_and_resets() {
    load_module
    make_netns a
    listen root "${listener[@]}"
    all_ready root
    local cookie
    cookie=$(value_of a cookie)
    ip netns exec a bash -c 'echo 1 >/proc/sys/net/pernet/traffic; echo 0 >/proc/sys/net/pernet/traffic'
    pernet set name:a --traffic on
    pernet set name:a --traffic on
    pernet reset name:a
    pernet reset name:a
    wait_until 10 has_heard root '.epoch == 2'
    # What changes nothing is no event.
    assert_eq "[[\"settings\",$cookie,\"off\",\"off\",null],[\"settings\",$cookie,\"on\",\"off\",null],[\"reset\",$cookie,null,null,1],[\"reset\",$cookie,null,null,2]]" \
        "$(heard root 'map([.kind, .cookie, ."count-traffic", ."count-drops", .epoch])')"
}

test_ids_are_those_of_the_listener() {
    load_module
    make_netns a b
    ip netns set a 42
    ip -n b netns set a 7
    listen root "${listener[@]}"
    listen b ip netns exec b "${listener[@]}"
    listen inside ip netns exec a "${listener[@]}"
    # By the kernel's own way it would get what happens in a twice.
    listen all "${listener[@]}" --all-nsid
    all_ready root b inside all
    ip -n a link set lo up
    last_word a b
    local name up='map(select(.kind == "device-up") | .nsid)'
    for name in root b inside all; do wait_until 10 has_heard "$name" "$ended"; done
    assert_eq '[42]' "$(heard root "$up")" "in the initial namespace"
    assert_eq '[7]' "$(heard b "$up")" "in b"
    assert_eq '[null]' "$(heard inside "$up")" "in itself"
    assert_eq '[42]' "$(heard all "$up")" "who listens to all ids"
}

test_everybody_hears_what_they_may_see() {
    load_module
    make_netns a b
    listen root "${listener[@]}"
    listen in_a ip netns exec a "${listener[@]}"
    listen ordinary "${stranger[@]}" "${listener[@]}"
    listen ordinary_in_a ip netns exec a "${stranger[@]}" "${listener[@]}"
    listen maker "${nobody[@]}" "${listener[@]}"
    # Root of a user namespace that owns two network namespaces, of which it is
    # in the second and holds the first; and of one that owns none.
    # shellcheck disable=SC2016  # for the inner shell
    listen owner "${nobody[@]}" unshare --user --map-root-user --net bash -c '
        exec 3</proc/self/ns/net
        unshare --net "$0" "$@" &
        trap "kill $!; exit" TERM
        until read -r -t 1 && [[ $REPLY == go ]]; do :; done <"'"$test_dir"'/go"
        ip link set lo up
        wait' "${listener[@]}"
    listen owns_none "${nobody[@]}" unshare --user --map-root-user "${listener[@]}"
    mkfifo --mode 666 "$test_dir/go"
    all_ready root in_a ordinary ordinary_in_a maker owner owns_none
    ip -n b link set lo up
    echo go >"$test_dir/go"
    wait_until 20 has_heard owner '.kind == "device-up"'
    last_word a
    local name a b own
    for name in root in_a ordinary ordinary_in_a maker owns_none; do wait_until 10 has_heard "$name" "$ended"; done
    a=$(value_of a cookie) b=$(value_of b cookie) own=$(own_cookie)
    local cookies='map(.cookie) | unique'
    # Root hears all, wherever: a, b, the initial one, and the owner's.
    assert_eq 4 "$(heard root "$cookies | length")" "namespaces that root heard of"
    assert_eq 4 "$(heard in_a "$cookies | length")" "namespaces that root heard of in a node"
    assert_eq "[$own]" "$(heard ordinary "$cookies")" "an ordinary user"
    assert_eq "[$own,$(heard owner '.[0].cookie')]" "$(heard maker "$cookies")" "who made the user namespace"
    assert_eq "[$a]" "$(heard ordinary_in_a "$cookies")" "an ordinary user in a"
    assert_eq "[$own]" "$(heard owns_none "$cookies")" "root of a user namespace that owns no network namespace"
    assert_eq '["device-up"]' "$(heard owner 'map(.kind)')" "root of a user namespace, of what that owns"
    assert_eq false "$(heard owner "any(.cookie == $b or .cookie == $a or .cookie == $own)")" "and of nothing else"
}

# Who does not keep up is told so, once it reads, and hears what comes then; who
# keeps up misses nothing.
test_a_loss_is_seen() {
    load_module
    listen slow "${listener[@]}" --buffer 4096
    local slow=$!
    listen quick "${listener[@]}"
    all_ready slow quick
    kill -STOP "$slow"
    printf 'link add d%d type dummy\n' {1..60} | ip -batch -
    printf 'link del d%d\n' {1..60} | ip -batch -
    kill -CONT "$slow"
    wait_until 20 has_heard slow .lost
    last_word
    wait_until 20 has_heard slow "$ended"
    wait_until 20 has_heard quick "$ended"
    local devices='map(select(."device-name" // "" | startswith("d")) | .kind)'
    assert_eq '[120,false]' "$(heard quick "[($devices | length), any(.lost)]")" "events that the quick one heard"
    assert_eq '[true,1]' "$(heard slow "[($devices | length > 0 and length < 120), (map(select(.lost)) | length)]")" \
        "what the slow one heard, and that it was told of its loss once"
    # The loss is told at once, before what had found room until then.
    assert_eq '[0,"last"]' "$(heard slow '[(map(.lost) | index(true)), .[-1]."device-name"]')" "order"
}

# Listeners that do not read, namespaces in hundreds, and the module goes.
test_flood_of_events_and_unload() {
    local round
    for round in 1 2; do
        insmod "$PERNET_KO"
        "${listener[@]}" >"$test_dir/flood$round" 2>&1 &
        local reader=$!
        wait_until 180 grep --quiet ready "$test_dir/flood$round"
        kill -STOP "$reader"
        printf 'netns add f%d\n' {1..100} | ip -batch -
        printf 'netns del f%d\n' {1..100} | ip -batch -
        (for _ in {1..20}; do unshare --net ip link set lo up; done) &
        sleep 0.5
        rmmod pernet
        wait $!
        kill -KILL "$reader"
        wait "$reader" 2>/dev/null || true
    done
    insmod "$PERNET_KO"
    rmmod pernet
}

run_tests
