#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The netlink family by the kernel tree's own client, which knows nothing of it
# but docs/netlink/pernet.yaml; and who may see what.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/vm/netns.sh
. "$here/netns.sh"

spec=$PERNET_CHECKOUT/docs/netlink/pernet.yaml

# The schema is checked by one test; it takes longer than all the rest.
ynl() {
    "$PERNET_PYTHON" "$PERNET_KERNEL_SOURCE/tools/net/ynl/pyynl/cli.py" --spec "$spec" --no-schema --output-json "$@"
}

# get REQUEST [JQ-FILTER]
get() {
    ynl --do get --json "$1" | jq --compact-output "${2:-.}"
}

# refused REQUEST: the error that comes instead of an answer
refused() {
    local answer
    ! answer=$(ynl --do get --json "$1" 2>&1) || fail "answered: $answer"
    printf '%s\n' "$answer"
}

as_nobody() {
    setpriv --reuid 65534 --regid 65534 --clear-groups -- env HOME=/ bash -c "$(declare -f ynl); spec='$spec'; $1"
}

cookies() {
    jq --compact-output '[.[].cookie] | sort'
}

test_spec_is_valid() {
    "$PERNET_PYTHON" "$PERNET_KERNEL_SOURCE/tools/net/ynl/pyynl/cli.py" --spec "$spec" \
        --schema "$PERNET_KERNEL_SOURCE/Documentation/netlink/genetlink.yaml" --list-ops
}

test_get_own() {
    load_module
    make_netns a
    ip -n a link set lo up
    ip netns exec a ping -q -c 1 127.0.0.1
    local reply
    reply=$(ip netns exec a "$BASH" -c "$(declare -f ynl); spec='$spec'; ynl --do get --json '{}'")
    assert_eq "$(value_of a cookie)" "$(jq .cookie <<<"$reply")" cookie
    assert_eq "$(value_of a inode)" "$(jq .inode <<<"$reply")" inode
    assert_eq "$(value_of a userns_inode)" "$(jq '."userns-inode"' <<<"$reply")" "owner's inode"
    assert_eq null "$(jq .preexisting <<<"$reply")" preexisting
    assert_eq '{"present":1,"registered":1,"unregistered":0,"up":1,"down":0,"moved-in":0,"moved-out":0,"renamed":0}' \
        "$(jq --compact-output .devices <<<"$reply")" devices
    assert_eq '[["ipv4","prerouting",2,168],["ipv4","local-in",2,168],["ipv4","forward",0,0],["ipv4","local-out",2,168],["ipv4","postrouting",2,168],["ipv6","prerouting",0,0],["ipv6","local-in",0,0],["ipv6","forward",0,0],["ipv6","local-out",0,0],["ipv6","postrouting",0,0]]' \
        "$(jq --compact-output '[.traffic[] | [.family, .hook, .packets, .bytes]]' <<<"$reply")" traffic
}

test_get_by_each_selector() {
    load_module
    make_netns a
    local cookie pid
    cookie=$(value_of a cookie)
    assert_eq "$cookie" "$(get "{\"cookie\": $cookie}" .cookie)" "by cookie"
    ip netns exec a sleep 1000 &
    pid=$!
    defer kill "$pid"
    wait_until 10 ip netns pids a
    assert_eq "$cookie" "$(get "{\"pid\": $pid}" .cookie)" "by pid"
    assert_eq "$cookie" "$(get '{"fd": 3}' .cookie 3</run/netns/a)" "by descriptor"
    assert_eq null "$(get "{\"cookie\": $cookie}" .nsid)" "id before it has one"
    ip netns set a 42
    assert_eq "[$cookie,42]" "$(get '{"nsid": 42}' '[.cookie, .nsid]')" "by id"
}

test_dump_is_complete() {
    load_module
    local expected name
    local -a names
    mapfile -t names < <(printf 'n%d\n' {1..150})
    printf 'netns add %s\n' "${names[@]}" | ip -batch -
    defer eval "printf 'netns del %s\\n' ${names[*]} | ip -batch -"
    expected=$(for name in "${names[@]}"; do value_of "$name" cookie; done | jq --slurp --compact-output --argjson own "$(get '{}' .cookie)" '. + [$own] | sort')
    assert_eq "$expected" "$(ynl --dump get | cookies)" "cookies of the dump"
}

test_bad_requests_are_refused() {
    load_module
    [[ $(refused '{"cookie": 1234567890123}') == *'no network namespace with this id: No such file or directory'*'.cookie'* ]]
    [[ $(refused '{"nsid": 77}') == *'no network namespace with this id: No such file or directory'*'.nsid'* ]]
    [[ $(refused '{"nsid": -1}') == *'no network namespace with this id'*'.nsid'* ]]
    [[ $(refused '{"pid": 4000000}') == *'no process with this pid: No such process'*'.pid'* ]]
    [[ $(refused '{"pid": 4294967295}') == *'no process with this pid'*'.pid'* ]]
    [[ $(refused '{"fd": 0}') == *'not an open descriptor of a network namespace: Invalid argument'*'.fd'* ]]
    [[ $(refused '{"fd": 999}') == *'not an open descriptor of a network namespace: Bad file descriptor'*'.fd'* ]]
    [[ $(refused '{"pid": 1, "cookie": 1}') == *'by one of cookie, nsid, pid and fd: Invalid argument'*'.pid'* ]]
    [[ $(refused '{"inode": 1}') == *'Invalid argument'* ]]
}

test_nobody_sees_no_more_than_their_own() {
    load_module
    make_netns a
    local own cookie pid
    own=$(get '{}' .cookie)
    cookie=$(value_of a cookie)
    ip netns exec a sleep 1000 &
    pid=$!
    defer kill "$pid"
    assert_eq "[$own]" "$(as_nobody 'ynl --dump get' | cookies)" "dump"
    assert_eq "$own" "$(as_nobody "ynl --do get --json '{\"cookie\": $own}'" | jq .cookie)" "own by cookie"
    [[ $(as_nobody "ynl --do get --json '{\"cookie\": $cookie}' 2>&1") == *'no network namespace with this id: No such file or directory'* ]]
    [[ $(as_nobody "ynl --do get --json '{\"pid\": $pid}' 2>&1") == *"CAP_NET_ADMIN is missing"*'Operation not permitted'* ]]
}

test_root_of_a_user_namespace_sees_what_that_owns() {
    load_module
    make_netns a
    local seen
    # Root in a user namespace of its own, in the initial network namespace.
    assert_eq "[$(get '{}' .cookie)]" "$(as_nobody 'export -f ynl; export spec; unshare --user --map-root-user bash -c "ynl --dump get"' | cookies)" \
        "without a network namespace of its own"
    # And one that owns two of them, of which it is in the second.
    seen=$(as_nobody 'export -f ynl; export spec; unshare --user --map-root-user --net bash -c "exec 3</proc/self/ns/net; unshare --net bash -c \"ynl --dump get\""' | jq length)
    assert_eq 2 "$seen" "namespaces seen from inside"
}

run_tests
