#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Who may do what: five people, and every request, file and setting. What each of
# them hears is in test_events.sh.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"
# shellcheck source=tests/vm/family.sh
. "$here/family.sh"

# The five, as commands that run one as them. `node` is a namespace of the test's.
root=(env)
in_node=(ip netns exec node)
ordinary=("${nobody[@]}")
owner=("${nobody[@]}" unshare --user --map-root-user --net)
not_owner=("${nobody[@]}" unshare --user --map-root-user)

# The namespaces `node` and `other`, the module, and a process in `other`, whose
# pid is $inside; `other` has the id 42 in the initial namespace and in `node`.
set_up() {
    load_module
    make_netns node other
    ip netns set other 42
    ip -n node netns set other 42
    ip netns exec other sleep 1000 &
    inside=$!
    defer kill "$inside"
    wait_until 10 in_netns "$inside" other
    cookie=$(value_of other cookie)
}

# asked KIND ATTRIBUTES PERSON…: what comes of that request about the person's own
# namespace, then about `other` by cookie, id, pid and descriptor: `ok` or the error.
asked() {
    local kind=$1 also=$2 selector requests=()
    shift 2
    for selector in '' "\"cookie\": $cookie" '"nsid": 42' "\"pid\": $inside" '"fd": 3'; do
        requests+=("$kind {$selector${selector:+${also:+, }}$also}")
    done
    "$@" "${client[@]}" "${requests[@]}" 3</run/netns/other |
        jq --raw-output '.errno // "ok"' | paste --serial --delimiters ' '
}

# EPERM 1, ENOENT 2: who may not see a namespace does not learn by a number that it
# exists; a process or a descriptor one has already.
none_of_others='2 2 1 1'

test_get() {
    set_up
    assert_eq 'ok ok ok ok ok' "$(asked get '' "${root[@]}")" "root on the host"
    assert_eq 'ok ok ok ok ok' "$(asked get '' "${in_node[@]}")" "root in a node"
    assert_eq "ok $none_of_others" "$(asked get '' "${ordinary[@]}")" "an ordinary user"
    assert_eq "ok $none_of_others" "$(asked get '' "${owner[@]}")" "root of a user namespace that owns its own"
    assert_eq "ok $none_of_others" "$(asked get '' "${not_owner[@]}")" "root of one that owns none"
}

test_dump() {
    set_up
    local all own
    all=$(jq --slurp --compact-output 'sort' <<<"$(own_cookie) $(value_of node cookie) $cookie")
    own="[$(own_cookie)]"
    assert_eq "$all" "$(ynl dump | jq --compact-output "$cookies")" "root on the host"
    assert_eq "$all" "$("${in_node[@]}" "${client[@]}" dump | jq --compact-output "$cookies")" "root in a node"
    assert_eq "$own" "$("${ordinary[@]}" "${client[@]}" dump | jq --compact-output "$cookies")" "an ordinary user"
    assert_eq '[true,1]' "$("${owner[@]}" "${client[@]}" 'get {}' dump |
        jq --slurp --compact-output '[.[1][0].cookie == .[0].cookie, (.[1] | length)]')" \
        "root of a user namespace that owns its own"
    assert_eq "$own" "$("${not_owner[@]}" "${client[@]}" dump | jq --compact-output "$cookies")" "root of one that owns none"
}

test_set() {
    set_up
    local off='"count-traffic": "off"'
    assert_eq "1 $none_of_others" "$(asked set "$off" "${ordinary[@]}")" "an ordinary user"
    assert_eq "1 $none_of_others" "$(asked set "$off" "${not_owner[@]}")" "root of a user namespace that owns none"
    assert_eq "ok $none_of_others" "$(asked set "$off" "${owner[@]}")" "root of one that owns its own"
    assert_eq '"on" "on" "on"' "$(counting)" "what is counted, after those that may not"
    assert_eq 'ok ok ok ok ok' "$(asked set "$off" "${in_node[@]}")" "root in a node"
    assert_eq '"on" "off" "off"' "$(counting)" "initial, node and other"
    assert_eq 'ok ok ok ok ok' "$(asked set "$off" "${root[@]}")" "root on the host"
    assert_eq '"off" "off" "off"' "$(counting)" "initial, node and other"
}

# Whether traffic is counted in the initial namespace, `node` and `other`.
counting() {
    all_of "$(ynl 'get {}' "get {\"cookie\": $(value_of node cookie)}" "get {\"cookie\": $cookie}")" '."count-traffic"'
}

test_reset() {
    set_up
    assert_eq "1 $none_of_others" "$(asked reset '' "${ordinary[@]}")" "an ordinary user"
    assert_eq "1 $none_of_others" "$(asked reset '' "${not_owner[@]}")" "root of a user namespace that owns none"
    assert_eq "ok $none_of_others" "$(asked reset '' "${owner[@]}")" "root of one that owns its own"
    assert_eq '0 0 0' "$(epochs)" "epochs, after those that may not"
    assert_eq 'ok ok ok ok ok' "$(asked reset '' "${in_node[@]}")" "root in a node"
    assert_eq '0 1 4' "$(epochs)" "initial, node and other"
    assert_eq 'ok ok ok ok ok' "$(asked reset '' "${root[@]}")" "root on the host"
    assert_eq '1 1 8' "$(epochs)" "initial, node and other"
}

epochs() {
    printf '%s %s %s\n' "$(sed -n 's/.* epoch \([0-9]*\).*/\1/p' /proc/net/pernet)" "$(value_of node epoch)" "$(value_of other epoch)"
}

# files PERSON…: whether /proc/net/pernet is as /proc/net/dev is, and can be read;
# how the settings look, and for each whether it can be read and written.
files() {
    # shellcheck disable=SC2016  # for the inner shell
    "$@" bash -c '
        like=$(stat --format "%A %u:%g" /proc/net/dev)
        [[ $(stat --format "%A %u:%g" /proc/net/pernet) == "$like" ]] && echo "as dev"
        [[ $(grep --count . /proc/net/dev) -ge 3 && $(grep --count . /proc/net/pernet) -ge 12 ]] && echo "both read"
        for file in traffic drops; do
            stat --format "%n %A %u:%g" "/proc/sys/net/pernet/$file" | sed "s/.*\///"
            value=$(cat "/proc/sys/net/pernet/$file") && echo "read"
            { echo "$value" >"/proc/sys/net/pernet/$file"; } 2>/dev/null && echo "written" || echo "not written"
        done' | paste --serial --delimiters ,
}

test_files() {
    set_up
    local may='as dev,both read,traffic -rw-r--r-- 0:0,read,written,drops -rw-r--r-- 0:0,read,written'
    local may_not=${may//written/not written}
    assert_eq "$may" "$(files "${root[@]}")" "root on the host"
    assert_eq "$may" "$(files "${in_node[@]}")" "root in a node"
    assert_eq "$may_not" "$(files "${ordinary[@]}")" "an ordinary user"
    assert_eq "$may_not" "$(files ip netns exec node "${ordinary[@]}")" "an ordinary user in a node"
    assert_eq "$may" "$(files "${owner[@]}")" "root of a user namespace that owns its own"
    # In its eyes the owner is nobody.
    assert_eq "${may_not//0:0/65534:65534}" "$(files "${not_owner[@]}")" "root of one that owns none"
    # Root by number in the namespace's owner, but without the capability.
    assert_eq "$may_not" "$(files ip netns exec node setpriv --bounding-set=-net_admin --inh-caps=-net_admin --)" \
        "root in a node without CAP_NET_ADMIN"
}

run_tests
