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
# shellcheck source=tests/vm/family.sh
. "$here/family.sh"

spec=$PERNET_CHECKOUT/docs/netlink/pernet.yaml

test_spec_is_valid() {
    load_module
    "$PERNET_PYTHON" "$PERNET_KERNEL_SOURCE/tools/net/ynl/pyynl/cli.py" --spec "$spec" \
        --schema "$PERNET_KERNEL_SOURCE/Documentation/netlink/genetlink.yaml" --list-ops
}

test_get_own() {
    load_module
    make_netns a
    ip -n a link set lo up
    ip netns exec a ping -q -c 1 127.0.0.1
    local reply
    reply=$(ip netns exec a "${client[@]}" 'get {}')
    assert_eq "$(value_of a cookie)" "$(jq .cookie <<<"$reply")" cookie
    assert_eq "$(value_of a inode)" "$(jq .inode <<<"$reply")" inode
    assert_eq "$(value_of a userns_inode)" "$(jq '."userns-inode"' <<<"$reply")" "owner's inode"
    assert_eq null "$(jq .preexisting <<<"$reply")" preexisting
    assert_eq '"on"' "$(jq '."count-traffic"' <<<"$reply")" count-traffic
    assert_eq '{"present":1,"registered":1,"unregistered":0,"up":1,"down":0,"moved-in":0,"moved-out":0,"renamed":0}' \
        "$(jq --compact-output .devices <<<"$reply")" devices
    assert_eq '[["ipv4","prerouting",2,168],["ipv4","local-in",2,168],["ipv4","local-out",2,168],["ipv4","postrouting",2,168]]' \
        "$(jq --compact-output '[.traffic[] | [.family, .hook, .packets, .bytes]]' <<<"$reply")" traffic
}

test_get_by_each_selector() {
    load_module
    make_netns a
    local cookie replies
    cookie=$(value_of a cookie)
    ip netns exec a sleep 1000 &
    defer kill $!
    wait_until 10 in_netns $! a
    replies=$(ynl "get {\"cookie\": $cookie}" "get {\"pid\": $!}" 'get {"fd": 3}' 3</run/netns/a)
    assert_eq "[$cookie,null]" "$(of "$replies" 1 '[.cookie, .nsid]')" "by cookie, before it has an id"
    assert_eq "$cookie" "$(of "$replies" 2 .cookie)" "by pid"
    assert_eq "$cookie" "$(of "$replies" 3 .cookie)" "by descriptor"
    ip netns set a 42
    assert_eq "[$cookie,42]" "$(ynl 'get {"nsid": 42}' | jq --compact-output '[.cookie, .nsid]')" "by id"
}

test_dump_is_complete() {
    load_module
    local expected name
    local -a names
    mapfile -t names < <(printf 'n%d\n' {1..60})
    printf 'netns add %s\n' "${names[@]}" | ip -batch -
    defer eval "printf 'netns del %s\\n' ${names[*]} | ip -batch -"
    expected=$({
        sed -n 's/^netns cookie \([0-9]*\).*/\1/p' /proc/net/pernet
        for name in "${names[@]}"; do value_of "$name" cookie; done
    } | jq --slurp --compact-output sort)
    assert_eq "$expected" "$(ynl dump | jq --compact-output "$cookies")" "cookies of the dump"
}

test_bad_requests_are_refused() {
    load_module
    local replies
    replies=$(ynl 'get {"cookie": 1234567890123}' 'get {"nsid": 77}' 'get {"nsid": -1}' 'get {"pid": 4000000}' \
        'get {"pid": 4294967295}' 'get {"fd": 0}' 'get {"fd": 999}' 'get {"pid": 1, "cookie": 1}' \
        'get {"inode": 1}' 'get {"age": 1}' </dev/null)
    # ENOENT 2, ESRCH 3, EBADF 9, EINVAL 22
    assert_eq "$(refusal 2 'no network namespace with this id' cookie)" "$(of "$replies" 1)"
    assert_eq "$(refusal 2 'no network namespace with this id' nsid)" "$(of "$replies" 2)"
    assert_eq "$(refusal 2 'no network namespace with this id' nsid)" "$(of "$replies" 3)"
    assert_eq "$(refusal 3 'no process with this pid' pid)" "$(of "$replies" 4)"
    assert_eq "$(refusal 22 'no process with this pid' pid)" "$(of "$replies" 5)"
    assert_eq "$(refusal 22 'not an open descriptor of a network namespace' fd)" "$(of "$replies" 6)"
    assert_eq "$(refusal 9 'not an open descriptor of a network namespace' fd)" "$(of "$replies" 7)"
    assert_eq "$(refusal 22 'name the namespace by one of cookie, nsid, pid and fd' pid)" "$(of "$replies" 8)"
    assert_eq '[22,".inode"]' "$(of "$replies" 9 '[.errno, .attribute]')"
    assert_eq '[22,".age"]' "$(of "$replies" 10 '[.errno, .attribute]')"
}

test_nobody_sees_no_more_than_their_own() {
    load_module
    make_netns a
    local own cookie replies
    own=$(own_cookie)
    cookie=$(value_of a cookie)
    ip netns exec a sleep 1000 &
    defer kill $!
    wait_until 10 in_netns $! a
    replies=$(as_nobody "${client[@]}" \
        dump "get {\"cookie\": $own}" "get {\"cookie\": $cookie}" "get {\"pid\": $!}")
    assert_eq "[$own]" "$(of "$replies" 1 "$cookies")" "dump"
    assert_eq "$own" "$(of "$replies" 2 .cookie)" "own by cookie"
    # ENOENT, as for a cookie that nothing has; EPERM for what may be known to exist.
    assert_eq "$(refusal 2 'no network namespace with this id' cookie)" "$(of "$replies" 3)"
    assert_eq '1' "$(of "$replies" 4 .errno)" "errno by pid"
}

test_root_of_a_user_namespace_sees_what_that_owns() {
    load_module
    make_netns a
    local own
    own=$(own_cookie)
    # In a user namespace of its own, but in the initial network namespace.
    assert_eq "[$own]" "$(as_nobody unshare --user --map-root-user \
        "${client[@]}" dump | jq --compact-output "$cookies")" \
        "without a network namespace of its own"
    # One that owns two of them, of which it is in the second and holds the first.
    # shellcheck disable=SC2016  # for the inner shell
    assert_eq 2 "$(as_nobody unshare --user --map-root-user --net bash -c \
        'exec 3</proc/self/ns/net; exec unshare --net "$0" "$@"' \
        "${client[@]}" dump | jq length)" "namespaces seen from inside"
}

run_tests
